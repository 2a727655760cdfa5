"""Limits how long unreadable bytes are kept: they may contain anything, also personal data."""

from datetime import datetime
from typing import Final

from projections.instants import DAY, micros_of

SET_ASIDE_DAYS: Final = 30


def keep_until(recorded_at: datetime) -> int:
    """The time, in microseconds since 1970, after which they are deleted when a ledger is next opened."""
    return micros_of(recorded_at) + SET_ASIDE_DAYS * DAY
