"""A clock that a test sets."""

from datetime import datetime

from infra.clock import SystemClock


class SetClock(SystemClock):
    """`now` is the time that was set.  Sleeping and durations use the clock of the machine."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time
