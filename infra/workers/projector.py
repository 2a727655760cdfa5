"""The projector: events of the ledger topic are folded into read models, each once.

The place is a position per partition, stored with the rows: what was told twice is skipped, what is missing
is filled from the ledger, and a zombie's rows are rolled back.  A group's offset only saves reading again.
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
AT_ONCE: Final = 2_000
"""Events that one poll brings at most."""

log = structlog.get_logger()


class FoldHandler:
    """Folds the partitions that the group gives us."""

    trouble: ClassVar[tuple[type[Exception], ...]] = (DBAPIError, PersistenceError, OutOfRange)
    moved_on: ClassVar[type[Exception]] = CheckpointMismatch

    def __init__(self, ledger: PostgresLedger, read_models: ReadModels, clock: Clock) -> None:
        self._ledger = ledger
        self._read_models = read_models
        self._clock = clock
        self._places: dict[int, int] = {}

    def take_up(self, partition: int, member: Member) -> int:
        """Where the group has come to, or the beginning: what is before the place is skipped."""
        self._places[partition] = place = self._read_models.position(partition)
        first, end = member.bounds(partition)
        committed_offset = member.committed_offset(partition) if place else None
        return first if committed_offset is None else min(max(committed_offset, first), end)

    def let_go(self, partition: int) -> None:
        self._places.pop(partition, None)

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """Folds them, with what is missing between them."""
        began = self._clock.monotonic()
        place = begun_at = self._places[partition]
        batch: list[Recorded] = []
        with without_collector():
            for record in records:
                where = ledger_position(record.value)
                if where.ledger_id != self._ledger.ledger_id:
                    msg = f"the topic tells of ledger {where.ledger_id}, this is {self._ledger.ledger_id}"
                    raise OtherLedger(msg)
                if where.position <= place:
                    continue
                if where.previous > place:
                    self._apply(partition, batch)
                    batch = []
                    self._fill(partition, where.previous)
                batch.append(recorded(record.value, where))
                place = where.position
        self._apply(partition, batch)
        if place == begun_at:
            return
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - began)
        metrics.BATCH.labels(STAGE).observe(len(records))
        metrics.EVENTS.labels(STAGE).inc(len(records))
        age = self._clock.now().timestamp() - records[-1].timestamp_ms / 1_000
        metrics.LAG_SECONDS.labels(STAGE, partition).set(age)
        metrics.POSITION.labels(STAGE).set(place)

    def _fill(self, partition: int, upto: int) -> None:
        """What the topic does not have, or no longer, the ledger has."""
        log.info("missing_events_filled", partition=partition, position=self._places[partition])
        for chunk in recorded_between(self._ledger, partition, self._places[partition], upto):
            self._apply(partition, chunk)

    def _apply(self, partition: int, batch: Sequence[Recorded]) -> None:
        if batch:
            self._read_models.apply(batch, partition=partition, after=self._places[partition])
            self._places[partition] = batch[-1].position
