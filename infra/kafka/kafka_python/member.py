"""A consumer group member, with kafka-python."""

import logging
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from kafka import ConsumerRebalanceListener
from kafka.errors import FencedInstanceIdError, KafkaError, OffsetOutOfRangeError

from infra.kafka.assignments import Assignments
from infra.kafka.kafka_python import library
from infra.kafka.kafka_python.joining import patch_join
from infra.kafka.kafka_python.library import TopicPartition
from infra.kafka.kafka_python.opening import Connection, errors_as_unreachable
from infra.kafka.ports import MAX_POLL_INTERVAL_S, Fenced, OutOfRange, Polled, Record, Unreachable

CLOSING_MS: Final = 3_000
ANSWER_MS: Final = 10_000
READING: Final[Mapping[str, Any]] = {
    "isolation_level": "read_committed",
    "auto_offset_reset": "none",
    "enable_auto_commit": False,
    "allow_auto_create_topics": False,
}


class _Listener(ConsumerRebalanceListener):
    """The rebalance listener.  It must not block: the library calls it during `poll`, on another thread."""

    def __init__(self, consumer: library.Consumer, assignments: Assignments) -> None:
        self._consumer, self._assignments = consumer, assignments

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Pauses the partitions until `begin`.

        The seek sets a position: without one, the library would look for a committed offset.
        """
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)
            self._assignments.assigned(partition.partition)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for partition in revoked:
            self._assignments.revoked(partition.partition)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)


class Member:
    """Implements infra.kafka.ports.Member.

    While the cluster is unreachable, `poll` waits for its timeout and returns nothing; the library reconnects
    by itself.
    """

    def __init__(self, connection: Connection, topic: str, group: str, name: str | None) -> None:
        self._topic, self._clock = topic, connection.clock
        config = {
            **READING,
            "group_id": group,
            "group_instance_id": name,
            "partition_assignment_strategy": [library.STICKY],
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 2_000,
            "metadata_max_age_ms": 30_000,  # a new topic may be unknown at the first join
            "max_poll_interval_ms": int(MAX_POLL_INTERVAL_S * 1_000),
        }
        self._consumer = patch_join(connection.open(library.consumer, config))
        self._assignments = Assignments()
        self._consumer.subscribe([topic], listener=_Listener(self._consumer, self._assignments))

    def poll(self, timeout_s: float, most: int = 500) -> Polled:
        records = self._fetch(timeout_s, most)
        revoked, assigned = self._assignments.take_changes()
        reading = self._assignments.reading
        return Polled(revoked, assigned, {at: read for at, read in records.items() if at in reading})

    def _fetch(self, timeout_s: float, most: int) -> Mapping[int, list[Record]]:
        """Polls in short intervals: the library does not return early when assignments change."""
        until = self._clock.monotonic() + timeout_s
        while True:
            left = max(0.0, until - self._clock.monotonic())
            read = self._fetch_once(min(left, 0.5), most)
            if read or left == 0.0 or self._assignments.waiting:
                return read

    def _fetch_once(self, timeout_s: float, most: int) -> Mapping[int, list[Record]]:
        try:
            fetched = self._consumer.poll(timeout_s * 1000, most)
        except OffsetOutOfRangeError as error:
            raise self._out_of_range(error) from error
        except FencedInstanceIdError as error:
            raise Fenced("another member of the group has the same name") from error
        except KafkaError as error:
            if not error.retriable:
                raise Unreachable(f"Kafka cannot be read: {error}") from error
            self._clock.sleep(min(timeout_s, 0.1))
            return {}
        return {at.partition: [library.record(one) for one in many] for at, many in fetched.items()}

    def _out_of_range(self, error: KafkaError) -> OutOfRange:
        """The library's error has one argument: {partition: offset}."""
        partition, offset = next(iter(error.args[0].items()))
        first, end = self.bounds(partition.partition)
        return OutOfRange(partition.partition, offset, first, end)

    def begin(self, partition: int, offset: int) -> None:
        assert partition in self._assignments.held, f"partition {partition} is not held"
        first, end = self.bounds(partition)
        if not first <= offset <= end:
            raise OutOfRange(partition, offset, first, end)
        at = library.at(self._topic, partition)
        self._consumer.seek(at, offset)
        self._consumer.resume(at)
        self._assignments.reading.add(partition)

    def pause(self, partitions: Collection[int]) -> None:
        self._consumer.pause(*self._of(partitions, self._assignments.held))

    def _of(self, partitions: Collection[int], among: set[int]) -> list[TopicPartition]:
        return [library.at(self._topic, partition) for partition in partitions if partition in among]

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first offset, and the last stable offset: read-committed consumers get it as the end."""
        at = library.at(self._topic, partition)
        with errors_as_unreachable():
            first = self._consumer.beginning_offsets([at], ANSWER_MS)[at]
            return first, self._consumer.end_offsets([at], ANSWER_MS)[at]

    def committed_offset(self, partition: int) -> int | None:
        with errors_as_unreachable():
            return self._consumer.committed(library.at(self._topic, partition), timeout_ms=ANSWER_MS)

    def commit_offsets(self, offsets: Mapping[int, int]) -> None:
        held = {at: offset for at, offset in offsets.items() if at in self._assignments.held}
        if held:
            with suppress(KafkaError):
                self._consumer.commit_async(
                    {
                        library.at(self._topic, at): library.offset_and_metadata(offset)
                        for at, offset in held.items()
                    }
                )

    def close(self) -> None:
        try:
            self._consumer.close(autocommit=False, timeout_ms=CLOSING_MS)
        except KafkaError:
            logging.getLogger(__name__).warning("leaving the group failed", exc_info=True)
