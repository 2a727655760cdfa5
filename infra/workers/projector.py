"""The projector: folds each event of the ledger topic into the read models exactly once.

The checkpoint is a position per partition, committed with the rows.  The projector skips events that it has
already applied, and reads events that the topic lacks from the ledger.  A zombie's transaction is rolled
back.  The offset of the consumer group only avoids reading records again.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

import structlog
from eventsourcing.persistence import PersistenceError
from sqlalchemy.exc import DBAPIError

from consumers.collector import without_collector
from infra import metrics
from infra.audit.history import recorded_between
from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.kafka.ports import Member, OutOfRange, Record
from infra.read_models.checkpoint import CheckpointMismatch
from infra.read_models.schema_setup import OtherLedger
from infra.read_models.store import ReadModels
from infra.wire.kafka_records import ledger_position, recorded
from projections.fold import Recorded

STAGE: Final = "projector"
POLL_RECORDS: Final = 2_000
"""The maximum number of events per poll."""

log = structlog.get_logger()


class FoldHandler:
    """Folds the events of the assigned partitions."""

    retryable_errors: ClassVar[tuple[type[Exception], ...]] = (DBAPIError, PersistenceError, OutOfRange)
    fenced_error: ClassVar[type[Exception]] = CheckpointMismatch

    def __init__(self, ledger: PostgresLedger, read_models: ReadModels, clock: Clock) -> None:
        self._ledger = ledger
        self._read_models = read_models
        self._clock = clock
        self._checkpoints: dict[int, int] = {}

    def start_partition(self, partition: int, member: Member) -> int:
        """Loads the checkpoint; returns the group's offset, or the partition's first offset if there is none.

        Events up to the checkpoint are skipped, so reading from too early is harmless.
        """
        self._checkpoints[partition] = checkpoint = self._read_models.position(partition)
        first, end = member.bounds(partition)
        committed_offset = member.committed_offset(partition) if checkpoint else None
        return first if committed_offset is None else min(max(committed_offset, first), end)

    def stop_partition(self, partition: int) -> None:
        self._checkpoints.pop(partition, None)

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """Folds the events of the records, and fills gaps between them from the ledger."""
        started_at = self._clock.monotonic()
        position = start = self._checkpoints[partition]
        batch: list[Recorded] = []
        with without_collector():
            for record in records:
                location = ledger_position(record.value)
                if location.ledger_id != self._ledger.ledger_id:
                    msg = f"the topic is of ledger {location.ledger_id}, this is {self._ledger.ledger_id}"
                    raise OtherLedger(msg)
                if location.position <= position:
                    continue
                if location.previous > position:
                    self._apply(partition, batch)
                    batch = []
                    self._fill(partition, location.previous)
                batch.append(recorded(record.value, location))
                position = location.position
        self._apply(partition, batch)
        if position == start:
            return
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - started_at)
        metrics.BATCH.labels(STAGE).observe(len(records))
        metrics.EVENTS.labels(STAGE).inc(len(records))
        age = self._clock.now().timestamp() - records[-1].timestamp_ms / 1_000
        metrics.LAG_SECONDS.labels(STAGE, partition).set(age)
        metrics.POSITION.labels(STAGE).set(position)

    def _fill(self, partition: int, upto: int) -> None:
        """Folds events from the ledger that the topic does not hold, or no longer holds."""
        log.info("missing_events_filled", partition=partition, position=self._checkpoints[partition])
        for chunk in recorded_between(self._ledger, partition, self._checkpoints[partition], upto):
            self._apply(partition, chunk)

    def _apply(self, partition: int, batch: Sequence[Recorded]) -> None:
        if batch:
            self._read_models.apply(batch, partition=partition, after=self._checkpoints[partition])
            self._checkpoints[partition] = batch[-1].position
