"""Queries as PostgreSQL takes them, and what only it can be asked about a ledger."""

import re
from functools import cache
from typing import Any

import psycopg

from infra.event_store.reader import LedgerReader

Cursor = psycopg.Cursor[tuple[Any, ...]]
Connection = psycopg.Connection[tuple[Any, ...]]


@cache
def _named(statement: str) -> bytes:
    """`:name` as psycopg writes it."""
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%")).encode()


class PostgresReader(LedgerReader):
    """Reads through one connection, in whatever transaction it is."""

    def __init__(self, connection: Cursor | Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, /, **params: Any) -> list[Any]:
        return self._connection.execute(_named(statement), params).fetchall()


def tables_exist(connection: Connection) -> bool:
    """Whether there is a ledger."""
    found: bool = PostgresReader(connection).rows("SELECT to_regclass('stored_events') IS NOT NULL")[0][0]
    return found


def event_rights(connection: Connection) -> dict[str, bool]:
    """Whether this login may read, append and change events."""
    return {
        right: PostgresReader(connection).rows(
            "SELECT has_table_privilege('stored_events', :right)", right=right
        )[0][0]
        for right in ("SELECT", "INSERT", "UPDATE")
    }
