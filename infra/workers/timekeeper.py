"""The timekeeper: once a second it says to each partition how late it is.  Nothing else reads the clock.

A jump of more than a day is refused unless an operator says so: it would fire a day's deadlines at once,
and a clock that is wrong is likelier than a system that stood still for so long.
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
MOST: Final = timedelta(days=1)
TAIL: Final = 200
FLUSH_S: Final = 5.0

log = structlog.get_logger()


class Jumped(Exception):
    """The clock says a time too far from the last that was told."""


class Timekeeper:
    """One of several, all but one standing by."""

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
        """Tells the time once, at the next full second, if the chair is ours.

        Raises: Jumped, Unreachable.
        """
        until = EVERY_S - self._clock.now().timestamp() % EVERY_S
        if not self._election.poll(min(until, timeout_s)):
            metrics.ACTIVE.labels(STAGE).set(0)
            self._last = None  # another one tells it now
            self._give_up()
            return
        metrics.ACTIVE.labels(STAGE).set(1)
        now = self._clock.now().replace(microsecond=0)
        if self._last is None:
            self._last = self._last_told()
        if self._last is not None and now <= self._last:
            return
        self._check(now)
        try:
            self._tell(now)
        except (Unsent, Unreachable) as error:
            log.warning("tick_unsent", errors=f"{type(error).__name__}: {error}"[:300])
            self._give_up()
        else:
            self._last = now

    def close(self) -> None:
        self._give_up()
        self._election.close()

    def _check(self, now: datetime) -> None:
        if self._last is None or now - self._last <= MOST or self._allow_jump:
            self._allow_jump = False
            return
        msg = f"the clock says {now.isoformat()}, the last that was told is {self._last.isoformat()}"
        raise Jumped(msg)

    def _tell(self, now: datetime) -> None:
        if self._publisher is None:
            self._publisher = self._kafka.publisher()
        said = tick(now)
        for partition in range(self._settings.partitions):
            self._publisher.send(Outgoing(self._topic, partition, b"", said))
        self._publisher.flush(FLUSH_S)

    def _give_up(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    def _last_told(self) -> datetime | None:
        """The last tick in the topic's first partition; where there is none, the ledger's clock."""
        cluster = self._kafka.cluster()
        try:
            records = cluster.tail(self._topic, 0, TAIL)
        finally:
            cluster.close()
        if (told := last_tick(records)) is not None:
            return told
        return last_tick_decided(self._ledger)
