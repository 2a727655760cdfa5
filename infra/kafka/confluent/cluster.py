"""What is asked of the cluster itself, by confluent-kafka."""

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
    unreachable_otherwise,
    within,
)
from infra.kafka.ports import Record, Topic, Unreachable

TAIL_S: Final = 30.0
KNOWN_S: Final = 30.0
_ADMIN: Final[Any] = import_module("confluent_kafka.admin")
"""Its types are not complete."""


class Cluster:
    """Implements infra.kafka.ports.Cluster."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._clock = connection, connection.clock
        self._admin: Any = connection.open(_ADMIN.AdminClient)

    def brokers(self) -> int:
        with unreachable_otherwise():
            return len(_answer(self._admin.describe_cluster(request_timeout=ANSWER_S)).nodes)

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        """One that comes or goes between the two questions is asked for again."""
        until = self._clock.monotonic() + ANSWER_S
        while True:
            with unreachable_otherwise():
                try:
                    return self._topics(names)
                except KafkaException as error:
                    if not _unknown(error) or self._clock.monotonic() > until:
                        raise
            self._clock.sleep(0.1)

    def _topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        asked = TopicCollection(sorted(names))
        described = self._admin.describe_topics(
            asked, request_timeout=ANSWER_S, include_authorized_operations=True
        )
        there = {name: found for name, said in described.items() if (found := _if_there(said)) is not None}
        resources = [_ADMIN.ConfigResource(_ADMIN.ConfigResource.Type.TOPIC, name) for name in there]
        said: dict[Any, Any] = (
            self._admin.describe_configs(resources, request_timeout=ANSWER_S) if there else {}
        )
        settings = {resource.name: _answer(one) for resource, one in said.items()}
        return {
            name: Topic(
                _id(found.topic_id),
                len(found.partitions),
                min(len(partition.replicas) for partition in found.partitions),
                {key: entry.value for key, entry in settings[name].items()},
                frozenset(operation.name for operation in found.authorized_operations),
            )
            for name, found in there.items()
        }

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        topic = _ADMIN.NewTopic(name, partitions, replication, config=dict(settings))
        with unreachable_otherwise():
            try:
                _answer(self._admin.create_topics([topic], request_timeout=ANSWER_S)[name])
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
            self._wait(name, there=True)

    def delete(self, name: str) -> None:
        with unreachable_otherwise():
            try:
                _answer(self._admin.delete_topics([name], request_timeout=ANSWER_S)[name])
            except KafkaException as error:
                if not _unknown(error):
                    raise
            self._wait(name, there=False)

    def _wait(self, name: str, *, there: bool) -> None:
        """The controller has said so; the broker that is asked may not know it yet."""
        until = self._clock.monotonic() + KNOWN_S
        while self._is_there(name) != there:
            if self._clock.monotonic() > until:
                raise Unreachable(f"Kafka has not {'made' if there else 'deleted'} the topic {name} yet")
            self._clock.sleep(0.1)

    def _is_there(self, name: str) -> bool:
        asked = self._admin.describe_topics(TopicCollection([name]), request_timeout=ANSWER_S)
        return _if_there(asked[name]) is not None

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        """Reads ever more of the end: marks of transactions take offsets as well."""
        group = f"{topic.rpartition('.')[0]}-tail"  # the library wants one, whose coordinator it asks for
        consumer = self._connection.open(
            Consumer, {**READING, "group.id": group, "enable.partition.eof": True}
        )
        try:
            with unreachable_otherwise():
                at = TopicPartition(topic, partition)
                first, end = consumer.get_watermark_offsets(at, ANSWER_S)
                start = end
                found: list[Record] = []
                while len(found) < most and start > first:
                    start = max(first, end - 2 * max(most, end - start))
                    consumer.assign([TopicPartition(topic, partition, start)])
                    found = _to_the_end(consumer, end, self._clock)
                return found[-most:]
        finally:
            within(CLOSING_S, consumer.close)

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        with unreachable_otherwise():
            described = self._admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_S)
            all_of_it = [TopicPartition(topic, one.id) for one in _answer(described[topic]).partitions]
            asked = self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group, all_of_it)], request_timeout=ANSWER_S
            )
            committed = {one.partition: one.offset for one in _answer(asked[group]).topic_partitions}
            firsts = self._offsets(all_of_it, _ADMIN.OffsetSpec.earliest())
            ends = self._offsets(all_of_it, _ADMIN.OffsetSpec.latest())
        return {at: max(0, end - max(committed.get(at, 0), firsts[at])) for at, end in sorted(ends.items())}

    def _offsets(self, partitions: Iterable[TopicPartition], where: Any) -> dict[int, int]:
        asked = dict.fromkeys(partitions, where)
        found = self._admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ANSWER_S
        )
        return {at.partition: _answer(one).offset for at, one in found.items()}

    def close(self) -> None:
        """The library has nothing to close here: it goes with its last reference."""


def _unknown(error: KafkaException) -> bool:
    return bool(error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART)


def _answer(asked: "Future[Any]") -> Any:
    return asked.result(ANSWER_S + 5)


def _if_there(asked: "Future[Any]") -> Any:
    try:
        return _answer(asked)
    except KafkaException as error:
        if not _unknown(error):
            raise
        return None


def _id(known: Any) -> str:
    high, low = known.get_most_significant_bits(), known.get_least_significant_bits()
    return str(uuid.UUID(int=(high % 2**64) << 64 | low % 2**64))


def _to_the_end(consumer: Consumer, end: int, clock: Clock) -> list[Record]:
    """Where the rest is marks of transactions, only the news of the end tells that it is reached."""
    until = clock.monotonic() + TAIL_S
    found: list[Record] = []
    while clock.monotonic() < until:
        message = consumer.poll(0.2)
        error = message.error() if message is not None else None
        if message is None:
            continue
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            return found
        if error is not None:
            raise KafkaException(error)
        one = record(message)
        if one.offset < end:
            found.append(one)
        if one.offset >= end - 1:
            return found
    raise Unreachable("Kafka does not return the end of the topic")
