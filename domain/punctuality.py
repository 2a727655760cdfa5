"""What due, open, late and on time mean, for every limit: hand-over, delivery, refund, return, penalty.

A limit is exclusive: at that instant it is too late.  Before it, what is not done is `open`, never late; what
was done after it stays late, whatever happens later.  Instants are datetimes, or microseconds in rows.
"""

from datetime import datetime
from typing import Literal, TypeVar

Moment = TypeVar("Moment", int, datetime)
Punctuality = Literal["open", "on_time", "late"]


def has_passed(limit: Moment, now: Moment) -> bool:
    """Whether it is too late at `now`."""
    return now >= limit


def is_on_time(done: Moment | None, limit: Moment) -> bool:
    return done is not None and not has_passed(limit, done)


def punctuality(done: Moment | None, limit: Moment, now: Moment) -> Punctuality:
    """How something stands at `now` that was done at `done`, or not yet (None)."""
    if done is not None and not has_passed(done, now):
        done = None  # it is done only after `now`
    if is_on_time(done, limit):
        return "on_time"
    return "late" if has_passed(limit, now) else "open"
