"""Consumes the assigned partitions, for engine and projector, and restarts a partition after an error."""

from collections.abc import Sequence
from typing import ClassVar, Final, Protocol

import structlog
from structlog.contextvars import bound_contextvars

from infra.clock import Clock
from infra.kafka.ports import Member, Record, Unreachable
from infra.workers.lag import Lag

COMMIT_EVERY_S: Final = 5.0
PAUSE_S: Final = 1.0
"""How long a partition is paused after an error.  Polling goes on, so the member stays in the group."""

log = structlog.get_logger()


class Handler(Protocol):
    """Handles the records of partitions."""

    retryable_errors: ClassVar[tuple[type[Exception], ...]]
    """Temporary errors: the partition is paused and started again."""
    fenced_error: ClassVar[type[Exception]]
    """Another worker has committed first: the partition is started again at once."""

    def start_partition(self, partition: int, member: Member) -> int:
        """Prepares to handle a partition; returns the offset to read from."""
        ...

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """Handles records.  If it raises, it keeps nothing that was not committed."""
        ...

    def stop_partition(self, partition: int) -> None:
        """Drops everything cached for the partition."""
        ...


class PartitionConsumer:
    """Consumes the partitions of a topic that the group assigns to this member."""

    def __init__(self, member: Member, handler: Handler, clock: Clock, *, max_records: int, lag: Lag) -> None:
        self._member = member
        self._handler = handler
        self._clock = clock
        self._retryable_errors: tuple[type[Exception], ...] = (Unreachable, *handler.retryable_errors)
        self._max_records = max_records
        self._lag = lag
        self._active: set[int] = set()
        self._paused_until: dict[int, float] = {}
        """Partitions to start, with the earliest time to do so."""
        self._offsets: dict[int, int] = {}
        self._committed_at = self._clock.monotonic()

    def step(self, timeout_s: float) -> None:
        """Polls for records and handles them.  Raises: Unreachable, and all errors that are not temporary."""
        polled = self._member.poll(timeout_s, self._max_records)
        for partition in polled.revoked:
            self._stop_partition(partition)
            self._paused_until.pop(partition, None)
            self._offsets.pop(partition, None)
        self._paused_until |= dict.fromkeys(polled.assigned, 0.0)
        for partition, records in sorted(polled.records.items()):
            if partition in self._active:
                self._handle(partition, records)
        for partition in [p for p, time in self._paused_until.items() if time <= self._clock.monotonic()]:
            self._start_partition(partition)
        if self._clock.monotonic() - self._committed_at > COMMIT_EVERY_S:
            self._commit_offsets()
        self._lag.update()

    def close(self) -> None:
        self._commit_offsets()
        self._lag.close()
        self._member.close()

    def _stop_partition(self, partition: int) -> None:
        self._active.discard(partition)
        self._handler.stop_partition(partition)

    def _start_partition(self, partition: int) -> None:
        try:
            offset = self._handler.start_partition(partition, self._member)
            self._member.begin(partition, offset)
        except (*self._retryable_errors, self._handler.fenced_error) as error:
            self._pause(partition, error)
            return
        del self._paused_until[partition]
        self._active.add(partition)
        log.info("partition_taken_up", partition=partition, offset=offset)

    def _handle(self, partition: int, records: Sequence[Record]) -> None:
        try:
            with bound_contextvars(topic=self._lag.topic, partition=partition, offset=records[0].offset):
                self._handler.handle(partition, records)
        except self._handler.fenced_error as error:
            log.warning("commit_fenced", partition=partition, errors=str(error)[:300])
            self._stop_partition(partition)
            self._paused_until[partition] = 0.0
            self._start_partition(partition)
        except self._retryable_errors as error:
            self._pause(partition, error)
        else:
            self._offsets[partition] = records[-1].offset + 1

    def _pause(self, partition: int, error: Exception) -> None:
        log.warning("partition_rested", partition=partition, errors=f"{type(error).__name__}: {error}"[:300])
        self._stop_partition(partition)
        self._member.pause([partition])
        self._paused_until[partition] = self._clock.monotonic() + PAUSE_S

    def _commit_offsets(self) -> None:
        if self._offsets:
            self._member.commit_offsets(self._offsets)
            self._offsets = {}
        self._committed_at = self._clock.monotonic()
