"""How many records a group has still to handle, for the figures: asked seldom, in two requests."""

from typing import Final

from infra import metrics
from infra.clock import Clock
from infra.kafka.ports import Cluster, Kafka, Unreachable

EVERY_S: Final = 30.0


class Lag:
    """Of a stage's group on its topic."""

    def __init__(self, kafka: Kafka, stage: str, group: str, topic: str, clock: Clock) -> None:
        self._kafka = kafka
        self._stage = stage
        self._group = group
        self.topic = topic
        self._clock = clock
        self._cluster: Cluster | None = None
        self._looked_at = self._clock.monotonic()

    def look(self) -> None:
        if self._clock.monotonic() - self._looked_at < EVERY_S:
            return
        self._looked_at = self._clock.monotonic()
        try:
            if self._cluster is None:
                self._cluster = self._kafka.cluster()
            waiting = sum(self._cluster.lag(self._group, self.topic).values())
        except Unreachable:  # it shows elsewhere
            self.close()
        else:
            metrics.LAG_MESSAGES.labels(self._stage).set(waiting)

    def close(self) -> None:
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None
