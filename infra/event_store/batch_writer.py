"""One batch as rows: everything that a commit writes beside its events, in the same transaction."""

import hashlib
import json
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from eventsourcing.sqlite import SQLiteCursor

from consumers.ports import Batch, Outcome, Stale
from domain.catalogue import DECIDERS
from domain.fulfilment import parts
from infra.event_store.codec import encode_state
from infra.event_store.instants import MICROS, instant, micros

SET_ASIDE_DAYS: Final = 30
GENESIS: Final = bytes(32)


def _nowhere(_: str) -> None:
    return None


def _system_clock() -> datetime:
    return datetime.now(UTC)  # the one place that reads the clock, for recorded_at


@dataclass(frozen=True, slots=True)
class Origin:
    """Who commits, and by which clock.  `at` is told of each point of a commit, to test crashes there."""

    worker: str = "embedded"
    build: str = "dev"
    topic_id: str = "embedded"
    clock: Callable[[], datetime] = _system_clock
    at: Callable[[str], None] = _nowhere


class BatchWriter:
    """The rest of a batch, written in the transaction of its events."""

    def __init__(self, origin: Origin, batch: Batch, states: Sequence[bytes]) -> None:
        self._origin = origin
        self._batch = batch
        self._states = states
        self._kept = "\n".join(batch.kept).encode()
        self.first_position = 0
        self.recorded_at = origin.clock()

    def write(self, c: SQLiteCursor, first_position: int) -> None:
        self.first_position = first_position
        batch = self._batch
        last = self._last_commit(c)
        number = self._max(c, "commits", "number") + 1
        first_outcome = self._max(c, "outcomes", "number") + 1
        outcomes = [
            self._outcome_row(at, number, outcome) for at, outcome in enumerate(batch.outcomes, first_outcome)
        ]
        self._write_commit(c, number, last, first_outcome, outcomes)
        c.executemany("INSERT INTO outcomes VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", outcomes)
        c.executemany("INSERT INTO inbox VALUES (?,?)", sorted(batch.inbox))  # a third faster in their order
        if self._kept:
            month = self.recorded_at.strftime("%Y-%m")
            c.execute("INSERT INTO messages VALUES (?,?,?)", (number, month, zlib.compress(self._kept, 1)))
        self._write_set_aside(c, first_outcome)
        self._write_waiting(c)
        self._write_timers(c)
        self._write_states(c)
        self._origin.at("ledger.within")

    def _last_commit(self, c: SQLiteCursor) -> bytes:
        """The fence: this batch must begin where the partition's last commit ended."""
        c.execute(
            "SELECT next_offset, hash, (SELECT max(recorded_at) FROM commits) FROM commits"
            " WHERE partition = ? ORDER BY number DESC LIMIT 1",
            (self._batch.partition,),
        )
        row = c.fetchone()
        next_offset, chained, latest = (row[0], row[1], row[2]) if row else (0, GENESIS, None)
        if next_offset != self._batch.from_offset:
            msg = f"the partition stands at {next_offset}, this batch begins at {self._batch.from_offset}"
            raise Stale(msg)
        if latest is not None:  # recorded_at never goes backwards
            self.recorded_at = max(self.recorded_at, instant(latest))
        return chained

    @staticmethod
    def _max(c: SQLiteCursor, table: str, column: str) -> int:
        c.execute(f"SELECT coalesce(max({column}), 0) FROM {table}")
        found: int = c.fetchone()[0]
        return found

    def _outcome_row(self, at: int, commit: int, outcome: Outcome) -> tuple[Any, ...]:
        *_, data, retryable, (first, end) = outcome
        said = json.dumps(data, default=str, ensure_ascii=False) if data else None
        caused: tuple[Any, ...] = (None, None, None, None)
        if end > first:
            events, base = self._batch.events, self.first_position
            caused = (events[first].id, events[end - 1].id, base + first, base + end - 1)
        return (at, commit, *outcome[:7], said, int(retryable), *caused)

    def _write_commit(
        self,
        c: SQLiteCursor,
        number: int,
        last: bytes,
        first_outcome: int,
        outcomes: Sequence[tuple[Any, ...]],
    ) -> None:
        origin, batch = self._origin, self._batch
        commit = (
            number,
            batch.partition,
            origin.topic_id,
            batch.from_offset,
            batch.next_offset,
            origin.worker,
            origin.build,
            str(uuid.uuid4()),
            micros(self.recorded_at),
            self.first_position,
            self.first_position + len(self._states) - 1,
            first_outcome,
            first_outcome + len(outcomes) - 1,
        )
        hashed = chain(last, commit, self._kept, outcomes, self._states)
        c.execute("INSERT INTO commits VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", (*commit, hashed))

    def _write_set_aside(self, c: SQLiteCursor, first_outcome: int) -> None:
        until = micros(self.recorded_at) + SET_ASIDE_DAYS * 86_400 * MICROS
        numbers = [
            at
            for at, outcome in enumerate(self._batch.outcomes, first_outcome)
            if outcome.state == "set_aside"
        ]
        rows = [(at, raw, until) for at, raw in zip(numbers, self._batch.set_aside, strict=True)]
        c.executemany("INSERT INTO set_aside VALUES (?,?,?)", rows)

    def _write_waiting(self, c: SQLiteCursor) -> None:
        batch = self._batch
        c.executemany("DELETE FROM parked WHERE number = ?", [(number,) for number in batch.unparked])
        c.executemany(
            "INSERT INTO parked VALUES (?,?,?,?,?,?,?,?,?)",
            [
                (
                    w.number,
                    w.waits_at,
                    w.seller_id,
                    w.key,
                    w.digest,
                    w.kept,
                    w.state,
                    w.reason,
                    micros(w.since),
                )
                for w in batch.parked
            ],
        )
        c.executemany("INSERT INTO vault VALUES (?,?) ON CONFLICT DO NOTHING", batch.vaulted)

    def _write_timers(self, c: SQLiteCursor) -> None:
        batch = self._batch
        c.executemany("DELETE FROM timers WHERE key = ?", [(timer.key,) for timer in batch.fired])
        c.executemany(
            "INSERT OR REPLACE INTO clocks VALUES (?,?)",
            [(name, micros(at)) for name, at in batch.clocks.items()],
        )
        c.executemany("UPDATE timers SET failed = 1 WHERE key = ?", [(t.key,) for t in batch.failed_timers])
        c.executemany(
            "INSERT INTO timers VALUES (?,?,?,?,?,?,0) ON CONFLICT DO NOTHING",
            [(t.key, parts(t.stream)[1], micros(t.due), t.stream, t.kind, t.detail) for t in batch.timers],
        )

    def _write_states(self, c: SQLiteCursor) -> None:
        batch = self._batch
        c.executemany(
            "INSERT INTO sellers VALUES (?,?,?)"
            " ON CONFLICT (seller_id) DO UPDATE SET sequence = excluded.sequence",
            [
                (seller, sequence, batch.live.get(seller, True))
                for seller, sequence in batch.sequences.items()
            ],
        )
        c.executemany(
            "INSERT OR REPLACE INTO snapshots VALUES (?,?,?,?)",
            [
                (
                    stream,
                    loaded.version,
                    DECIDERS[stream[: stream.index("/")]].evolves,
                    encode_state(stream, loaded.state),
                )
                for stream, loaded in batch.snapshots.items()
            ],
        )


def chain(
    last: bytes,
    commit: tuple[Any, ...],
    kept: bytes,
    outcomes: Sequence[tuple[Any, ...]],
    events: Sequence[bytes],
) -> bytes:
    """The hash of a commit: of the one before it, its messages, its own row, its outcomes and events."""
    digest = hashlib.sha256(last)
    digest.update(kept)
    digest.update(orjson.dumps((commit, outcomes)))
    digest.update(b"".join(events))
    return digest.digest()
