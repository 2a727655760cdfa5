"""Keeps the clocks that ticks move, and finds the deadlines that a tick fires.

Each seller has a clock, and all live sellers of the partition share one, which has no name.  Time never goes
back: a repeated tick fires nothing.
"""

from datetime import datetime
from typing import Final

from consumers.ports import Batch, Ledger
from domain.deadlines import Timer

SLICE: Final = 500
"""The maximum number of deadlines, and of released messages, per commit."""


class Clocks:
    """The time of each clock and its next deadline: as committed, plus the changes of the batch so far."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._at: dict[str | None, datetime | None] = {}
        self._next_due: dict[str | None, datetime | None] = {}
        self._unsaved: dict[str | None, datetime] = {}
        """The earliest deadline of each clock that this batch has set and the ledger does not list yet."""
        self._fired_to: dict[str | None, datetime] = {}
        """The time up to which this batch has fired each clock's deadlines; the ledger still lists them."""

    def would_move(self, seller: str | None, to: datetime) -> bool:
        if seller not in self._at:
            self._at[seller] = self._ledger.clock(seller or "")
        clock = self._at[seller]
        return clock is None or to > clock

    def time_of(self, seller: str) -> datetime | None:
        """The latest time of the seller's own clock and of the shared one; None before the first tick."""
        for name in (seller, None):
            if name not in self._at:
                self._at[name] = self._ledger.clock(name or "")
        return max(filter(None, (self._at[seller], self._at[None])), default=None)

    def move(self, batch: Batch, seller: str | None, to: datetime) -> None:
        self._at[seller] = batch.clocks[seller or ""] = to

    def has_due_deadline(self, seller: str | None, to: datetime) -> bool:
        """Whether a deadline is due at `to`.  The next deadline is cached, to spare a query for each tick."""
        if seller not in self._next_due:
            listed = self._ledger.next_due(seller, self._fired_to.get(seller))
            unsaved = self._unsaved.get(seller)
            self._next_due[seller] = min(filter(None, (listed, unsaved)), default=None)
        due = self._next_due[seller]
        return due is not None and due <= to

    def must_be_saved(self, seller: str | None, to: datetime) -> bool:
        """Whether the batch must be committed before the tick: it has set a deadline that is due already."""
        unsaved = self._unsaved.get(seller)
        return unsaved is not None and unsaved <= to

    def due(self, batch: Batch, seller: str | None, to: datetime, limit: int) -> list[Timer]:
        """The next slice of due timers that the batch has not fired yet."""
        fired = {timer.key for timer in (*batch.fired, *batch.failed_timers)}
        listed = self._ledger.due(seller, self._fired_to.get(seller), to, limit)
        return [timer for timer in listed if timer.key not in fired]

    def fired(self, seller: str | None, to: datetime) -> None:
        self._fired_to[seller] = to
        self._next_due = {}

    def add_deadline(self, seller: str, due: datetime, *, live: bool) -> None:
        """Notes a deadline that the batch has set: it may be the clock's next one."""
        for clock in (seller, None) if live else (seller,):
            self._unsaved[clock] = min(due, self._unsaved.get(clock, due))
            next_due = self._next_due.get(clock)
            if clock in self._next_due and (next_due is None or due < next_due):
                self._next_due[clock] = due

    def committed(self) -> None:
        """Forgets the deadlines of the batch: the ledger has now stored the new and the fired ones."""
        self._fired_to = {}
        self._unsaved = {}
