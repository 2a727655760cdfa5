"""A clock that a test sets."""

from datetime import datetime

from infra.clock import SystemClock


class SetClock(SystemClock):
    """It is the time that was set; sleeping and durations are the machine's."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time
