"""Time and new identities as a port, so that a whole system can run under a simulated clock.

`SYSTEM` is passed from where things are wired; nothing else in infra reads a clock, sleeps or makes an
identity, and ruff sees to it.  A thread that waits for another (an event, a condition, a process)
waits by that object's own time-out.
"""

import time
import uuid
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, in UTC.  It may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment.  Never goes back: for durations and time-outs."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def new_id(self) -> uuid.UUID:
        """An identity that nobody has had before."""
        ...


class SystemClock:
    """The machine's own."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def new_id(self) -> uuid.UUID:
        return uuid.uuid4()


SYSTEM: Final[Clock] = SystemClock()
