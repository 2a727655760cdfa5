"""Turns a batch into rows for the ledger's tables, the same for every database."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumers.ports import Batch
from domain.catalogue import DECIDERS, NAMES
from domain.streams import StreamId
from infra.clock import SYSTEM, Clock
from infra.event_store.chain import Commit, content_hash
from infra.event_store.retention import keep_until
from infra.wire.stored_events import encode, encode_state
from infra.wire.stored_outcomes import OutcomeContent
from projections.instants import micros_of


def _no_hook(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Origin:
    """The worker that commits, and its clock.

    `at` is called at each step of a commit, to test crashes there.
    """

    worker: str = "embedded"
    build: str = "dev"
    topic_id: str = "embedded"
    clock: Clock = SYSTEM
    at: Callable[[str], None] = _no_hook


EventRow = tuple[str, int, str, bytes]
"""(stream, version, topic, state)"""
Row = tuple[Any, ...]


class BatchRows:
    """A batch's rows, before the ledger assigns their numbers and positions."""

    def __init__(self, origin: Origin, partition: int, batch: Batch) -> None:
        self._origin = origin
        self.partition = partition
        self.batch = batch
        self.batch_id = str(origin.clock.new_id())
        self.events: list[EventRow] = [
            (decided.stream, decided.version, NAMES[type(decided.event)], encode(decided))
            for decided in batch.events
        ]
        self.outcomes = [OutcomeContent.of(outcome, batch.events) for outcome in batch.outcomes]
        self.bodies = "\n".join(batch.bodies).encode()
        self.content = content_hash(self.bodies, self.outcomes, [state for *_, state in self.events])

    def commit(self, number: int, recorded_at: datetime, first_position: int, first_outcome: int) -> Commit:
        origin, batch = self._origin, self.batch
        return Commit(
            number,
            self.partition,
            origin.topic_id,
            batch.from_offset,
            batch.next_offset,
            origin.worker,
            origin.build,
            self.batch_id,
            micros_of(recorded_at),
            first_position,
            first_position + len(self.events) - 1,
            first_outcome,
            first_outcome + len(self.outcomes) - 1,
        )

    @property
    def body(self) -> bytes:
        """The decided messages, compressed; empty if there are none."""
        return zlib.compress(self.bodies, 1) if self.bodies else b""

    def dead_letters(self, recorded_at: datetime) -> list[Row]:
        """(index of the outcome in the batch, bytes, keep until)"""
        keep_until_at = keep_until(recorded_at)
        indexes = [at for at, outcome in enumerate(self.batch.outcomes) if outcome.state == "set_aside"]
        return [(at, raw, keep_until_at) for at, raw in zip(indexes, self.batch.dead_letters, strict=True)]

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
                w.body,
                w.state,
                w.reason,
                micros_of(w.since),
            )
            for w in self.batch.parked
        ]

    @property
    def timers(self) -> list[Row]:
        """(key, seller, due, stream, kind, detail)"""
        return [
            (t.key, t.stream.seller, micros_of(t.due), t.stream, t.kind, t.detail) for t in self.batch.timers
        ]

    @property
    def clocks(self) -> list[Row]:
        return [(self.partition, name, micros_of(at)) for name, at in self.batch.clocks.items()]

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
    return DECIDERS[StreamId(stream).kind].evolves
