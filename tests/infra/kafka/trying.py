"""Helpers of the Kafka tests: a temporary topic, a reader in a consumer group, waiting."""

import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from infra.kafka.client import connect
from infra.kafka.ports import Kafka, Member, Outgoing, Polled, Record
from infra.settings import Settings

KAFKA: Final[Any] = import_module("kafka")
CLIENTS: Final = ("kafka-python", "confluent-kafka")
PARTITIONS: Final = 6


def client_of(servers: str, name: str, **settings: Any) -> Kafka:
    return connect(Settings(kafka=servers, kafka_client=name, **settings))  # type: ignore[arg-type]


@contextmanager
def a_topic(
    servers: str, client: Kafka, partitions: int = PARTITIONS, copies: int = 1, /, **settings: str
) -> Generator[str]:
    """A topic that is deleted after the test."""
    name = f"test-{uuid.uuid4().hex}.inbound"
    cluster = client.cluster()
    cluster.create(name, partitions, copies, settings)
    cluster.close()
    try:
        yield name
    finally:
        delete_topics(servers, name)


def delete_topics(servers: str, *topics: str) -> None:
    admin = KAFKA.KafkaAdminClient(bootstrap_servers=servers)
    admin.delete_topics(list(topics))
    admin.close()


def deleted_before(servers: str, topic: str, offset: int) -> None:
    admin = KAFKA.KafkaAdminClient(bootstrap_servers=servers)
    admin.delete_records({KAFKA.TopicPartition(topic, 0): offset})
    admin.close()


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "the condition was not met in time"
        time.sleep(0.02)


def sent(topic: str, *values: str, partition: int = 0) -> list[Outgoing]:
    return [Outgoing(topic, partition, b"acme", value.encode()) for value in values]


def publish(client: Kafka, records: Sequence[Outgoing]) -> None:
    publisher = client.publisher()
    for record in records:
        publisher.send(record)
    publisher.flush()
    publisher.close()


def values(records: Sequence[Record]) -> list[str]:
    return [record.value.decode() for record in records]


def tail(client: Kafka, topic: str, partition: int = 0, most: int = 100_000) -> list[str]:
    cluster = client.cluster()
    texts = values(cluster.tail(topic, partition, most))
    cluster.close()
    return texts


class Reader:
    """A group member that reads each partition from its first offset, and keeps the records."""

    def __init__(self, member: Member, *, begins: bool = True) -> None:
        self.member, self._begins = member, begins
        self.held: set[int] = set()
        self.read: defaultdict[int, list[Record]] = defaultdict(list)
        self.lost: list[int] = []
        self.taken: list[int] = []

    def step(self, timeout_s: float = 0.1, most: int = 500) -> Polled:
        polled = self.member.poll(timeout_s, most)
        self.lost += polled.revoked
        self.taken += polled.assigned
        self.held = (self.held - set(polled.revoked)) | set(polled.assigned)
        for partition in polled.assigned:
            if self._begins:
                self.member.begin(partition, self.member.bounds(partition)[0])
        for partition, records in polled.records.items():
            self.read[partition] += records
        return polled

    def values(self, partition: int = 0) -> list[str]:
        return values(self.read[partition])

    def close(self) -> None:
        self.member.close()


def poll_until(readers: Sequence[Reader], true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Lets the readers poll in turn until the condition is met."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, [(reader.held, dict(reader.read)) for reader in readers]
        for reader in readers:
            reader.step()


@contextmanager
def an_open_transaction(servers: str, records: Sequence[Outgoing]) -> Generator[Any]:
    """A transaction whose records are written, but which is neither committed nor aborted."""
    producer = KAFKA.KafkaProducer(
        bootstrap_servers=servers, transactional_id=uuid.uuid4().hex, retry_backoff_ms=10
    )
    producer.init_transactions()
    producer.begin_transaction()
    for record in records:
        producer.send(record.topic, value=record.value, key=record.key, partition=record.partition)
    producer.flush()
    yield producer
    producer.close()
