"""The ledger on SQLite: what the engine asks of it, and the one transaction that a batch becomes."""

import json
import secrets
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from eventsourcing.persistence import IntegrityError
from eventsourcing.sqlite import SQLiteCursor

from consumers.ports import Batch, Committed, Loaded, Stale, State, Waiting
from domain.catalogue import DECIDERS
from domain.fulfilment import Timer
from domain.values import StreamId
from infra.event_store.batch_writer import BatchWriter
from infra.event_store.codec import decode, decode_state
from infra.event_store.instants import instant, micros
from infra.event_store.recorder import DurableDatastore, LedgerRecorder
from infra.event_store.rows import BatchRows, Origin

SCHEMA_VERSION: Final = 1


class SqliteLedger:
    """One file, one writer at a time."""

    def __init__(self, path: str, origin: Origin | None = None, partition: int = 0) -> None:
        self._partition = partition
        self._store = DurableDatastore(path)
        self.recorder = LedgerRecorder(self._store)
        self.recorder.create_table()
        self._origin = origin or Origin()
        self.ledger_id, self._secret = self._identity()

    def _identity(self) -> tuple[str, bytes]:
        with self._store.transaction(commit=True) as c:
            c.execute(
                "INSERT INTO ledger VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING",
                (str(uuid.uuid4()), secrets.token_bytes(32), SCHEMA_VERSION),
            )
            c.execute("DELETE FROM set_aside WHERE keep_until < ?", (micros(self._origin.clock()),))
            c.execute("SELECT ledger_id, secret FROM ledger")
            row = c.fetchone()
        return row[0], row[1]

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def reading(self) -> Generator[SQLiteCursor]:
        """One consistent view of the ledger."""
        with self._store.transaction(commit=False) as c:
            yield c

    def _rows(self, statement: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        with self.reading() as c:
            c.execute(statement, params)
            rows: list[Any] = c.fetchall()
        return rows

    @property
    def secret(self) -> bytes:
        return self._secret

    # --- what the engine asks ------------------------------------------------------------------------

    def next_offset(self) -> int:
        found = self._rows(
            "SELECT next_offset FROM commits WHERE partition = ? ORDER BY number DESC LIMIT 1",
            [self._partition],
        )
        return found[0][0] if found else 0

    def known(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        marks = ",".join("?" * len(keys))
        rows = self._rows(f"SELECT key, digest FROM inbox WHERE key IN ({marks})", keys)
        return {row[0]: row[1] for row in rows}

    def load(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Loaded]:
        evolves = {kind: decider.evolves for kind, decider in DECIDERS.items()}
        rows = self._rows(LOAD, [json.dumps(list(streams)), json.dumps(evolves)])
        found: dict[StreamId, Loaded] = {}
        for name, version, topic, state in rows:
            stream = StreamId(name)
            decider = DECIDERS[name[: name.index("/")]]
            known = found.get(stream)
            if topic is None:
                found[stream] = Loaded(version, decode_state(name, state), version)
                continue
            before = known.state if known else decider.start
            snapshot = known.snapshot if known else 0
            found[stream] = Loaded(version, decider.evolve(before, decode(topic, state)), snapshot)
        return found

    def sequences(self, sellers: Sequence[str]) -> Mapping[str, int]:
        rows = self._rows(
            "SELECT s.seller_id, s.sequence FROM json_each(?) j JOIN sellers s ON s.seller_id = j.value",
            [json.dumps(list(sellers))],
        )
        return {row[0]: row[1] for row in rows}

    def waits(self) -> Mapping[StreamId, State]:
        rows = self._rows(
            "SELECT place, max(state = 'failed') FROM parked WHERE partition = ?"
            " GROUP BY place ORDER BY min(number)",
            [self._partition],
        )
        return {StreamId(row[0]): "failed" if row[1] else "parked" for row in rows}

    def waiting(self, place: StreamId, limit: int) -> list[Waiting]:
        rows = self._rows(
            "SELECT * FROM parked WHERE partition = ? AND place = ? ORDER BY number LIMIT ?",
            [self._partition, place, limit],
        )
        return [_waiting(row) for row in rows]

    def waiting_numbers(self, numbers: Sequence[int]) -> list[Waiting]:
        rows = self._rows(
            "SELECT p.* FROM json_each(?) j JOIN parked p ON p.partition = ? AND p.number = j.value",
            [json.dumps(list(numbers)), self._partition],
        )
        return [_waiting(row) for row in rows]

    def waiting_count(self, seller_id: str) -> int:
        found: int = self._rows("SELECT count(*) FROM parked WHERE seller_id = ?", [seller_id])[0][0]
        return found

    def next_number(self) -> int:
        found: int = self._rows(
            "SELECT coalesce(max(number), 0) + 1 FROM parked WHERE partition = ?", [self._partition]
        )[0][0]
        return found

    def clock(self, name: str) -> datetime | None:
        found = self._rows("SELECT at FROM clocks WHERE partition = ? AND name = ?", [self._partition, name])
        return instant(found[0][0]) if found else None

    def next_due(self, seller_id: str | None, after: datetime | None) -> datetime | None:
        found = self._due_rows(seller_id, after, None, 1)
        return instant(found[0][2]) if found else None

    def due(self, seller_id: str | None, after: datetime | None, to: datetime, limit: int) -> list[Timer]:
        return [
            Timer(row[0], instant(row[2]), StreamId(row[3]), row[4], row[5])
            for row in self._due_rows(seller_id, after, to, limit)
        ]

    def _due_rows(
        self, seller_id: str | None, after: datetime | None, to: datetime | None, limit: int
    ) -> list[Any]:
        whose = _LIVE if seller_id is None else " WHERE t.seller_id = :seller"
        params = {
            "partition": self._partition,
            "seller": seller_id,
            "after": -1 if after is None else micros(after),
            "to": 1 << 62 if to is None else micros(to),
            "limit": limit,
        }
        return self._rows(
            f"SELECT t.* FROM timers t{whose} AND t.failed = 0 AND t.due > :after AND t.due <= :to"
            " ORDER BY t.due, t.seller_id, t.key LIMIT :limit",
            params,
        )

    # --- the commit ----------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> Committed:
        """Writes the whole batch or nothing.

        Raises: Stale, when its offset is not the ledger's, or a stream has another version.
        """
        rows = BatchRows(self._origin, self._partition, batch)
        self._origin.at("ledger.before")
        writer = BatchWriter(self._origin, rows)
        try:
            self.recorder.record(rows.events, within=writer.write)
        except IntegrityError as error:
            msg = f"another writer has moved on: {error}"
            raise Stale(msg) from error
        self._origin.at("ledger.after")
        return Committed(writer.first_position if rows.events else 0, writer.recorded_at)


_LIVE: Final = " JOIN sellers s ON s.seller_id = t.seller_id WHERE s.partition = :partition AND s.live = 1"
LOAD: Final = """
WITH wanted AS (SELECT value AS stream FROM json_each(?)),
     current AS (SELECT key AS kind, value AS evolves FROM json_each(?)),
     snapshot AS (
        SELECT s.stream, s.version, s.state
        FROM wanted w JOIN snapshots s ON s.stream = w.stream
        JOIN current c ON c.kind = substr(s.stream, 1, instr(s.stream, '/') - 1) AND c.evolves = s.evolves)
SELECT stream, version, NULL AS topic, state FROM snapshot
UNION ALL
SELECT e.originator_id, e.originator_version, e.topic, e.state
FROM wanted w CROSS JOIN stored_events e
     ON e.originator_id = w.stream
    AND e.originator_version > coalesce((SELECT version FROM snapshot s WHERE s.stream = w.stream), 0)
ORDER BY 1, 2
"""


def _waiting(row: Any) -> Waiting:
    return Waiting(
        number=row["number"],
        waits_at=StreamId(row["place"]),
        seller_id=row["seller_id"],
        key=row["key"],
        digest=row["digest"],
        kept=row["kept"],
        state=row["state"],
        reason=row["reason"],
        since=instant(row["since"]),
    )
