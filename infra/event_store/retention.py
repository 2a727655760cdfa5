"""How long bytes that could not be read are kept: they may hold anything, so apart, and not for ever."""

from datetime import datetime
from typing import Final

from projections.instants import DAY, micros_of

SET_ASIDE_DAYS: Final = 30


def keep_until(recorded_at: datetime) -> int:
    """In microseconds since 1970; from then on, whoever opens the ledger to write deletes them."""
    return micros_of(recorded_at) + SET_ASIDE_DAYS * DAY
