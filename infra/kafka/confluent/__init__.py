"""The adapter for confluent-kafka: an optional dependency, based on librdkafka (C), several times faster."""

from collections.abc import Collection

from infra.clock import Clock
from infra.kafka.confluent.cluster import Cluster
from infra.kafka.confluent.member import Member
from infra.kafka.confluent.opening import connection
from infra.kafka.confluent.publisher import Publisher
from infra.kafka.confluent.transactional_publisher import TransactionalPublisher
from infra.kafka.ports import TRANSACTION_S
from infra.settings import Settings


class Confluent:
    """Implements infra.kafka.ports.Kafka."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._connection = connection(settings, clock)

    def member(self, topic: str, group: str, *, name: str | None = None) -> Member:
        return Member(self._connection, topic, group, name)

    def publisher(self) -> Publisher:
        return Publisher(self._connection)

    def transactional_publisher(
        self, transactional_id: str, group: str, topics: Collection[str], *, within_s: float = TRANSACTION_S
    ) -> TransactionalPublisher:
        return TransactionalPublisher(self._connection, transactional_id, group, topics, within_s=within_s)

    def cluster(self) -> Cluster:
        return Cluster(self._connection)
