"""The port through which HTTP passes parsed messages on: to an engine in this process, or to Kafka."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple, Protocol

from consumers.envelope import Inbound, Tick
from domain.catalogue import TIME_PASSED
from infra.http.messages import OutcomeEntry

MOST_MESSAGES: Final = 5_000
MOST_BYTES: Final = 64 * 1024 * 1024
"""The most bytes that wait in the queue."""


class Busy(Exception):
    """The queue is full; none of these messages was accepted."""


class Unsure(Exception):
    """It is unknown whether the messages were stored.  Sending them again is harmless."""


class Sent(NamedTuple):
    """A parsed message: its bytes in structured mode, and the attributes that identify it."""

    raw: bytes
    seller: str | None
    source: str
    id: str
    type: str

    @property
    def is_tick(self) -> bool:
        """Whether the message is a tick; ticks have no outcome."""
        return self.type == TIME_PASSED


def sent(raw: bytes, message: Inbound | Tick) -> Sent:
    envelope = message if isinstance(message, Tick) else message.envelope
    return Sent(raw, envelope.sellerid, envelope.source, envelope.id, envelope.type)


class IntakeBatch:
    """The messages of one request, and what becomes of them."""

    def __init__(self, messages: Sequence[Sent], after: int | None) -> None:
        self.messages = messages
        self.after = after
        """Their outcomes have numbers greater than this; None: the request does not wait for outcomes."""
        self.size = sum(len(message.raw) for message in messages)
        self.safe: Future[None] = Future()
        """Done once the messages are stored and will be decided, whatever happens; or fails with Unsure."""
        self.done: Future[None] = Future()
        """Done once all outcomes are known."""
        self.outcomes: list[OutcomeEntry | None] = [None] * len(messages)

    def succeed(self, *, done: bool) -> None:
        """Marks the messages as safe.  `done`: all outcomes are known, too."""
        self.safe.set_result(None)
        if done:
            self.done.set_result(None)

    def fail(self, error: Unsure) -> None:
        if not self.safe.done():
            self.safe.set_exception(error)
            self.done.set_result(None)


class Intake(Protocol):
    """Accepts messages; keeps the order of those in one request."""

    def take(self, messages: Sequence[Sent], after: int | None) -> IntakeBatch:
        """Puts the messages into the queue, and returns at once.  Raises: Busy."""
        ...

    def trouble(self) -> str:
        """Why messages cannot be accepted now, else an empty text.  Blocks for a few seconds at most."""
        ...

    def close(self) -> None:
        """Stops after everything in the queue has been processed."""
        ...


class IntakeQueue:
    """A first-in, first-out queue of requests, bounded in messages and bytes."""

    def __init__(self) -> None:
        self._waiting: deque[IntakeBatch] = deque()
        self._messages = self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, batch: IntakeBatch) -> None:
        """Raises: Busy."""
        with self._changed:
            full = self._messages >= MOST_MESSAGES or self._bytes >= MOST_BYTES
            if self._closed or full:
                raise Busy
            self._count(batch, 1)
            self._waiting.append(batch)
            self._changed.notify()

    def next(self, most: int, timeout_s: float) -> list[IntakeBatch]:
        """The first request, and those that wait behind it, up to `most` messages together."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s)
            group: list[IntakeBatch] = []
            messages = 0
            while self._waiting and (not group or messages + len(self._waiting[0].messages) <= most):
                batch = self._waiting.popleft()
                self._count(batch, -1)
                messages += len(batch.messages)
                group.append(batch)
            return group

    def _count(self, batch: IntakeBatch, sign: int) -> None:
        self._messages += sign * len(batch.messages)
        self._bytes += sign * batch.size

    def close(self) -> None:
        """Accepts no more requests; those in the queue are still returned by `next`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def over(self) -> bool:
        return self._closed and not self._waiting
