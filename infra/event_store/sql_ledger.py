"""Reads what the engine needs from the ledger, in SQL that SQLite and PostgreSQL both understand."""

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from consumers.ports import Batch, Committed, Loaded, State, Waiting
from domain.catalogue import DECIDERS
from domain.deadlines import Timer
from domain.streams import StreamId
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.waiting import (
    TIMER_COLUMNS,
    WAITING_COLUMNS,
    failed_timers,
    parked_message,
    timer_of,
    waiting_of,
)
from infra.event_store.rows import decider_evolves
from infra.wire.stored_events import decode, decode_state
from projections.instants import instant, micros_of


class SqlLedger(ABC):
    """The reading half of the engine's ledger port."""

    ledger_id: str
    _json_table: ClassVar[str]
    """SQL for a table with one column `value` that holds the elements of the JSON array `{}`."""

    def __init__(self, partition: int) -> None:
        self._partition = partition

    @abstractmethod
    def reading(self) -> AbstractContextManager[LedgerReader]:
        """A consistent view: a read transaction that does not see later commits."""

    @abstractmethod
    def changing(self) -> AbstractContextManager[LedgerReader]:
        """A write transaction, for changes that are not part of a batch's commit."""

    @property
    @abstractmethod
    def secret(self) -> bytes: ...

    @abstractmethod
    def commit(self, batch: Batch) -> Committed: ...

    @abstractmethod
    def close(self) -> None: ...

    def of(self, partition: int) -> Self:
        """The same ledger for another partition, over the same connection."""
        other = copy.copy(self)
        other._partition = partition
        return other

    def rows(self, statement: str, /, **params: Any) -> list[Any]:
        with self.reading() as reader:
            return reader.rows(statement, **params)

    def next_offset(self) -> int:
        rows = self.rows(
            "SELECT next_offset FROM commits WHERE partition = :at ORDER BY number DESC LIMIT 1",
            at=self._partition,
        )
        return rows[0][0] if rows else 0

    @abstractmethod
    def seen_digests(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The digest of each message that the inbox already holds, by key; other keys are left out."""

    def load(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Loaded]:
        wanted = json.dumps([(stream, decider_evolves(stream)) for stream in streams])
        loaded: dict[StreamId, Loaded] = {}
        for name, version, topic, state in self.rows(
            LOAD.format(self._json_table.format(":wanted")), wanted=wanted
        ):
            stream = StreamId(name)
            if topic is None:
                loaded[stream] = Loaded(version, decode_state(name, state), version)
                continue
            decider = DECIDERS[stream.kind]
            previous = loaded.get(stream) or Loaded(0, decider.start)
            new_state = decider.evolve(previous.state, decode(topic, state))
            loaded[stream] = Loaded(version, new_state, previous.snapshot)
        return loaded

    def sequences(self, sellers: Sequence[str]) -> Mapping[str, int]:
        json_table = self._json_table.format(":sellers")
        rows = self.rows(
            f"SELECT seller_id, sequence FROM {json_table} CROSS JOIN sellers WHERE seller_id = value->>0",
            sellers=json.dumps([[seller] for seller in sellers]),
        )
        return {row[0]: row[1] for row in rows}

    # --- waiting messages ----------------------------------------------------------------------------

    def waits(self) -> Mapping[StreamId, State]:
        rows = self.rows(
            "SELECT place, max(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) FROM parked"
            " WHERE partition = :at GROUP BY place ORDER BY min(number)",
            at=self._partition,
        )
        return {StreamId(row[0]): "failed" if row[1] else "parked" for row in rows}

    def waiting(self, stream: StreamId, limit: int) -> list[Waiting]:
        rows = self.rows(
            f"SELECT {WAITING_COLUMNS} FROM parked WHERE partition = :at AND place = :place"
            " ORDER BY number LIMIT :limit",
            at=self._partition,
            place=stream,
            limit=limit,
        )
        return [waiting_of(row) for row in rows]

    def waiting_number(self, number: int) -> Waiting | None:
        """The waiting message with this number."""
        return parked_message(self, self._partition, number)

    def waiting_count(self, seller_id: str) -> int:
        count: int = self.rows("SELECT count(*) FROM parked WHERE seller_id = :seller", seller=seller_id)[0][
            0
        ]
        return count

    def next_number(self) -> int:
        number: int = self.rows(
            "SELECT coalesce(max(number), 0) + 1 FROM parked WHERE partition = :at", at=self._partition
        )[0][0]
        return number

    # --- time ----------------------------------------------------------------------------------------

    def clock(self, name: str) -> datetime | None:
        rows = self.rows(
            "SELECT at FROM clocks WHERE partition = :at AND name = :name", at=self._partition, name=name
        )
        return instant(rows[0][0]) if rows else None

    def next_due(self, seller_id: str | None, after: datetime | None) -> datetime | None:
        timers = self._due(seller_id, after, None, 1)
        return timers[0].due if timers else None

    def due(self, seller_id: str | None, after: datetime | None, to: datetime, limit: int) -> list[Timer]:
        return self._due(seller_id, after, to, limit)

    def failed_timers(self, seller_id: str | None) -> list[Timer]:
        """Timers that could not fire because of a bug, earliest first."""
        return failed_timers(self, self._partition, seller_id)

    def _due(
        self, seller_id: str | None, after: datetime | None, to: datetime | None, limit: int
    ) -> list[Timer]:
        rows = self.rows(
            f"SELECT {TIMER_COLUMNS} FROM timers t {_LIVE_SELLERS if seller_id is None else _ONE_SELLER}"
            " AND t.failed = 0 AND t.due > :after AND t.due <= :to"
            " ORDER BY t.due, t.seller_id, t.key LIMIT :limit",
            after=-1 if after is None else micros_of(after),
            to=1 << 62 if to is None else micros_of(to),
            limit=limit,
            **({"at": self._partition} if seller_id is None else {"seller": seller_id}),
        )
        return [timer_of(row) for row in rows]


_LIVE_SELLERS: Final = "JOIN sellers s ON s.seller_id = t.seller_id WHERE s.partition = :at AND s.live = 1"
_ONE_SELLER: Final = "WHERE t.seller_id = :seller"
LOAD: Final = """
WITH wanted AS (SELECT value->>0 AS stream, CAST(value->>1 AS INTEGER) AS evolves FROM {}),
     snapshot AS (
        SELECT s.stream, s.version, s.state
        FROM wanted w CROSS JOIN snapshots s WHERE s.stream = w.stream AND s.evolves = w.evolves)
SELECT stream, version, NULL AS topic, state FROM snapshot
UNION ALL
SELECT e.originator_id, e.originator_version, e.topic, e.state
FROM wanted w CROSS JOIN stored_events e
WHERE e.originator_id = w.stream
  AND e.originator_version > coalesce((SELECT version FROM snapshot s WHERE s.stream = w.stream), 0)
ORDER BY 1, 2
"""
