"""Administers topics and reads lag and the ends of partitions, with confluent-kafka."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from importlib import import_module
from typing import Any, Final

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)

from infra.clock import Clock
from infra.kafka.confluent.member import READING, record
from infra.kafka.confluent.opening import (
    ANSWER_S,
    CLOSING_S,
    Connection,
    close_with_timeout,
    errors_as_unreachable,
)
from infra.kafka.ports import Record, Topic, Unreachable

TAIL_S: Final = 30.0
VISIBLE_WITHIN_S: Final = 30.0
_ADMIN: Final[Any] = import_module("confluent_kafka.admin")
"""Imported as Any, because its type annotations are incomplete."""


class Cluster:
    """Implements infra.kafka.ports.Cluster."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._clock = connection, connection.clock
        self._admin: Any = connection.open(_ADMIN.AdminClient)

    def brokers(self) -> int:
        with errors_as_unreachable():
            return len(_answer(self._admin.describe_cluster(request_timeout=ANSWER_S)).nodes)

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        """Retries if a topic is created or deleted between the two requests."""
        until = self._clock.monotonic() + ANSWER_S
        while True:
            with errors_as_unreachable():
                try:
                    return self._topics(names)
                except KafkaException as error:
                    if not _unknown(error) or self._clock.monotonic() > until:
                        raise
            self._clock.sleep(0.1)

    def _topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        collection = TopicCollection(sorted(names))
        futures = self._admin.describe_topics(
            collection, request_timeout=ANSWER_S, include_authorized_operations=True
        )
        existing = {
            name: topic for name, future in futures.items() if (topic := _existing(future)) is not None
        }
        resources = [_ADMIN.ConfigResource(_ADMIN.ConfigResource.Type.TOPIC, name) for name in existing]
        configs: dict[Any, Any] = (
            self._admin.describe_configs(resources, request_timeout=ANSWER_S) if existing else {}
        )
        settings = {resource.name: _answer(one) for resource, one in configs.items()}
        return {
            name: Topic(
                _id(topic.topic_id),
                len(topic.partitions),
                min(len(partition.replicas) for partition in topic.partitions),
                {key: entry.value for key, entry in settings[name].items()},
                frozenset(operation.name for operation in topic.authorized_operations),
            )
            for name, topic in existing.items()
        }

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        topic = _ADMIN.NewTopic(name, partitions, replication, config=dict(settings))
        with errors_as_unreachable():
            try:
                _answer(self._admin.create_topics([topic], request_timeout=ANSWER_S)[name])
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
            self._wait(name, exists=True)

    def delete(self, name: str) -> None:
        with errors_as_unreachable():
            try:
                _answer(self._admin.delete_topics([name], request_timeout=ANSWER_S)[name])
            except KafkaException as error:
                if not _unknown(error):
                    raise
            self._wait(name, exists=False)

    def _wait(self, name: str, *, exists: bool) -> None:
        """Waits until the topic is visible, or gone.

        The controller has confirmed the change, but the broker that answers may not know it yet.
        """
        until = self._clock.monotonic() + VISIBLE_WITHIN_S
        while self._exists(name) != exists:
            if self._clock.monotonic() > until:
                raise Unreachable(f"Kafka has not {'created' if exists else 'deleted'} the topic {name} yet")
            self._clock.sleep(0.1)

    def _exists(self, name: str) -> bool:
        futures = self._admin.describe_topics(TopicCollection([name]), request_timeout=ANSWER_S)
        return _existing(futures[name]) is not None

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        """Doubles the part it reads until it has enough records: transaction markers take offsets, too."""
        group = (
            f"{topic.rpartition('.')[0]}-tail"  # the library needs a group id and looks up its coordinator
        )
        consumer = self._connection.open(
            Consumer, {**READING, "group.id": group, "enable.partition.eof": True}
        )
        try:
            with errors_as_unreachable():
                at = TopicPartition(topic, partition)
                first, end = consumer.get_watermark_offsets(at, ANSWER_S)
                start = end
                records: list[Record] = []
                while len(records) < most and start > first:
                    start = max(first, end - 2 * max(most, end - start))
                    consumer.assign([TopicPartition(topic, partition, start)])
                    records = _read_to_end(consumer, end, self._clock)
                return records[-most:]
        finally:
            close_with_timeout(CLOSING_S, consumer.close)

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        with errors_as_unreachable():
            described = self._admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_S)
            partitions = [TopicPartition(topic, one.id) for one in _answer(described[topic]).partitions]
            futures = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group, partitions)], request_timeout=ANSWER_S
            )
            committed = {one.partition: one.offset for one in _answer(futures[group]).topic_partitions}
            firsts = self._offsets(partitions, _ADMIN.OffsetSpec.earliest())
            ends = self._offsets(partitions, _ADMIN.OffsetSpec.latest())
        return {at: max(0, end - max(committed.get(at, 0), firsts[at])) for at, end in sorted(ends.items())}

    def _offsets(self, partitions: Iterable[TopicPartition], spec: Any) -> dict[int, int]:
        specs = dict.fromkeys(partitions, spec)
        futures = self._admin.list_offsets(
            specs, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ANSWER_S
        )
        return {at.partition: _answer(one).offset for at, one in futures.items()}

    def close(self) -> None:
        """Does nothing: the library's admin client has no close, it ends with its last reference."""


def _unknown(error: KafkaException) -> bool:
    return bool(error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART)


def _answer(future: "Future[Any]") -> Any:
    return future.result(ANSWER_S + 5)


def _existing(future: "Future[Any]") -> Any:
    """The topic; None if it does not exist."""
    try:
        return _answer(future)
    except KafkaException as error:
        if not _unknown(error):
            raise
        return None


def _id(topic_id: Any) -> str:
    high, low = topic_id.get_most_significant_bits(), topic_id.get_least_significant_bits()
    return str(uuid.UUID(int=(high % 2**64) << 64 | low % 2**64))


def _read_to_end(consumer: Consumer, end: int, clock: Clock) -> list[Record]:
    """Reads up to the offset `end`.

    If only transaction markers are left, no record follows: then the end-of-partition event of the library
    says that the end is reached.
    """
    until = clock.monotonic() + TAIL_S
    records: list[Record] = []
    while clock.monotonic() < until:
        message = consumer.poll(0.2)
        error = message.error() if message is not None else None
        if message is None:
            continue
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            return records
        if error is not None:
            raise KafkaException(error)
        one = record(message)
        if one.offset < end:
            records.append(one)
        if one.offset >= end - 1:
            return records
    raise Unreachable("Kafka does not return the end of the topic")
