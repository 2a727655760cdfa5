"""Only `infra/event_store` names a table of the ledger in SQL: all others call its named functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import infra
from infra.event_store.sqlite.recorder import SCHEMA
from infra.read_models.schema import METADATA

HOME = Path(infra.__file__).parent
TABLES = set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", SCHEMA.read_text("utf-8")))
OURS_ALONE = TABLES - set(METADATA.tables)
"""The read models have a table `sellers` of their own."""
NAMED = re.compile(rf"(?:\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+|')(?:\w+\.)?({'|'.join(sorted(OURS_ALONE))})\b")
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|TRUNCATE|COPY)\b")


def tables_named(source: str) -> list[str]:
    """The ledger's tables that the SQL in a module names.

    A statement may be put together of several texts: each line of a text is looked at by itself.
    """
    return [table for text in _texts(ast.parse(source)) if SQL.search(text) for table in NAMED.findall(text)]


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_tables_are_known() -> None:
    assert {"stored_events", "commits", "outcomes", "parked", "timers", "inbox", "ledger"} <= OURS_ALONE


def test_no_module_outside_the_event_store_reads_a_table_of_the_ledger() -> None:
    outside = [
        path
        for path in HOME.rglob("*.py")
        if HOME / "event_store" not in path.parents and path != HOME / "vault.py"  # a table apart
    ]
    assert len(outside) > 100
    named = {str(path.relative_to(HOME)): tables_named(path.read_text("utf-8")) for path in outside}
    assert {path: tables for path, tables in named.items() if tables} == {}


def test_it_would_be_found() -> None:
    plain = 'def f(ledger):\n    return ledger.rows("SELECT max(number) FROM outcomes")'
    split = 'rows("SELECT o.state " f"FROM outcomes o JOIN commits c ON {x}")'
    asked = "one(connection, \"SELECT to_regclass('parked')\")"
    assert tables_named(plain) == ["outcomes"]
    assert sorted(tables_named(split)) == ["commits", "outcomes"]
    assert tables_named(asked) == ["parked"]
    assert tables_named('"""Reads commits FROM the ledger, one after the other."""') == []
