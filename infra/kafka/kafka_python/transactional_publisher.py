"""Writes chunks with their marks in one transaction each, by kafka-python."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NoReturn

from kafka.errors import InvalidProducerEpochError, KafkaError, ProducerFencedError

from infra.kafka.kafka_python import library
from infra.kafka.kafka_python.member import READING
from infra.kafka.kafka_python.opening import REQUEST_MS, Connection, unreachable_otherwise
from infra.kafka.kafka_python.publisher import CLOSING_S, WRITING, end
from infra.kafka.ports import Fenced, Outgoing, Unreachable, Unsent
from infra.kafka.topics import fits

TRANSACTION_MS: Final = 30_000
"""When the cluster gives up one whose writer is gone."""


class TransactionalPublisher:
    """Implements infra.kafka.ports.Chunks.

    Where the cluster hangs the library's own calls wait for ever, so their parts are called here.
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
            "linger_ms": 50,  # a chunk's end sends what waits
            "retry_backoff_ms": 10,  # slept after each transaction
        }
        self._producer = connection.open(library.producer, config)
        try:
            self._producer.init_transactions()
        except KafkaError as error:
            self._fail(error)

    def checkpoints(self) -> Mapping[str, int]:
        consumer = self._connection.open(library.consumer, {**READING, "group_id": self._group})
        try:
            with unreachable_otherwise():
                found = {
                    topic: consumer.committed(library.at(topic, 0), timeout_ms=REQUEST_MS)
                    for topic in self._topics
                }
        finally:
            consumer.close(autocommit=False, timeout_ms=CLOSING_S * 1000)
        return {topic: offset for topic, offset in found.items() if offset is not None}

    def write(self, records: Sequence[Outgoing], checkpoints: Mapping[str, int]) -> None:
        if self._closed:
            raise Unreachable("the writer is closed")
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
            offsets = {library.at(topic, 0): library.upto(offset) for topic, offset in checkpoints.items()}
            asked = transactions.send_offsets_to_transaction(offsets, library.nobody_in(self._group))
            self._await(sender, asked, until)
        self._await(sender, transactions.begin_commit(), until)
        if failed:
            self._fail(failed[0])

    def _await(self, sender: library.Sender, asked: library.Result, until: float) -> None:
        sender.wakeup()
        if not asked.wait(max(0.0, until - self._clock.monotonic()) * 1000):
            self._fail(TimeoutError(f"not written within {self._within_s:g} s"))

    def _fail(self, error: BaseException) -> NoReturn:
        """The library often only says that it is in an error state: which, is noted beside."""
        known = (error, library.handles(self._producer).transactions.last_error)
        self._end(gently=False)
        if any(isinstance(one, ProducerFencedError | InvalidProducerEpochError) for one in known):
            raise Fenced("another has taken over") from error
        raise Unreachable(f"Kafka did not write the chunk: {error}") from error

    def close(self) -> None:
        self._end(gently=True)

    def _end(self, *, gently: bool) -> None:
        if not self._closed:
            self._closed = True
            end(self._producer, CLOSING_S, gently=gently)
