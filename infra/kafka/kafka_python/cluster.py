"""What is asked of the cluster itself, by kafka-python."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from kafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from infra.kafka.kafka_python import library
from infra.kafka.kafka_python.member import ANSWER_MS, CLOSING_MS, READING
from infra.kafka.kafka_python.opening import Connection, Opened, patiently, unreachable_otherwise
from infra.kafka.ports import Record, Topic, Unreachable

TAIL_S: Final = 30.0
GONE_S: Final = 30.0


class Cluster:
    """Implements infra.kafka.ports.Cluster."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._clock = connection, connection.clock
        self._admin = connection.open(library.admin)

    def _patiently(self, ask: Callable[[], Opened]) -> Opened:
        return patiently(ask, self._clock)

    def brokers(self) -> int:
        """Also those that are down but not given up."""
        return len(self._patiently(self._admin.describe_cluster)["brokers"])

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        """One that comes or goes between the two questions is asked for again."""
        return self._patiently(lambda: self._topics(names))

    def _topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        asked = self._admin.describe_topics(sorted(names))
        for one in asked:
            if one["error_code"] == TopicAuthorizationFailedError.errno:
                raise TopicAuthorizationFailedError(one["name"])
        there = [one for one in asked if one["error_code"] == 0]
        resources = [library.topic_resource(one["name"]) for one in there]
        described: Mapping[str, Any] = {"topic": {}}
        if there:
            described = self._admin.describe_configs(resources, config_filter="all")
        return {
            one["name"]: Topic(
                str(one["topic_id"]),
                len(one["partitions"]),
                min(len(partition["replica_nodes"]) for partition in one["partitions"]),
                {name: said["value"] for name, said in described["topic"][one["name"]].items()},
                frozenset(one["authorized_operations"]),
            )
            for one in there
        }

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        topic = {"num_partitions": partitions, "replication_factor": replication, "configs": dict(settings)}

        def create_it() -> None:
            with suppress(TopicAlreadyExistsError):
                self._admin.create_topics({name: topic}, wait_for_metadata=True)

        self._patiently(create_it)

    def delete(self, name: str) -> None:
        admin: Any = self._admin

        def delete_it() -> None:
            with suppress(UnknownTopicOrPartitionError):
                admin.delete_topics([name])

        self._patiently(delete_it)
        until = self._clock.monotonic() + GONE_S
        while self._patiently(lambda: self._admin.describe_topics([name]))[0]["error_code"] == 0:
            if self._clock.monotonic() > until:
                raise Unreachable(f"Kafka has not deleted the topic {name} yet")
            self._clock.sleep(0.1)

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        """Reads ever more of the end: marks of transactions take offsets as well."""
        at = library.at(topic, partition)
        consumer = self._connection.open(library.consumer, {**READING, "group_id": None})
        try:
            with unreachable_otherwise():
                consumer.assign([at])
                first = consumer.beginning_offsets([at], ANSWER_MS)[at]
                end = consumer.end_offsets([at], ANSWER_MS)[at]
                start = end
                found: list[Record] = []
                while len(found) < most and start > first:
                    start = max(first, end - 2 * max(most, end - start))
                    found = self._read(consumer, at, start, end)
                return found[-most:]
        finally:
            consumer.close(autocommit=False, timeout_ms=CLOSING_MS)

    def _read(
        self, consumer: library.Consumer, at: library.TopicPartition, start: int, end: int
    ) -> list[Record]:
        until = self._clock.monotonic() + TAIL_S
        found: list[Record] = []
        consumer.seek(at, start)
        while (consumer.position(at, ANSWER_MS) or 0) < end:
            if self._clock.monotonic() > until:
                raise Unreachable("Kafka does not return the end of the topic")
            for ones in consumer.poll(200, 500).values():
                found += [library.record(one) for one in ones if one.offset < end]
        return found

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        described = self._patiently(lambda: self._admin.describe_topics([topic]))
        all_of_it = [library.at(topic, one) for one in library.partitions_of(described[0])]
        committed = self._patiently(lambda: self._admin.list_group_offsets({group: all_of_it}))[group]
        firsts = self._offsets(all_of_it, library.EARLIEST)
        ends = self._offsets(all_of_it, library.LATEST)
        come_to = {at.partition: kept.offset for at, kept in committed.items() if kept.offset >= 0}
        return {at: max(0, end - max(come_to.get(at, 0), firsts[at])) for at, end in sorted(ends.items())}

    def _offsets(self, partitions: Sequence[library.TopicPartition], where: object) -> dict[int, int]:
        asked = dict.fromkeys(partitions, where)
        found = self._patiently(lambda: self._admin.list_partition_offsets(asked, library.READ_COMMITTED))
        return {at.partition: one.offset for at, one in found.items()}

    def close(self) -> None:
        self._admin.close()
