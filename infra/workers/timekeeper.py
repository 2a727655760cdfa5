"""The timekeeper: publishes a tick to each partition once a second.  Deadlines depend on these ticks alone.

A jump of more than a day is refused unless an operator allows it.  It would fire all deadlines of that time
at once, and a wrong clock is more likely than a system that stood still for so long.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from infra import metrics
from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.reading.waiting import last_tick_decided
from infra.kafka.ports import Kafka, Outgoing, Publisher, Unreachable, Unsent
from infra.settings import Settings
from infra.wire.ticks import last_tick, tick
from infra.workers.leader import LeaderElection

STAGE: Final = "timekeeper"
EVERY_S: Final = 1.0
MAX_JUMP: Final = timedelta(days=1)
TAIL: Final = 200
FLUSH_S: Final = 5.0

log = structlog.get_logger()


class Jumped(Exception):
    """The clock is too far ahead of the last published tick."""


class Timekeeper:
    """A timekeeper; of several running timekeepers only the leader publishes."""

    def __init__(
        self,
        kafka: Kafka,
        ledger: PostgresLedger,
        settings: Settings,
        clock: Clock,
        *,
        allow_jump: bool = False,
    ) -> None:
        self._kafka = kafka
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._allow_jump = allow_jump
        self._topic = settings.topic("inbound")
        self._election = LeaderElection(kafka.member(self._topic, settings.group("timekeeper")), clock)
        self._publisher: Publisher | None = None
        self._last: datetime | None = None

    def step(self, timeout_s: float) -> None:
        """Publishes a tick at the next full second, if this timekeeper is the leader.

        Raises: Jumped, Unreachable.
        """
        wait_s = EVERY_S - self._clock.now().timestamp() % EVERY_S
        if not self._election.poll(min(wait_s, timeout_s)):
            metrics.ACTIVE.labels(STAGE).set(0)
            self._last = None  # another timekeeper publishes now
            self._close_publisher()
            return
        metrics.ACTIVE.labels(STAGE).set(1)
        now = self._clock.now().replace(microsecond=0)
        if self._last is None:
            self._last = self._last_published()
        if self._last is not None and now <= self._last:
            return
        self._check(now)
        try:
            self._publish(now)
        except (Unsent, Unreachable) as error:
            log.warning("tick_unsent", errors=f"{type(error).__name__}: {error}"[:300])
            self._close_publisher()
        else:
            self._last = now

    def close(self) -> None:
        self._close_publisher()
        self._election.close()

    def _check(self, now: datetime) -> None:
        if self._last is None or now - self._last <= MAX_JUMP or self._allow_jump:
            self._allow_jump = False
            return
        msg = f"the clock is at {now.isoformat()}, the last published tick is {self._last.isoformat()}"
        raise Jumped(msg)

    def _publish(self, now: datetime) -> None:
        if self._publisher is None:
            self._publisher = self._kafka.publisher()
        message = tick(now)
        for partition in range(self._settings.partitions):
            self._publisher.send(Outgoing(self._topic, partition, b"", message))
        self._publisher.flush(FLUSH_S)

    def _close_publisher(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    def _last_published(self) -> datetime | None:
        """The time of the last tick in the topic's first partition; if there is none, the ledger's clock."""
        cluster = self._kafka.cluster()
        try:
            records = cluster.tail(self._topic, 0, TAIL)
        finally:
            cluster.close()
        if (last := last_tick(records)) is not None:
            return last
        return last_tick_decided(self._ledger)
