"""Only `infra/event_store` has SQL with tables of the ledger.  All other modules call its functions."""

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
"""Without `sellers`: the read models have a table of that name, too."""
NAMED = re.compile(rf"(?:\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+|')(?:\w+\.)?({'|'.join(sorted(OURS_ALONE))})\b")
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|TRUNCATE|COPY)\b")


def tables_named(source: str) -> list[str]:
    """The tables of the ledger that the SQL of a module names.

    A statement may consist of several texts, so each text is searched separately.
    """
    return [table for text in _texts(ast.parse(source)) if SQL.search(text) for table in NAMED.findall(text)]


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_schema_file_gives_the_tables() -> None:
    assert {"stored_events", "commits", "outcomes", "parked", "timers", "inbox", "ledger"} <= OURS_ALONE


def test_no_module_outside_the_event_store_reads_a_table_of_the_ledger() -> None:
    outside = [
        path
        for path in HOME.rglob("*.py")
        if HOME / "event_store" not in path.parents and path != HOME / "vault.py"  # it has a table of its own
    ]
    assert len(outside) > 100
    named = {str(path.relative_to(HOME)): tables_named(path.read_text("utf-8")) for path in outside}
    assert {path: tables for path, tables in named.items() if tables} == {}


def test_such_sql_is_found() -> None:
    plain = 'def f(ledger):\n    return ledger.rows("SELECT max(number) FROM outcomes")'
    split = 'rows("SELECT o.state " f"FROM outcomes o JOIN commits c ON {x}")'
    regclass = "one(connection, \"SELECT to_regclass('parked')\")"
    assert tables_named(plain) == ["outcomes"]
    assert sorted(tables_named(split)) == ["commits", "outcomes"]
    assert tables_named(regclass) == ["parked"]
    assert tables_named('"""Reads commits FROM the ledger, one after the other."""') == []
