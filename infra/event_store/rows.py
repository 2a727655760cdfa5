"""One batch as the rows that a ledger keeps, and the hash that chains them, whatever database it is."""

import hashlib
import json
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from consumers.ports import Batch, Outcome
from domain.catalogue import DECIDERS, NAMES
from infra.event_store.codec import encode, encode_state
from infra.event_store.instants import MICROS, micros

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


EventRow = tuple[str, int, str, bytes]
"""(stream, version, topic, state)"""
Row = tuple[Any, ...]


OutcomeRow = tuple[Any, ...]
"""(state, was, seller, source, message id, type, rule, data, retryable, offset, sha256, first event,
last event, first, last)

The last two are places of events in the batch, from 0; the ledger keeps them as positions.
"""


class Head(NamedTuple):
    """A row of `commits` but for its hash."""

    number: int
    partition: int
    topic_id: str
    from_offset: int
    next_offset: int
    worker: str
    build: str
    batch_id: str
    recorded_at: int
    first_position: int
    last_position: int
    first_outcome: int
    last_outcome: int


class BatchRows:
    """What is known of a batch's rows before the ledger gives out numbers and positions."""

    def __init__(self, origin: Origin, partition: int, batch: Batch) -> None:
        self._origin = origin
        self.partition = partition
        self.batch = batch
        self.batch_id = str(uuid.uuid4())
        self.events: list[EventRow] = [
            (decided.stream, decided.version, NAMES[type(decided.event)], encode(decided))
            for decided in batch.events
        ]
        self.outcomes = [self._outcome(outcome) for outcome in batch.outcomes]
        self.kept = "\n".join(batch.kept).encode()
        self.content = content(self.kept, self.outcomes, [state for *_, state in self.events])

    def _outcome(self, outcome: Outcome) -> OutcomeRow:
        *_, data, retryable, (first, end), place = outcome
        said = json.dumps(data, default=str, ensure_ascii=False) if data else None
        caused: Row = (None, None, None, None)
        if end > first:
            events = self.batch.events
            caused = (events[first].id, events[end - 1].id, first, end - 1)
        return (*outcome[:7], said, int(retryable), *(place or (None, None)), *caused)

    def head(self, number: int, recorded_at: datetime, first_position: int, first_outcome: int) -> Head:
        origin, batch = self._origin, self.batch
        return Head(
            number,
            self.partition,
            origin.topic_id,
            batch.from_offset,
            batch.next_offset,
            origin.worker,
            origin.build,
            self.batch_id,
            micros(recorded_at),
            first_position,
            first_position + len(self.events) - 1,
            first_outcome,
            first_outcome + len(self.outcomes) - 1,
        )

    @property
    def body(self) -> bytes:
        """The messages as they were decided on; empty where none was."""
        return zlib.compress(self.kept, 1) if self.kept else b""

    def set_aside(self, recorded_at: datetime) -> list[Row]:
        """(outcome's place in the batch, bytes, keep until)"""
        until = micros(recorded_at) + SET_ASIDE_DAYS * 86_400 * MICROS
        places = [at for at, outcome in enumerate(self.batch.outcomes) if outcome.state == "set_aside"]
        return [(at, raw, until) for at, raw in zip(places, self.batch.set_aside, strict=True)]

    @property
    def parked(self) -> list[Row]:
        at = self.partition
        return [
            (
                at,
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
            for w in self.batch.parked
        ]

    @property
    def timers(self) -> list[Row]:
        """(key, seller, due, stream, kind, detail)"""
        return [
            (t.key, t.stream.seller, micros(t.due), t.stream, t.kind, t.detail) for t in self.batch.timers
        ]

    @property
    def clocks(self) -> list[Row]:
        return [(self.partition, name, micros(at)) for name, at in self.batch.clocks.items()]

    @property
    def sellers(self) -> list[Row]:
        """(seller, partition, sequence, live)"""
        live, at = self.batch.live, self.partition
        return [(seller, at, last, live.get(seller, True)) for seller, last in self.batch.sequences.items()]

    @property
    def snapshots(self) -> list[Row]:
        """(stream, version, evolves, state)"""
        return [
            (stream, loaded.version, decider_evolves(stream), encode_state(stream, loaded.state))
            for stream, loaded in self.batch.snapshots.items()
        ]


def decider_evolves(stream: str) -> int:
    return DECIDERS[stream[: stream.index("/")]].evolves


def content(kept: bytes, outcomes: Sequence[OutcomeRow], states: Sequence[bytes]) -> bytes:
    """The hash of what a batch says; where the ledger puts it is not part of this."""
    digest = hashlib.sha256(hashlib.sha256(kept).digest())
    digest.update(hashlib.sha256(orjson.dumps(outcomes)).digest())
    digest.update(hashlib.sha256(b"".join(states)).digest())
    return digest.digest()


def chain(last: bytes, head: Head, said: bytes) -> bytes:
    """The hash of a commit: of the one before it, its own row, and the hash of its content.

    A database works it out as well: the row's values as text, a line each.
    """
    return hashlib.sha256(last + said + "\n".join(map(str, head)).encode()).digest()
