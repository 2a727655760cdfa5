"""The intake of production: one thread publishes to the inbound topic, all waiting requests with one
flush."""

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from infra import metrics
from infra.clock import Clock
from infra.event_store.postgres.ledger import PostgresLedger
from infra.http.intake import IntakeBatch, IntakeQueue, Sent, Unsure
from infra.http.publishing.outcome_watcher import OutcomeWatcher
from infra.http.request_limits import Limits
from infra.kafka.partitions import partition_of
from infra.kafka.ports import Cluster, Kafka, Outgoing, Publisher, Unreachable, Unsent
from infra.settings import Settings

STAGE: Final = "http"
MESSAGES_PER_FLUSH: Final = 1_000
"""The most messages of one flush."""
FLUSH_S: Final = 15.0
POLL_S: Final = 1.0
log = structlog.get_logger()


class KafkaIntake:
    """Implements Intake.  Messages are safe once Kafka has acknowledged them."""

    def __init__(
        self,
        kafka: Kafka,
        ledger: PostgresLedger,
        settings: Settings,
        limits: Limits,
        clock: Clock,
    ) -> None:
        """`ledger`: this object must be the only user of its connection."""
        self._kafka = kafka
        self._settings = settings
        self._clock = clock
        self._queue = IntakeQueue()
        self._watcher = OutcomeWatcher(ledger, clock)
        self._publisher: Publisher | None = None
        self._checks = Checks(kafka, settings.topic("inbound"), limits, clock)
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def take(self, messages: Sequence[Sent], after: int | None) -> IntakeBatch:
        batch = IntakeBatch(messages, after)
        self._queue.put(batch)
        return batch

    def trouble(self) -> str:
        return self._checks.trouble() if self._thread.is_alive() else "the publisher has stopped"

    def close(self) -> None:
        self._queue.close()
        self._thread.join()
        self._close_publisher()
        self._checks.close()
        self._watcher.close()

    def _run(self) -> None:
        while not self._queue.over:
            if group := self._queue.next(MESSAGES_PER_FLUSH, POLL_S):
                self._publish(group)

    def _publish(self, group: list[IntakeBatch]) -> None:
        began = self._clock.monotonic()
        try:
            self._send(message for batch in group for message in batch.messages)
        except Exception as error:  # after any error the thread continues with a new publisher
            log.warning("messages_unsent", errors=f"{type(error).__name__}: {error}"[:300])
            self._close_publisher()
            for batch in group:
                batch.fail(Unsure("Kafka did not acknowledge it"))
            return
        metrics.COMMIT_SECONDS.labels(STAGE).observe(self._clock.monotonic() - began)
        metrics.BATCH.labels(STAGE).observe(sum(len(batch.messages) for batch in group))
        for batch in group:
            waits = batch.after is not None and not all(message.is_tick for message in batch.messages)
            batch.succeed(done=not waits)
            if waits:
                self._watcher.follow(batch)

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
        """The partition of the seller; all partitions for a tick without a seller."""
        partitions = self._settings.partitions
        return range(partitions) if seller is None else (partition_of(seller, partitions),)

    def _close_publisher(self) -> None:
        if self._publisher is not None:
            with suppress(Unsent, Unreachable):
                self._publisher.close()
            self._publisher = None


class Checks:
    """Checks whether the topic is reachable, at most once every few seconds."""

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
            exists = self._topic in self._cluster.topics([self._topic])
        except Unreachable:
            self.close()
            return "Kafka cannot be reached"
        return "" if exists else "the inbound topic is missing: `jumun topics create` creates it"

    def close(self) -> None:
        if self._cluster is not None:
            with suppress(Unreachable):
                self._cluster.close()
            self._cluster = None
