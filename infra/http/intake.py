"""What takes messages in once the door has understood them: an engine in this process, or Kafka."""

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
"""Of all that waits to be taken in."""


class Busy(Exception):
    """Too much waits already; nothing of this was taken."""


class Unsure(Exception):
    """It may have been taken in or not.  To send it again does no harm."""


class Sent(NamedTuple):
    """A message, structured, as it is taken in."""

    raw: bytes
    seller: str | None
    source: str
    id: str
    type: str

    @property
    def is_tick(self) -> bool:
        """Ticks have no outcome."""
        return self.type == TIME_PASSED


def sent(raw: bytes, message: Inbound | Tick) -> Sent:
    said = message if isinstance(message, Tick) else message.envelope
    return Sent(raw, said.sellerid, said.source, said.id, said.type)


class IntakeBatch:
    """The messages of one request on their way."""

    def __init__(self, messages: Sequence[Sent], after: int | None) -> None:
        self.messages = messages
        self.after = after
        """Outcomes with numbers after it are theirs; None: nobody waits for them."""
        self.size = sum(len(message.raw) for message in messages)
        self.safe: Future[None] = Future()
        """They will be decided, whatever happens; or Unsure."""
        self.done: Future[None] = Future()
        """All outcomes are there."""
        self.outcomes: list[OutcomeEntry | None] = [None] * len(messages)

    def came_through(self, *, done: bool) -> None:
        self.safe.set_result(None)
        if done:
            self.done.set_result(None)

    def fail(self, error: Unsure) -> None:
        if not self.safe.done():
            self.safe.set_exception(error)
            self.done.set_result(None)


class Intake(Protocol):
    """Takes messages in, each request's in its order."""

    def take(self, messages: Sequence[Sent], after: int | None) -> IntakeBatch:
        """Raises: Busy."""
        ...

    def trouble(self) -> str:
        """Why it could not take anything in now; blocks for a few seconds at most."""
        ...

    def close(self) -> None:
        """What was taken is seen through."""
        ...


class Line:
    """Requests in the order in which they came, bounded in messages and bytes."""

    def __init__(self) -> None:
        self._waiting: deque[IntakeBatch] = deque()
        self._messages = self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, taken: IntakeBatch) -> None:
        """Raises: Busy."""
        with self._changed:
            full = self._messages >= MOST_MESSAGES or self._bytes >= MOST_BYTES
            if self._closed or full:
                raise Busy
            self._count(taken, 1)
            self._waiting.append(taken)
            self._changed.notify()

    def next(self, most: int, timeout_s: float) -> list[IntakeBatch]:
        """Those who came together: the first, and with it whoever waits by then, up to `most` messages."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s)
            group: list[IntakeBatch] = []
            messages = 0
            while self._waiting and (not group or messages + len(self._waiting[0].messages) <= most):
                taken = self._waiting.popleft()
                self._count(taken, -1)
                messages += len(taken.messages)
                group.append(taken)
            return group

    def _count(self, taken: IntakeBatch, sign: int) -> None:
        self._messages += sign * len(taken.messages)
        self._bytes += sign * taken.size

    def close(self) -> None:
        """Nobody else gets in; who waits is still served."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def over(self) -> bool:
        return self._closed and not self._waiting
