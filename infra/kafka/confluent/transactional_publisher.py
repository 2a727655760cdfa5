"""Publishes batches of records, each with its checkpoints in one transaction, with confluent-kafka."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NoReturn

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from infra.kafka.confluent.member import READING
from infra.kafka.confluent.opening import (
    ANSWER_S,
    CLOSING_S,
    Connection,
    call_with_timeout,
    close_with_timeout,
    errors_as_unreachable,
)
from infra.kafka.confluent.publisher import WRITING, Failures, end, produce
from infra.kafka.ports import Fenced, Outgoing, Unreachable, Unsent
from infra.kafka.topics import fits

TRANSACTION_MS: Final = 30_000
"""After this time the cluster aborts the transaction of a producer that no longer answers."""
OPENING_S: Final = 15.0
_FENCED: Final = {
    KafkaError._FENCED,  # public, despite its name
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
}


class TransactionalPublisher:
    """Implements infra.kafka.ports.TransactionalPublisher.

    Its consumer reads the offsets of the group without being a member.
    """

    def __init__(
        self,
        connection: Connection,
        transactional_id: str,
        group: str,
        topics: Collection[str],
        *,
        within_s: float,
    ) -> None:
        self._topics, self._within_s, self._closed = topics, within_s, False
        self._clock = connection.clock
        config = {
            **WRITING,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_MS,
        }
        self._producer = connection.open(Producer, config)
        self._consumer = connection.open(Consumer, {**READING, "group.id": group})
        self._failures = Failures()
        try:
            self._producer.init_transactions(OPENING_S)
        except KafkaException as error:
            self._fail(error)

    def checkpoints(self) -> Mapping[str, int]:
        with errors_as_unreachable():
            partitions = [TopicPartition(topic, 0) for topic in self._topics]
            committed = self._consumer.committed(partitions, ANSWER_S)
        return {one.topic: one.offset for one in committed if one.offset >= 0}

    def write(self, records: Sequence[Outgoing], checkpoints: Mapping[str, int]) -> None:
        if self._closed:
            raise Unreachable("the publisher is closed")
        large = next((record for record in records if not fits(record)), None)
        if large is not None:
            self.close()
            raise Unsent(f"a record of {len(large.value)} bytes is too large for {large.topic}")
        try:
            self._write(records, checkpoints, self._clock.monotonic() + self._within_s)
        except (KafkaException, BufferError, TimeoutError) as error:
            self._fail(error)

    def _write(self, records: Sequence[Outgoing], checkpoints: Mapping[str, int], until: float) -> None:
        self._producer.begin_transaction()
        for record in records:
            produce(self._producer, record, self._failures, self._clock)
            self._producer.poll(0)
        if checkpoints:
            offsets = [TopicPartition(topic, 0, offset) for topic, offset in checkpoints.items()]
            members = self._consumer.consumer_group_metadata()
            left = self._left(until)
            call_with_timeout(
                left, lambda: self._producer.send_offsets_to_transaction(offsets, members, left)
            )
        left = self._left(until)
        call_with_timeout(left, lambda: self._producer.commit_transaction(left))

    def _fail(self, error: BaseException) -> NoReturn:
        self._end(gently=False)
        reason = error.args[0] if error.args else None
        reasons = (reason, self._failures.first)
        if any(isinstance(one, KafkaError) and one.code() in _FENCED for one in reasons):
            raise Fenced("another process has taken over") from error
        raise Unreachable(f"Kafka did not commit the transaction: {error}") from error

    def _left(self, until: float) -> float:
        return max(0.1, until - self._clock.monotonic())

    def close(self) -> None:
        self._end(gently=True)

    def _end(self, *, gently: bool) -> None:
        if not self._closed:
            self._closed = True
            close_with_timeout(CLOSING_S, self._consumer.close)
            end(self._producer, gently=gently)
