"""Publishes records, with confluent-kafka."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra.clock import Clock
from infra.kafka.confluent.opening import CLOSING_S, Connection, close_with_timeout
from infra.kafka.ports import Outgoing, Unsent
from infra.kafka.topics import LARGEST, fits

QUEUE_FULL_S: Final = 15.0
WRITING: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable.idempotence": True,
    "compression.type": "lz4",
    "batch.size": 65_536,
    "linger.ms": 5,
    "request.timeout.ms": 10_000,
    "message.max.bytes": LARGEST + 65_536,
}


class Failures:
    """The first delivery error that the library reports."""

    def __init__(self) -> None:
        self.first: KafkaError | None = None

    def note(self, error: KafkaError | None, message: Message) -> None:
        del message
        self.first = self.first or error


def produce(producer: Producer, record: Outgoing, failures: Failures, clock: Clock) -> None:
    """Queues a record; waits while the library's queue is full.  Raises: BufferError, KafkaException."""
    until = clock.monotonic() + QUEUE_FULL_S
    while True:
        try:
            producer.produce(
                record.topic, value=record.value, key=record.key, partition=record.partition,
                headers=list(record.headers), on_delivery=failures.note,
            )  # fmt: skip
        except BufferError:
            if clock.monotonic() > until:
                raise
            producer.poll(0.1)
        else:
            return


class Publisher:
    """Implements infra.kafka.ports.Publisher.  It closes itself after a delivery error."""

    def __init__(self, connection: Connection) -> None:
        self._producer = connection.open(Producer, {**WRITING, "message.timeout.ms": 0})
        self._clock = connection.clock
        self._failures = Failures()
        self._closed = False

    def send(self, record: Outgoing) -> None:
        if self._failures.first is not None or self._closed:
            self._give_up("an earlier record was not written")
        if not fits(record):
            self._give_up(f"a record of {len(record.value)} bytes is too large for {record.topic}")
        try:
            produce(self._producer, record, self._failures, self._clock)
        except (KafkaException, BufferError) as error:
            self._give_up(str(error), error)
        self._producer.poll(0)

    def flush(self, timeout_s: float = 30.0) -> None:
        if self._closed:
            self._give_up("the publisher is closed")
        if self._producer.flush(timeout_s):
            self._give_up(f"not acknowledged within {timeout_s:g} s")
        if self._failures.first is not None:
            self._give_up(self._failures.first.str())

    def _give_up(self, why: str, cause: BaseException | None = None) -> NoReturn:
        self._end(gently=False)
        raise Unsent(why) from cause

    def close(self) -> None:
        self._end(gently=self._failures.first is None)

    def _end(self, *, gently: bool) -> None:
        if not self._closed:
            self._closed = True
            end(self._producer, gently=gently)


def end(producer: Producer, *, gently: bool) -> None:
    """Closes a producer and drops the records that it has not sent.  `gently`: flushes first."""

    def close() -> None:
        with suppress(KafkaException):  # a fenced or broken producer raises its error again
            producer.flush(CLOSING_S if gently else 0)
        producer.purge()
        with warnings.catch_warnings(), suppress(KafkaException):
            warnings.simplefilter("ignore")  # a fenced producer warns that it could not abort its transaction
            producer.close()

    close_with_timeout(2 * CLOSING_S, close)
