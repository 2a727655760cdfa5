"""Administers topics and reads lag and the ends of partitions, with kafka-python."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from kafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from infra.kafka.kafka_python import library
from infra.kafka.kafka_python.member import ANSWER_MS, CLOSING_MS, READING
from infra.kafka.kafka_python.opening import Connection, Opened, errors_as_unreachable, with_retries
from infra.kafka.ports import Record, Topic, Unreachable

TAIL_S: Final = 30.0
DELETED_WITHIN_S: Final = 30.0


class Cluster:
    """Implements infra.kafka.ports.Cluster."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._clock = connection, connection.clock
        self._admin = connection.open(library.admin)

    def _with_retries(self, ask: Callable[[], Opened]) -> Opened:
        return with_retries(ask, self._clock)

    def brokers(self) -> int:
        """The number of brokers.  May include brokers that are down."""
        return len(self._with_retries(self._admin.describe_cluster)["brokers"])

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        """Retries if a topic is created or deleted between the two requests."""
        return self._with_retries(lambda: self._topics(names))

    def _topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        topics = self._admin.describe_topics(sorted(names))
        for one in topics:
            if one["error_code"] == TopicAuthorizationFailedError.errno:
                raise TopicAuthorizationFailedError(one["name"])
        existing = [one for one in topics if one["error_code"] == 0]
        resources = [library.topic_resource(one["name"]) for one in existing]
        configs: Mapping[str, Any] = {"topic": {}}
        if existing:
            configs = self._admin.describe_configs(resources, config_filter="all")
        return {
            one["name"]: Topic(
                str(one["topic_id"]),
                len(one["partitions"]),
                min(len(partition["replica_nodes"]) for partition in one["partitions"]),
                {name: entry["value"] for name, entry in configs["topic"][one["name"]].items()},
                frozenset(one["authorized_operations"]),
            )
            for one in existing
        }

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        topic = {"num_partitions": partitions, "replication_factor": replication, "configs": dict(settings)}

        def create_it() -> None:
            with suppress(TopicAlreadyExistsError):
                self._admin.create_topics({name: topic}, wait_for_metadata=True)

        self._with_retries(create_it)

    def delete(self, name: str) -> None:
        admin: Any = self._admin

        def delete_it() -> None:
            with suppress(UnknownTopicOrPartitionError):
                admin.delete_topics([name])

        self._with_retries(delete_it)
        until = self._clock.monotonic() + DELETED_WITHIN_S
        while self._with_retries(lambda: self._admin.describe_topics([name]))[0]["error_code"] == 0:
            if self._clock.monotonic() > until:
                raise Unreachable(f"Kafka has not deleted the topic {name} yet")
            self._clock.sleep(0.1)

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        """Doubles the part it reads until it has enough records: transaction markers take offsets, too."""
        at = library.at(topic, partition)
        consumer = self._connection.open(library.consumer, {**READING, "group_id": None})
        try:
            with errors_as_unreachable():
                consumer.assign([at])
                first = consumer.beginning_offsets([at], ANSWER_MS)[at]
                end = consumer.end_offsets([at], ANSWER_MS)[at]
                start = end
                records: list[Record] = []
                while len(records) < most and start > first:
                    start = max(first, end - 2 * max(most, end - start))
                    records = self._read(consumer, at, start, end)
                return records[-most:]
        finally:
            consumer.close(autocommit=False, timeout_ms=CLOSING_MS)

    def _read(
        self, consumer: library.Consumer, at: library.TopicPartition, start: int, end: int
    ) -> list[Record]:
        until = self._clock.monotonic() + TAIL_S
        records: list[Record] = []
        consumer.seek(at, start)
        while (consumer.position(at, ANSWER_MS) or 0) < end:
            if self._clock.monotonic() > until:
                raise Unreachable("Kafka does not return the end of the topic")
            for fetched in consumer.poll(200, 500).values():
                records += [library.record(one) for one in fetched if one.offset < end]
        return records

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        described = self._with_retries(lambda: self._admin.describe_topics([topic]))
        partitions = [library.at(topic, one) for one in library.partitions_of(described[0])]
        entries = self._with_retries(lambda: self._admin.list_group_offsets({group: partitions}))[group]
        firsts = self._offsets(partitions, library.EARLIEST)
        ends = self._offsets(partitions, library.LATEST)
        committed = {at.partition: entry.offset for at, entry in entries.items() if entry.offset >= 0}
        return {at: max(0, end - max(committed.get(at, 0), firsts[at])) for at, end in sorted(ends.items())}

    def _offsets(self, partitions: Sequence[library.TopicPartition], spec: object) -> dict[int, int]:
        specs = dict.fromkeys(partitions, spec)
        offsets = self._with_retries(
            lambda: self._admin.list_partition_offsets(specs, library.READ_COMMITTED)
        )
        return {at.partition: one.offset for at, one in offsets.items()}

    def close(self) -> None:
        self._admin.close()
