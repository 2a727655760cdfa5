"""A member of a group, by confluent-kafka."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from infra.kafka.assignments import Assignments
from infra.kafka.confluent.opening import (
    ANSWER_S,
    CLOSING_S,
    Connection,
    unreachable_otherwise,
    within,
)
from infra.kafka.ports import BUSY_S, Fenced, OutOfRange, Polled, Record, Unreachable

READING: Final[Mapping[str, Any]] = {
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
}
_NOT_THERE: Final = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
_OF_NO_USE: Final = {
    KafkaError._AUTHENTICATION,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}


def record(message: Message) -> Record:
    """As read; what carries an error is none."""
    headers = tuple((name, _bytes(value)) for name, value in _pairs(message.headers()))
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return Record(partition, offset, message.value() or b"", headers, message.timestamp()[1])


def _pairs(headers: Any) -> Sequence[tuple[str, str | bytes | None]]:
    return headers or ()


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


class Member:
    """Implements infra.kafka.ports.Member.

    While the cluster is away `poll` returns nothing and takes its time for it: the library finds it again.
    """

    def __init__(self, connection: Connection, topic: str, group: str, name: str | None) -> None:
        self._topic, self._assignments, self._clock = topic, Assignments(), connection.clock
        config = {
            **READING,
            "group.id": group,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 2_000,
            "max.poll.interval.ms": int(BUSY_S * 1_000),
            **({"group.instance.id": name} if name else {}),
        }
        self._consumer = connection.open(Consumer, config)
        self._consumer.subscribe([topic], on_assign=self._came, on_revoke=self._went, on_lost=self._went)

    def _came(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Only `begin` assigns: a partition that is assigned without a place would look for one itself."""
        consumer.incremental_assign([])
        for one in partitions:
            self._assignments.assigned(one.partition)

    def _went(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(
            [one for one in partitions if one.partition in self._assignments.reading]
        )
        for one in partitions:
            self._assignments.revoked(one.partition)

    def poll(self, timeout_s: float, most: int = 500) -> Polled:
        messages = self._polled(timeout_s, most)
        revoked, assigned = self._assignments.take_changes()
        records: defaultdict[int, list[Record]] = defaultdict(list)
        for message in messages:
            if (error := message.error()) is not None:
                self._heed(message, error)
            elif message.partition() in self._assignments.reading:
                records[message.partition() or 0].append(record(message))
        return Polled(revoked, assigned, dict(records))

    def _polled(self, timeout_s: float, most: int) -> list[Message]:
        """Waits for one message, then takes those that are there already: `consume` would wait for all."""
        until = self._clock.monotonic() + timeout_s
        while True:
            left = max(0.0, until - self._clock.monotonic())
            try:
                first = self._consumer.poll(min(left, 0.25))
                more = self._consumer.consume(most - 1, 0) if first is not None and most > 1 else []
            except KafkaException as error:
                raise Unreachable(f"Kafka cannot be read: {error}") from error
            if first is not None or left == 0.0 or self._assignments.waiting:
                return [first, *more] if first is not None else []

    def _heed(self, message: Message, error: KafkaError) -> None:
        """Whatever else is wrong, the library gets over it."""
        code = error.code()
        if code in _NOT_THERE:
            partition = message.partition() or 0
            raise OutOfRange(partition, message.offset() or 0, *self.bounds(partition))
        if code == KafkaError._FATAL:  # to a consumer it is the only one, and said once
            raise Fenced("another member has the same name")
        if code in _OF_NO_USE:
            raise Unreachable(f"Kafka cannot be read: {error.str()}")

    def begin(self, partition: int, offset: int) -> None:
        assert partition in self._assignments.held, f"partition {partition} is not held"
        first, end = self.bounds(partition)
        if not first <= offset <= end:
            raise OutOfRange(partition, offset, first, end)
        at = TopicPartition(self._topic, partition, offset)
        with unreachable_otherwise():
            if partition in self._assignments.reading:
                self._consumer.seek(at)
                self._consumer.resume([at])
            else:
                self._consumer.incremental_assign([at])
        self._assignments.reading.add(partition)

    def pause(self, partitions: Collection[int]) -> None:
        self._consumer.pause(self._of(partitions, self._assignments.reading))

    def _of(self, partitions: Collection[int], known: set[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition) for partition in partitions if partition in known]

    def bounds(self, partition: int) -> tuple[int, int]:
        """To a reader of what is committed, the library's end is that of the last finished transaction."""
        with unreachable_otherwise():
            return self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), ANSWER_S)

    def committed_offset(self, partition: int) -> int | None:
        with unreachable_otherwise():
            kept = self._consumer.committed([TopicPartition(self._topic, partition)], ANSWER_S)[0]
        return kept.offset if kept.offset >= 0 else None

    def commit_offsets(self, offsets: Mapping[int, int]) -> None:
        held = [TopicPartition(self._topic, at, offset) for at, offset in offsets.items()]
        held = [one for one in held if one.partition in self._assignments.held]
        if held:
            with suppress(KafkaException):
                self._consumer.commit(offsets=held, asynchronous=True)

    def close(self) -> None:
        within(CLOSING_S, self._consumer.close)
