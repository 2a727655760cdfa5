"""The engine worker: a batch of one partition is read, decided and committed to PostgreSQL.

Where to read on is what the ledger says, never a group's offset.  After any trouble the partition is taken
up anew: caches dropped, the ledger's offset read, what follows decided again.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

import structlog
from eventsourcing.persistence import PersistenceError

from consumers.engine import Engine
from consumers.ports import Batch, Committed, Stale
from consumers.ticks import ALONE, GIVEN_UP
from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from infra import metrics
from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.kafka.partitions import partition_of
from infra.kafka.ports import Member, Record
from infra.settings import Settings
from infra.wire.kafka_records import inbound_message, record_ref
from infra.wire.ticks import is_tick

STAGE: Final = "engine"
FEWEST: Final = 1_000
"""Streams that one partition may keep, however many partitions there are."""

log = structlog.get_logger()


class OtherTopic(Exception):
    """The ledger was decided on from another topic of that name."""


class Deleted(Exception):
    """Messages were deleted from the topic before they were decided on."""


class DecisionHandler:
    """One engine for each partition that the group gives us."""

    trouble: ClassVar[tuple[type[Exception], ...]] = (PersistenceError,)
    moved_on: ClassVar[type[Exception]] = Stale

    def __init__(  # noqa: PLR0913  the last three by name
        self,
        ledger: PostgresLedger,
        topic_id: str,
        settings: Settings,
        clock: Clock,
        *,
        skip_deleted: bool = False,
        new_topic: bool = False,
        deciders: Deciders = DECIDERS,
    ) -> None:
        self._ledger = ledger.reading_topic(topic_id)
        self._topic_id = topic_id
        self._settings = settings
        self._clock = clock
        self._skip_deleted = skip_deleted
        self._new_topic = new_topic
        self._deciders = deciders
        self._engines: dict[int, Engine] = {}
        self._orderly: set[int] = set()
        """Partitions that were let go without anybody's being killed."""

    def take_up(self, partition: int, member: Member) -> int:
        """Where the ledger stands.  Raises: OtherTopic, Deleted, Stale."""
        ledger = self._ledger.of(partition)
        if (known := ledger.topic()) not in {None, self._topic_id}:
            if not self._new_topic:
                msg = f"partition {partition} was decided from topic {known}, this one is {self._topic_id}"
                raise OtherTopic(msg)
            stood = ledger.next_offset()
            log.warning("new_topic_begun", partition=partition, offset=stood)
            ledger.commit(Batch(stood, next_offset=0))
        engine = self._engine(partition, ledger)
        self._engines[partition] = engine
        first, _ = member.bounds(partition)
        if engine.offset >= first:
            return engine.offset
        if not self._skip_deleted:
            msg = f"partition {partition} begins at offset {first}, the ledger stands at {engine.offset}"
            raise Deleted(msg)
        log.warning("deleted_messages_skipped", partition=partition, offset=engine.offset, first=first)
        return first

    def let_go(self, partition: int) -> None:
        self._engines.pop(partition, None)
        self._orderly.add(partition)

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """Decides the records in batches."""
        engine = self._engines[partition]
        left = [record for record in records if record.offset >= engine.offset]
        while left:
            began = self._clock.monotonic()
            done = self._decided(partition, engine, left)
            metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - began)
            metrics.BATCH.labels(STAGE).observe(done)
            age = self._clock.now().timestamp() - left[done - 1].timestamp_ms / 1_000
            metrics.LAG_SECONDS.labels(STAGE, partition).set(age)
            left = left[done:]

    def _engine(self, partition: int, ledger: PostgresLedger) -> Engine:
        def check_partition(seller: str) -> str | None:
            right = partition_of(seller, self._settings.partitions)
            return None if right == partition else f"this seller's partition is {right}"

        return Engine(
            ledger,
            on_commit=_count,
            parked_per_seller=self._settings.parked_per_seller,
            check_partition=check_partition,
            deciders=self._deciders,
            cached=max(FEWEST, self._settings.cached_streams // (len(self._engines) + 1)),
        )

    def _decided(self, partition: int, engine: Engine, records: Sequence[Record]) -> int:
        """Decides the next batch; how many records that were."""
        raws = [inbound_message(record) for record in records]
        places = [record_ref(record) for record in records]
        work = (at for at, raw in enumerate(raws) if not is_tick(raw) or engine.has_due_deadline(raw))
        first = next(work, None)
        count = 1 if first is None else self._attempt(partition, places[first].offset, places[-1].offset)
        if first is None or count < ALONE:
            engine.handle(raws, places)
            return len(raws)
        if count < GIVEN_UP or is_tick(raws[first]):  # the next tick would fire the same as one set aside
            engine.handle(raws[: first + 1], places[: first + 1], attempt=count)
        else:
            log.error("message_set_aside", partition=partition, offset=places[first].offset, attempt=count)
            engine.handle(raws[:first], places[:first])
            engine.dead_letter(raws[first], places[first])
        return first + 1

    def _attempt(self, partition: int, first: int, last: int) -> int:
        """How often the batch with these messages was begun."""
        reset = partition in self._orderly
        self._orderly.discard(partition)
        return self._ledger.of(partition).attempt(first, last + 1, reset=reset)


def _count(batch: Batch, _: Committed) -> None:
    for outcome in batch.outcomes:
        metrics.MESSAGES.labels(outcome.state).inc()
        if outcome.rule is not None and outcome.state in {"refused", "set_aside"}:
            metrics.REFUSED.labels(outcome.rule).inc()
    metrics.EVENTS.labels(STAGE).inc(len(batch.events))
