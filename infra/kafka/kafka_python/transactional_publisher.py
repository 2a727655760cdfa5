"""Publishes batches of records, each with its checkpoints in one transaction, with kafka-python."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NoReturn

from kafka.errors import InvalidProducerEpochError, KafkaError, ProducerFencedError

from infra.kafka.kafka_python import library
from infra.kafka.kafka_python.member import READING
from infra.kafka.kafka_python.opening import REQUEST_MS, Connection, errors_as_unreachable
from infra.kafka.kafka_python.publisher import CLOSING_S, WRITING, end
from infra.kafka.ports import Fenced, Outgoing, Unreachable, Unsent
from infra.kafka.topics import fits

TRANSACTION_MS: Final = 30_000
"""After this time the cluster aborts the transaction of a producer that no longer answers."""


class TransactionalPublisher:
    """Implements infra.kafka.ports.TransactionalPublisher.

    If the cluster hangs, the transaction methods of the library wait for ever.  So this class calls their
    inner steps and waits with a timeout.
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
        self._connection, self._group, self._topics = connection, group, topics
        self._within_s, self._closed, self._clock = within_s, False, connection.clock
        config = {
            **WRITING,
            "transactional_id": transactional_id,
            "transaction_timeout_ms": TRANSACTION_MS,
            "linger_ms": 50,  # the commit sends what still lingers
            "retry_backoff_ms": 10,  # the library sleeps this long after each transaction
        }
        self._producer = connection.open(library.producer, config)
        try:
            self._producer.init_transactions()
        except KafkaError as error:
            self._fail(error)

    def checkpoints(self) -> Mapping[str, int]:
        consumer = self._connection.open(library.consumer, {**READING, "group_id": self._group})
        try:
            with errors_as_unreachable():
                committed = {
                    topic: consumer.committed(library.at(topic, 0), timeout_ms=REQUEST_MS)
                    for topic in self._topics
                }
        finally:
            consumer.close(autocommit=False, timeout_ms=CLOSING_S * 1000)
        return {topic: offset for topic, offset in committed.items() if offset is not None}

    def write(self, records: Sequence[Outgoing], checkpoints: Mapping[str, int]) -> None:
        if self._closed:
            raise Unreachable("the publisher is closed")
        large = next((record for record in records if not fits(record)), None)
        if large is not None:
            self.close()
            raise Unsent(f"a record of {len(large.value)} bytes is too large for {large.topic}")
        try:
            self._write(records, checkpoints, self._clock.monotonic() + self._within_s)
        except (KafkaError, ValueError) as error:
            self._fail(error)

    def _write(self, records: Sequence[Outgoing], checkpoints: Mapping[str, int], until: float) -> None:
        sender, transactions = library.handles(self._producer)
        failed: list[BaseException] = []
        transactions.begin_transaction()
        for record in records:
            sent = self._producer.send(
                record.topic, value=record.value, key=record.key,
                headers=list(record.headers), partition=record.partition,
            )  # fmt: skip
            sent.add_errback(failed.append)
        if checkpoints:
            offsets = {
                library.at(topic, 0): library.offset_and_metadata(offset)
                for topic, offset in checkpoints.items()
            }
            result = transactions.send_offsets_to_transaction(
                offsets, library.group_without_member(self._group)
            )
            self._await(sender, result, until)
        self._await(sender, transactions.begin_commit(), until)
        if failed:
            self._fail(failed[0])

    def _await(self, sender: library.Sender, result: library.Result, until: float) -> None:
        sender.wakeup()
        if not result.wait(max(0.0, until - self._clock.monotonic()) * 1000):
            self._fail(TimeoutError(f"not written within {self._within_s:g} s"))

    def _fail(self, error: BaseException) -> NoReturn:
        """Closes the publisher and raises Fenced or Unreachable.

        The library's error often says only that the producer is in an error state; the cause is in
        `last_error`.
        """
        errors = (error, library.handles(self._producer).transactions.last_error)
        self._end(gently=False)
        if any(isinstance(one, ProducerFencedError | InvalidProducerEpochError) for one in errors):
            raise Fenced("another process has taken over") from error
        raise Unreachable(f"Kafka did not commit the transaction: {error}") from error

    def close(self) -> None:
        self._end(gently=True)

    def _end(self, *, gently: bool) -> None:
        if not self._closed:
            self._closed = True
            end(self._producer, CLOSING_S, gently=gently)
