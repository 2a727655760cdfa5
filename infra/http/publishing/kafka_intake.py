"""The production way in: one thread publishes to the inbound topic, with whatever came meanwhile."""

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from infra import metrics
from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.http.intake import IntakeBatch, Line, Sent, Unsure
from infra.http.publishing.outcome_watcher import OutcomeWatcher
from infra.http.request_limits import Limits
from infra.kafka.partitions import partition_of
from infra.kafka.ports import Cluster, Kafka, Outgoing, Publisher, Unreachable, Unsent
from infra.settings import Settings

STAGE: Final = "http"
AT_ONCE: Final = 1_000
"""Messages that one flush sees through."""
FLUSH_S: Final = 15.0
LOOK_S: Final = 1.0
log = structlog.get_logger()


class ThroughKafka:
    """Implements Intake."""

    def __init__(
        self,
        kafka: Kafka,
        ledger: PostgresLedger,
        settings: Settings,
        limits: Limits,
        clock: Clock,
    ) -> None:
        """`ledger`: its one connection is used here alone."""
        self._kafka = kafka
        self._settings = settings
        self._clock = clock
        self._line = Line()
        self._watcher = OutcomeWatcher(ledger, clock)
        self._publisher: Publisher | None = None
        self._checks = Checks(kafka, settings.topic("inbound"), limits, clock)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def take(self, messages: Sequence[Sent], after: int | None) -> IntakeBatch:
        taken = IntakeBatch(messages, after)
        self._line.put(taken)
        return taken

    def trouble(self) -> str:
        return self._checks.trouble() if self._thread.is_alive() else "the publisher has stopped"

    def close(self) -> None:
        self._line.close()
        self._thread.join()
        self._give_up()
        self._checks.close()
        self._watcher.close()

    def _run(self) -> None:
        while not self._line.over:
            if group := self._line.next(AT_ONCE, LOOK_S):
                self._publish(group)

    def _publish(self, group: list[IntakeBatch]) -> None:
        began = self._clock.monotonic()
        try:
            self._send(message for taken in group for message in taken.messages)
        except Exception as error:  # whatever it is, the thread must go on, with a publisher that is new
            log.warning("messages_unsent", errors=f"{type(error).__name__}: {error}"[:300])
            self._give_up()
            for taken in group:
                taken.fail(Unsure("Kafka did not acknowledge it"))
            return
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - began)
        metrics.BATCH.labels(STAGE).observe(sum(len(taken.messages) for taken in group))
        for taken in group:
            waits = taken.after is not None and not all(message.is_tick for message in taken.messages)
            taken.came_through(done=not waits)
            if waits:
                self._watcher.follow(taken)

    def _send(self, messages: Iterable[Sent]) -> None:
        """Raises: Unsent, Unreachable."""
        if self._publisher is None:
            self._publisher = self._kafka.publisher()
        for message in messages:
            for partition in self._partitions(message.seller):
                key = (message.seller or "").encode()
                self._publisher.send(Outgoing(self._settings.topic("inbound"), partition, key, message.raw))
        self._publisher.flush(FLUSH_S)

    def _partitions(self, seller: str | None) -> Iterable[int]:
        """A tick that names no seller is for all of them."""
        partitions = self._settings.partitions
        return range(partitions) if seller is None else (partition_of(seller, partitions),)

    def _give_up(self) -> None:
        if self._publisher is not None:
            with suppress(Unsent, Unreachable):
                self._publisher.close()
            self._publisher = None


class Checks:
    """Whether the topic can be reached, asked every few seconds at most."""

    def __init__(self, kafka: Kafka, topic: str, limits: Limits, clock: Clock) -> None:
        self._every_s = limits.check_every_s
        self._clock = clock
        self._kafka = kafka
        self._topic = topic
        self._cluster: Cluster | None = None
        self._checked_at = -self._every_s
        self._trouble = ""
        self._lock = threading.Lock()

    def trouble(self) -> str:
        with self._lock:
            if self._clock.monotonic() - self._checked_at >= self._every_s:
                self._trouble = self._check()
                self._checked_at = self._clock.monotonic()
            return self._trouble

    def _check(self) -> str:
        try:
            if self._cluster is None:
                self._cluster = self._kafka.cluster()
            there = self._topic in self._cluster.topics([self._topic])
        except Unreachable:
            self.close()
            return "Kafka cannot be reached"
        return "" if there else "the inbound topic is missing: `jumun topics create` makes it"

    def close(self) -> None:
        if self._cluster is not None:
            with suppress(Unreachable):
                self._cluster.close()
            self._cluster = None
