"""Runs queries on SQLite."""

from typing import Any

from eventsourcing.sqlite import SQLiteCursor

from infra.event_store.reader import LedgerReader


class CursorReader(LedgerReader):
    """Reads through one cursor, in its current transaction."""

    def __init__(self, cursor: SQLiteCursor) -> None:
        cursor.sqlite_cursor.row_factory = None  # plain tuples
        self._cursor = cursor

    def rows(self, statement: str, /, **params: Any) -> list[Any]:
        self._cursor.execute(statement, params)
        rows: list[Any] = self._cursor.fetchall()
        return rows
