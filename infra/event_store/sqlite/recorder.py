"""The `eventsourcing` recorder on SQLite, changed so that positions are explicit and gapless.

The library's own table uses the implicit rowid, which can change after a dump and restore.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.sqlite import (
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteProcessRecorder,
    SQLiteTransaction,
)

from infra.event_store.rows import EventRow

_LAST = (1 << 63) - 1
SCHEMA = files("infra.event_store.sqlite") / "schema.sql"

CommitWriter = Callable[[SQLiteCursor, int], None]
"""Writes the rest of a commit in the transaction of its events, given the position of the first event."""


class ImmediateTransaction(SQLiteTransaction):
    """Takes the write lock at its beginning, so that its reads are still valid when it commits."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class DurableConnection(SQLiteConnection):
    @contextmanager
    def transaction(self, *, commit: bool) -> Generator[SQLiteCursor]:
        with ImmediateTransaction(self, commit=commit) as cursor, cursor:
            yield cursor


class DurablePool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        pooled = super()._create_connection()
        connection = pooled._sqlite_conn  # pyright: ignore[reportPrivateUsage]  the library offers no other way
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA wal_autocheckpoint=4000")  # 16 MB: busy pages are copied back less often
        return DurableConnection(connection, max_age=self.max_age)


class DurableDatastore(SQLiteDatastore):
    """A datastore with write-ahead log and text stream ids; every commit is flushed to disk."""

    def __init__(self, path: str, *, lock_timeout: int = 5, originator_id_type: Any = "text") -> None:
        super().__init__(path, lock_timeout=lock_timeout, originator_id_type=originator_id_type)
        self.pool.close()
        self.pool = DurablePool(db_name=path, lock_timeout=lock_timeout)


class LedgerRecorder(SQLiteProcessRecorder):
    """The `eventsourcing` library's process recorder over the ledger's table of events."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore, events_table_name="stored_events")
        self.insert_events_statement = (
            "INSERT INTO stored_events (position, originator_id, originator_version, topic, state)"
            " VALUES (?,?,?,?,?)"
        )

    def construct_create_table_statements(self) -> list[str]:
        ledger = [part for part in SCHEMA.read_text("utf-8").split(";\n") if "CREATE" in part]
        tracking = [part for part in super().construct_create_table_statements() if " tracking " in part]
        return ledger + tracking

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events in the order of their positions.  The library's own statement uses the rowid."""
        first = 0 if start is None else start if inclusive_of_start else start + 1
        params: list[Any] = [first, _LAST if stop is None else stop, *topics, limit]
        topic_filter = f" AND topic IN ({','.join('?' * len(topics))})" if topics else ""
        with self.datastore.transaction(commit=False) as c:
            c.execute(
                "SELECT position, originator_id, originator_version, topic, state FROM stored_events"
                f" WHERE position BETWEEN ? AND ?{topic_filter} ORDER BY position LIMIT ?",
                params,
            )
            rows: list[Any] = c.fetchall()
        return [
            Notification(
                id=position,
                originator_id=self.convert_originator_id(stream),
                originator_version=version,
                topic=topic,
                state=state,
            )
            for position, stream, version, topic, state in rows
        ]

    def record(self, events: Sequence[EventRow], within: CommitWriter) -> None:
        """Writes the events, and then calls `within`, in one transaction.

        Like `insert_events`, but without an object per event.
        """
        with self.datastore.transaction(commit=True) as c:
            within(c, self._insert(c, events))

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        events = [(_text(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events]
        first = self._insert(c, events)
        if (tracking := kwargs.get("tracking")) is not None:
            self._insert_tracking(c, tracking)
        return list(range(first, first + len(events)))

    def _insert(self, c: SQLiteCursor, events: Sequence[EventRow]) -> int:
        """Inserts the events at the next positions; returns the first of them."""
        c.execute("SELECT coalesce(max(position), 0) FROM stored_events")
        first: int = c.fetchone()[0] + 1
        rows = [(position, *event) for position, event in enumerate(events, first)]
        c.executemany(self.insert_events_statement, rows)
        return first


def _text(originator_id: UUID | str) -> str:
    return originator_id.hex if isinstance(originator_id, UUID) else originator_id
