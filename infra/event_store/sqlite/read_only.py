"""Opens the ledger on SQLite read-only: it creates, changes and deletes nothing."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from eventsourcing.persistence import InterfaceError
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore

from infra.event_store.reader import LedgerReader
from infra.event_store.reading.identity import ledger_id_of
from infra.event_store.sqlite.reading import CursorReader
from infra.sqlite_files import open_read_only


class _ReadOnlyPool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        try:
            connection = open_read_only(self.db_name)
        except sqlite3.Error as error:
            raise InterfaceError(error) from error
        return SQLiteConnection(connection, max_age=self.max_age)


class ReadOnlySqliteLedger(LedgerReader):
    """A read-only ledger.  Several threads may use it, also while another process writes.

    Raises: PersistenceError, when the file can't be read or holds no ledger.
    """

    def __init__(self, path: str) -> None:
        self._store = SQLiteDatastore(path, originator_id_type="text")
        self._store.pool.close()
        self._store.pool = _ReadOnlyPool(db_name=path)
        try:
            self.ledger_id = ledger_id_of(self)
        except BaseException:
            self.close()
            raise

    def rows(self, statement: str, /, **params: object) -> list[object]:
        with self.reading() as reader:
            return reader.rows(statement, **params)

    @contextmanager
    def reading(self) -> Generator[LedgerReader]:
        """A consistent view: a read transaction that does not see later commits."""
        with self._store.transaction(commit=False) as cursor:
            yield CursorReader(cursor)

    def close(self) -> None:
        self._store.close()
