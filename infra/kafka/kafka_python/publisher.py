"""Publishes records, with kafka-python."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn

from kafka.errors import KafkaError

from infra.kafka.kafka_python import library
from infra.kafka.kafka_python.opening import Connection
from infra.kafka.ports import Outgoing, Unsent
from infra.kafka.topics import LARGEST, fits

CLOSING_S: Final = 3.0
NEVER_MS: Final = 10**9
WRITING: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable_idempotence": True,
    "allow_auto_create_topics": False,
    "compression_type": "lz4",
    "batch_size": 65_536,
    "linger_ms": 5,
    "max_block_ms": 15_000,
    "max_request_size": LARGEST + 65_536,
    "delivery_timeout_ms": NEVER_MS,  # the library never recovers from a batch that timed out
}


class Publisher:
    """Implements infra.kafka.ports.Publisher.

    It closes itself after a delivery error, because the library cannot recover.
    """

    def __init__(self, connection: Connection) -> None:
        self._producer = connection.open(library.producer, WRITING)
        self._failed: list[BaseException] = []
        self._closed = False

    def send(self, record: Outgoing) -> None:
        if self._failed or self._closed:
            self._give_up("an earlier record was not written")
        if not fits(record):
            self._give_up(f"a record of {len(record.value)} bytes is too large for {record.topic}")
        try:
            sent = self._producer.send(
                record.topic, value=record.value, key=record.key,
                headers=list(record.headers), partition=record.partition,
            )  # fmt: skip
        except (KafkaError, ValueError) as error:
            self._give_up(str(error), error)
        sent.add_errback(self._failed.append)

    def flush(self, timeout_s: float = 30.0) -> None:
        if self._closed:
            self._give_up("the publisher is closed")
        try:
            self._producer.flush(timeout_s)
        except KafkaError as error:
            self._give_up(f"not acknowledged within {timeout_s:g} s", error)
        if self._failed:
            self._give_up(str(self._failed[0]), self._failed[0])

    def _give_up(self, why: str, cause: BaseException | None = None) -> NoReturn:
        self._end(gently=False)
        raise Unsent(why) from cause

    def close(self) -> None:
        self._end(gently=not self._failed)

    def _end(self, *, gently: bool) -> None:
        if not self._closed:
            self._closed = True
            end(self._producer, CLOSING_S, gently=gently)


def end(producer: library.Producer, within_s: float, *, gently: bool) -> None:
    """Closes a producer and its thread; a thread that hangs ends later.  `gently`: flushes first."""
    sender = library.handles(producer).sender
    if gently:
        with suppress(KafkaError):
            producer.close(within_s)
    sender.force_close()
    sender.join(within_s)
    with suppress(KafkaError):
        producer.close(0)
