"""The ledger on SQLite: it commits each batch in one transaction."""

import secrets  # noqa: TID251  a secret must be random, also in simulations
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from eventsourcing.persistence import IntegrityError

from consumers.ports import Batch, Committed, Stale
from infra.event_store.reader import LedgerReader
from infra.event_store.rows import BatchRows, Origin
from infra.event_store.sql_ledger import SqlLedger
from infra.event_store.sqlite.reading import CursorReader
from infra.event_store.sqlite.recorder import DurableDatastore, LedgerRecorder
from infra.event_store.sqlite.writer import BatchWriter
from projections.instants import micros_of

SCHEMA_VERSION: Final = 1


class SqliteLedger(SqlLedger):
    """A ledger in one file, with one writer at a time."""

    _json_table = "json_each({})"

    def __init__(self, path: str, origin: Origin | None = None, partition: int = 0) -> None:
        super().__init__(partition)
        self._store = DurableDatastore(path)
        self.recorder = LedgerRecorder(self._store)
        self.recorder.create_table()
        self._origin = origin or Origin()
        self.ledger_id, self._secret = self._identity()

    def _identity(self) -> tuple[str, bytes]:
        with self._store.transaction(commit=True) as c:
            c.execute(
                "INSERT INTO ledger VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING",
                (str(self._origin.clock.new_id()), secrets.token_bytes(32), SCHEMA_VERSION),
            )
            c.execute("DELETE FROM set_aside WHERE keep_until < ?", (micros_of(self._origin.clock.now()),))
            c.execute("SELECT ledger_id, secret FROM ledger")
            row = c.fetchone()
        return row[0], row[1]

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def reading(self) -> Generator[LedgerReader]:
        with self._store.transaction(commit=False) as cursor:
            yield CursorReader(cursor)

    @contextmanager
    def changing(self) -> Generator[LedgerReader]:
        with self._store.transaction(commit=True) as cursor:
            yield CursorReader(cursor)

    @property
    def secret(self) -> bytes:
        return self._secret

    def seen_digests(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        placeholders = ",".join(f":k{index}" for index in range(len(keys)))
        parameters = {f"k{index}": key for index, key in enumerate(keys)}
        return {
            row[0]: row[1]
            for row in self.rows(f"SELECT key, digest FROM inbox WHERE key IN ({placeholders})", **parameters)
        }

    def commit(self, batch: Batch) -> Committed:
        """Writes the whole batch or nothing.

        Raises: Stale, when the batch does not begin at the ledger's next offset, or a stream has another
        version.
        """
        rows = BatchRows(self._origin, self._partition, batch)
        self._origin.at("ledger.before")
        writer = BatchWriter(self._origin, rows)
        try:
            self.recorder.record(rows.events, within=writer.write)
        except IntegrityError as error:
            msg = f"another writer has committed first: {error}"
            raise Stale(msg) from error
        self._origin.at("ledger.after")
        return Committed(writer.first_position if rows.events else 0, writer.recorded_at)
