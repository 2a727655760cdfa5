"""A port for time and new ids, so that a whole system can run under a simulated clock.

The wiring passes `SYSTEM` to the adapters.  Nothing else in infra reads a clock, sleeps or makes an id; a
ruff rule forbids it.  A thread that waits for another (an event, a condition, a process) uses the timeout of
that object.
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
        """Seconds since an arbitrary moment.  Never goes back: use it for durations and timeouts."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def new_id(self) -> uuid.UUID:
        """A new, unique id."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def new_id(self) -> uuid.UUID:
        return uuid.uuid4()


SYSTEM: Final[Clock] = SystemClock()
