"""The engine worker: reads batches of a partition, decides them and commits them to PostgreSQL.

The offset to read from is the ledger's, never the consumer group's.  After an error the partition is
started again: the caches are dropped, and the messages from the ledger's offset on are decided again.
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
MIN_CACHED_STREAMS: Final = 1_000
"""The minimum number of streams that each partition may cache."""

log = structlog.get_logger()


class OtherTopic(Exception):
    """The partition's last commit was decided from another topic of the same name."""


class Deleted(Exception):
    """Messages were deleted from the topic before they were decided."""


class DecisionHandler:
    """Runs one engine for each assigned partition."""

    retryable_errors: ClassVar[tuple[type[Exception], ...]] = (PersistenceError,)
    fenced_error: ClassVar[type[Exception]] = Stale

    def __init__(  # noqa: PLR0913  the last three are passed by name
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
        self._cleanly_stopped: set[int] = set()
        """Partitions that were stopped without a death of the process: the next attempt is not counted."""

    def start_partition(self, partition: int, member: Member) -> int:
        """Creates the partition's engine and returns the ledger's offset.

        Raises: OtherTopic, Deleted, Stale.
        """
        ledger = self._ledger.of(partition)
        if (last_topic_id := ledger.topic()) not in {None, self._topic_id}:
            if not self._new_topic:
                msg = (
                    f"partition {partition} was decided from topic {last_topic_id}, this is {self._topic_id}"
                )
                raise OtherTopic(msg)
            next_offset = ledger.next_offset()
            log.warning("new_topic_begun", partition=partition, offset=next_offset)
            ledger.commit(Batch(next_offset, next_offset=0))
        engine = self._engine(partition, ledger)
        self._engines[partition] = engine
        first, _ = member.bounds(partition)
        if engine.offset >= first:
            return engine.offset
        if not self._skip_deleted:
            msg = f"partition {partition} begins at offset {first}, the ledger's offset is {engine.offset}"
            raise Deleted(msg)
        log.warning("deleted_messages_skipped", partition=partition, offset=engine.offset, first=first)
        return first

    def stop_partition(self, partition: int) -> None:
        self._engines.pop(partition, None)
        self._cleanly_stopped.add(partition)

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """Decides the records in batches."""
        engine = self._engines[partition]
        remaining = [record for record in records if record.offset >= engine.offset]
        while remaining:
            started_at = self._clock.monotonic()
            count = self._decided(partition, engine, remaining)
            metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - started_at)
            metrics.BATCH.labels(STAGE).observe(count)
            age = self._clock.now().timestamp() - remaining[count - 1].timestamp_ms / 1_000
            metrics.LAG_SECONDS.labels(STAGE, partition).set(age)
            remaining = remaining[count:]

    def _engine(self, partition: int, ledger: PostgresLedger) -> Engine:
        def check_partition(seller: str) -> str | None:
            expected = partition_of(seller, self._settings.partitions)
            return None if expected == partition else f"this seller's partition is {expected}"

        return Engine(
            ledger,
            on_commit=_count,
            parked_per_seller=self._settings.parked_per_seller,
            check_partition=check_partition,
            deciders=self._deciders,
            now=self._clock.now,
            cached=max(MIN_CACHED_STREAMS, self._settings.cached_streams // (len(self._engines) + 1)),
        )

    def _decided(self, partition: int, engine: Engine, records: Sequence[Record]) -> int:
        """Decides the next batch; returns the number of its records."""
        raws = [inbound_message(record) for record in records]
        refs = [record_ref(record) for record in records]
        work = (index for index, raw in enumerate(raws) if not is_tick(raw) or engine.has_due_deadline(raw))
        first = next(work, None)
        count = 1 if first is None else self._attempt(partition, refs[first].offset, refs[-1].offset)
        if first is None or count < ALONE:
            engine.handle(raws, refs)
            return len(raws)
        if count < GIVEN_UP or is_tick(
            raws[first]
        ):  # setting a tick aside is useless: the next one would fire the same timers
            engine.handle(raws[: first + 1], refs[: first + 1], attempt=count)
        else:
            log.error("message_set_aside", partition=partition, offset=refs[first].offset, attempt=count)
            engine.handle(raws[:first], refs[:first])
            engine.dead_letter(raws[first], refs[first])
        return first + 1

    def _attempt(self, partition: int, first: int, last: int) -> int:
        """Counts an attempt at the batch with these offsets; returns the number of attempts so far."""
        reset = partition in self._cleanly_stopped
        self._cleanly_stopped.discard(partition)
        return self._ledger.of(partition).attempt(first, last + 1, reset=reset)


def _count(batch: Batch, _: Committed) -> None:
    for outcome in batch.outcomes:
        metrics.MESSAGES.labels(outcome.state).inc()
        if outcome.rule is not None and outcome.state in {"refused", "set_aside"}:
            metrics.REFUSED.labels(outcome.rule).inc()
    metrics.EVENTS.labels(STAGE).inc(len(batch.events))
