"""What engine and projector share: partitions come and go, and after any trouble one is taken up anew."""

from collections.abc import Sequence
from typing import ClassVar, Final, Protocol

import structlog
from structlog.contextvars import bound_contextvars

from infra.clock import Clock
from infra.kafka.ports import Member, Record, Unreachable
from infra.workers.lag import Lag

COMMIT_EVERY_S: Final = 5.0
REST_S: Final = 1.0
"""How long a partition in trouble rests.  The group still counts on us: we go on polling meanwhile."""

log = structlog.get_logger()


class Handler(Protocol):
    """What is done with a partition's records."""

    trouble: ClassVar[tuple[type[Exception], ...]]
    """What passes by itself: the partition is taken up anew."""
    moved_on: ClassVar[type[Exception]]
    """Another has moved on: likewise, and at once."""

    def take_up(self, partition: int, member: Member) -> int:
        """The offset to read on at."""
        ...

    def handle(self, partition: int, records: Sequence[Record]) -> None:
        """Raises: whatever is trouble; nothing of what was not committed is kept."""
        ...

    def let_go(self, partition: int) -> None:
        """Forgets all that is kept of it."""
        ...


class PartitionConsumer:
    """Our share of a topic's partitions."""

    def __init__(self, member: Member, handler: Handler, clock: Clock, *, most: int, lag: Lag) -> None:
        self._member = member
        self._handler = handler
        self._clock = clock
        self._trouble: tuple[type[Exception], ...] = (Unreachable, *handler.trouble)
        self._most = most
        self._lag = lag
        self._held: set[int] = set()
        self._resting: dict[int, float] = {}
        """Partitions to be taken up, and not before when."""
        self._offsets: dict[int, int] = {}
        self._committed_at = self._clock.monotonic()

    def step(self, timeout_s: float) -> None:
        """Waits for records and has them handled.  Raises: Unreachable, and what is no passing trouble."""
        polled = self._member.poll(timeout_s, self._most)
        for partition in polled.revoked:
            self._let_go(partition)
            self._resting.pop(partition, None)
            self._offsets.pop(partition, None)
        self._resting |= dict.fromkeys(polled.assigned, 0.0)
        for partition, records in sorted(polled.records.items()):
            if partition in self._held:
                self._handle(partition, records)
        for partition in [p for p, until in self._resting.items() if until <= self._clock.monotonic()]:
            self._take_up(partition)
        if self._clock.monotonic() - self._committed_at > COMMIT_EVERY_S:
            self._commit_offsets()
        self._lag.look()

    def close(self) -> None:
        self._commit_offsets()
        self._lag.close()
        self._member.close()

    def _let_go(self, partition: int) -> None:
        self._held.discard(partition)
        self._handler.let_go(partition)

    def _take_up(self, partition: int) -> None:
        try:
            offset = self._handler.take_up(partition, self._member)
            self._member.begin(partition, offset)
        except (*self._trouble, self._handler.moved_on) as error:
            self._rest(partition, error)
            return
        del self._resting[partition]
        self._held.add(partition)
        log.info("partition_taken_up", partition=partition, offset=offset)

    def _handle(self, partition: int, records: Sequence[Record]) -> None:
        try:
            with bound_contextvars(topic=self._lag.topic, partition=partition, offset=records[0].offset):
                self._handler.handle(partition, records)
        except self._handler.moved_on as error:
            log.warning("commit_fenced", partition=partition, errors=str(error)[:300])
            self._let_go(partition)
            self._resting[partition] = 0.0
            self._take_up(partition)
        except self._trouble as error:
            self._rest(partition, error)
        else:
            self._offsets[partition] = records[-1].offset + 1

    def _rest(self, partition: int, error: Exception) -> None:
        log.warning("partition_rested", partition=partition, errors=f"{type(error).__name__}: {error}"[:300])
        self._let_go(partition)
        self._member.pause([partition])
        self._resting[partition] = self._clock.monotonic() + REST_S

    def _commit_offsets(self) -> None:
        if self._offsets:
            self._member.commit_offsets(self._offsets)
            self._offsets = {}
        self._committed_at = self._clock.monotonic()
