"""Runs queries on PostgreSQL, and checks tables, rights and the schema version."""

import re
from functools import cache
from typing import Any

import psycopg

from infra.event_store.reader import LedgerReader

Cursor = psycopg.Cursor[tuple[Any, ...]]
Connection = psycopg.Connection[tuple[Any, ...]]


@cache
def _named(statement: str) -> bytes:
    """Rewrites `:name` parameters for psycopg."""
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%")).encode()


class PostgresReader(LedgerReader):
    """Reads through one connection, in its current transaction."""

    def __init__(self, connection: Cursor | Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, /, **params: Any) -> list[Any]:
        return self._connection.execute(_named(statement), params).fetchall()


def tables_exist(connection: Connection) -> bool:
    """Whether the ledger's tables exist."""
    exists: bool = PostgresReader(connection).rows("SELECT to_regclass('stored_events') IS NOT NULL")[0][0]
    return exists


def event_rights(connection: Connection) -> dict[str, bool]:
    """Whether the current login may read, append and change events."""
    return {
        right: PostgresReader(connection).rows(
            "SELECT has_table_privilege('stored_events', :right)", right=right
        )[0][0]
        for right in ("SELECT", "INSERT", "UPDATE")
    }


def schema_version(connection: Connection) -> int:
    """The version of the ledger's tables; 0 if there are none."""
    reader = PostgresReader(connection)
    if reader.rows("SELECT to_regclass('ledger')") == [(None,)]:
        return 0
    versions = reader.rows("SELECT schema_version FROM ledger")
    return int(versions[0][0]) if versions else 0
