"""A consumer group member, with confluent-kafka."""

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
    close_with_timeout,
    errors_as_unreachable,
)
from infra.kafka.ports import MAX_POLL_INTERVAL_S, Fenced, OutOfRange, Polled, Record, Unreachable

READING: Final[Mapping[str, Any]] = {
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
}
_OFFSET_MISSING: Final = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
_PERMANENT: Final = {
    KafkaError._AUTHENTICATION,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}


def record(message: Message) -> Record:
    """A message of the library as a Record.  The message must not carry an error."""
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

    While the cluster is unreachable, `poll` waits for its timeout and returns nothing; the library reconnects
    by itself.
    """

    def __init__(self, connection: Connection, topic: str, group: str, name: str | None) -> None:
        self._topic, self._assignments, self._clock = topic, Assignments(), connection.clock
        config = {
            **READING,
            "group.id": group,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 2_000,
            "max.poll.interval.ms": int(MAX_POLL_INTERVAL_S * 1_000),
            **({"group.instance.id": name} if name else {}),
        }
        self._consumer = connection.open(Consumer, config)
        self._consumer.subscribe(
            [topic], on_assign=self._on_assigned, on_revoke=self._on_revoked, on_lost=self._on_revoked
        )

    def _on_assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Does not assign the partitions to the consumer yet; `begin` does it.

        Without a start offset, the library would look for a committed offset by itself.
        """
        consumer.incremental_assign([])
        for one in partitions:
            self._assignments.assigned(one.partition)

    def _on_revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(
            [one for one in partitions if one.partition in self._assignments.reading]
        )
        for one in partitions:
            self._assignments.revoked(one.partition)

    def poll(self, timeout_s: float, most: int = 500) -> Polled:
        messages = self._fetch(timeout_s, most)
        revoked, assigned = self._assignments.take_changes()
        records: defaultdict[int, list[Record]] = defaultdict(list)
        for message in messages:
            if (error := message.error()) is not None:
                self._raise_for(message, error)
            elif message.partition() in self._assignments.reading:
                records[message.partition() or 0].append(record(message))
        return Polled(revoked, assigned, dict(records))

    def _fetch(self, timeout_s: float, most: int) -> list[Message]:
        """Waits for one message, then takes those that were fetched already.

        `consume` alone would wait until there are `most` messages.
        """
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

    def _raise_for(self, message: Message, error: KafkaError) -> None:
        """Raises: OutOfRange, Fenced, Unreachable.  The library recovers from all other errors by itself."""
        code = error.code()
        if code in _OFFSET_MISSING:
            partition = message.partition() or 0
            raise OutOfRange(partition, message.offset() or 0, *self.bounds(partition))
        if code == KafkaError._FATAL:  # for a consumer, fencing is the only fatal error; it is reported once
            raise Fenced("another member of the group has the same name")
        if code in _PERMANENT:
            raise Unreachable(f"Kafka cannot be read: {error.str()}")

    def begin(self, partition: int, offset: int) -> None:
        assert partition in self._assignments.held, f"partition {partition} is not held"
        first, end = self.bounds(partition)
        if not first <= offset <= end:
            raise OutOfRange(partition, offset, first, end)
        at = TopicPartition(self._topic, partition, offset)
        with errors_as_unreachable():
            if partition in self._assignments.reading:
                self._consumer.seek(at)
                self._consumer.resume([at])
            else:
                self._consumer.incremental_assign([at])
        self._assignments.reading.add(partition)

    def pause(self, partitions: Collection[int]) -> None:
        self._consumer.pause(self._of(partitions, self._assignments.reading))

    def _of(self, partitions: Collection[int], among: set[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition) for partition in partitions if partition in among]

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first offset, and the last stable offset: read-committed consumers get it as the end."""
        with errors_as_unreachable():
            return self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), ANSWER_S)

    def committed_offset(self, partition: int) -> int | None:
        with errors_as_unreachable():
            committed = self._consumer.committed([TopicPartition(self._topic, partition)], ANSWER_S)[0]
        return committed.offset if committed.offset >= 0 else None

    def commit_offsets(self, offsets: Mapping[int, int]) -> None:
        held = [TopicPartition(self._topic, at, offset) for at, offset in offsets.items()]
        held = [one for one in held if one.partition in self._assignments.held]
        if held:
            with suppress(KafkaException):
                self._consumer.commit(offsets=held, asynchronous=True)

    def close(self) -> None:
        close_with_timeout(CLOSING_S, self._consumer.close)
