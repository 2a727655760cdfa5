"""Measures a consumer group's lag for the metrics, rarely and with two requests."""

from typing import Final

from infra import metrics
from infra.clock import Clock
from infra.kafka.ports import Cluster, Kafka, Unreachable

EVERY_S: Final = 30.0


class Lag:
    """The lag of a stage's consumer group on its topic."""

    def __init__(self, kafka: Kafka, stage: str, group: str, topic: str, clock: Clock) -> None:
        self._kafka = kafka
        self._stage = stage
        self._group = group
        self.topic = topic
        self._clock = clock
        self._cluster: Cluster | None = None
        self._updated_at = self._clock.monotonic()

    def update(self) -> None:
        if self._clock.monotonic() - self._updated_at < EVERY_S:
            return
        self._updated_at = self._clock.monotonic()
        try:
            if self._cluster is None:
                self._cluster = self._kafka.cluster()
            waiting = sum(self._cluster.lag(self._group, self.topic).values())
        except Unreachable:  # the worker's own requests report it
            self.close()
        else:
            metrics.LAG_MESSAGES.labels(self._stage).set(waiting)

    def close(self) -> None:
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None
