"""What happened to the pieces at a location, in order of the time when it happened.

The book is corrected by it when facts are reported late: a count is true at its time, whatever was reported
before it, and pieces that left before their receipt was reported were there after all.
"""

from bisect import bisect_left
from datetime import datetime
from typing import Final, NamedTuple

KEPT: Final = 500
"""Moves that are kept for each location.  Of a SKU that moves every two minutes, those of a working day."""

Timed = tuple[tuple[datetime, int], ...]
"""Pieces by time, the oldest first; one entry for each time."""


class Past(NamedTuple):
    """The past of one location."""

    moves: Timed = ()
    """The latest changes of on hand."""
    dropped_until: datetime | None = None
    """The time of the latest change that is no longer in `moves`."""
    counted_at: datetime | None = None
    """The time of the latest count."""
    missing: Timed = ()
    """Pieces that left although the book had none, and that no receipt and no count has explained since."""

    def change_since(self, at: datetime) -> int | None:
        """By how many pieces on hand changed after `at`; None if changes of that time were dropped."""
        if self.dropped_until is not None and at < self.dropped_until:
            return None
        return sum(change for when, change in self.moves if when > at)

    def moved(self, at: datetime, change: int) -> "Past":
        if not change:
            return self
        moves, dropped_until = _added(self.moves, at, change), self.dropped_until
        if len(moves) > KEPT:
            oldest = moves[0][0]
            dropped_until = oldest if dropped_until is None else max(oldest, dropped_until)
            moves = moves[1:]
        return self._replace(moves=moves, dropped_until=dropped_until)

    def missed(self, at: datetime, change: int) -> "Past":
        """The past with more pieces missing at `at`, or with fewer if `change` is negative."""
        missing = tuple(entry for entry in _added(self.missing, at, change) if entry[1] > 0)
        return self._replace(missing=missing[-KEPT:])

    def counted(self, at: datetime) -> "Past":
        if self.counted_at is not None and at < self.counted_at:
            return self
        return self._replace(
            counted_at=at, missing=tuple((when, pieces) for when, pieces in self.missing if when > at)
        )


def _added(entries: Timed, at: datetime, change: int) -> Timed:
    if not entries or entries[-1][0] < at:
        return (*entries, (at, change))
    index = bisect_left(entries, at, key=lambda entry: entry[0])
    when, pieces = entries[index]
    if when == at:
        return (*entries[:index], (at, pieces + change), *entries[index + 1 :])
    return (*entries[:index], (at, change), *entries[index:])
