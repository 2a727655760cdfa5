"""Time as messages say it: which deadlines a tick fires.

Each seller has a clock, and all live sellers of the partition share one, which has no name.  Time never goes
back: a tick that is sent again fires nothing.
"""

from datetime import datetime
from typing import Final

from consumers.ports import Batch, Ledger
from domain.deadlines import Timer

SLICE: Final = 500
"""Deadlines, and released messages, that one commit carries at most."""


class Clocks:
    """Where each clock stands, as the ledger and the batch so far leave it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._at: dict[str | None, datetime | None] = {}
        self._next_due: dict[str | None, datetime | None] = {}
        self._unsaved: dict[str | None, datetime] = {}
        """The earliest deadline of each clock that this batch has set, and the ledger does not list yet."""
        self._fired_to: dict[str | None, datetime] = {}
        """Up to where this batch has fired each clock's deadlines, which the ledger still lists."""

    def would_move(self, seller: str | None, to: datetime) -> bool:
        if seller not in self._at:
            self._at[seller] = self._ledger.clock(seller or "")
        stands = self._at[seller]
        return stands is None or to > stands

    def move(self, batch: Batch, seller: str | None, to: datetime) -> None:
        self._at[seller] = batch.clocks[seller or ""] = to

    def rings(self, seller: str | None, to: datetime) -> bool:
        """Whether any deadline falls by then; known without asking the ledger each time."""
        if seller not in self._next_due:
            listed = self._ledger.next_due(seller, self._fired_to.get(seller))
            unsaved = self._unsaved.get(seller)
            self._next_due[seller] = min(filter(None, (listed, unsaved)), default=None)
        due = self._next_due[seller]
        return due is not None and due <= to

    def must_be_saved(self, seller: str | None, to: datetime) -> bool:
        """Whether a deadline that falls by then must be in the ledger first."""
        unsaved = self._unsaved.get(seller)
        return unsaved is not None and unsaved <= to

    def due(self, batch: Batch, seller: str | None, to: datetime, most: int) -> list[Timer]:
        """The next slice of deadlines that the batch has not fired yet."""
        fired = {timer.key for timer in (*batch.fired, *batch.failed_timers)}
        found = self._ledger.due(seller, self._fired_to.get(seller), to, most)
        return [timer for timer in found if timer.key not in fired]

    def fired(self, seller: str | None, to: datetime) -> None:
        self._fired_to[seller] = to
        self._next_due = {}

    def sooner(self, seller: str, due: datetime, *, live: bool) -> None:
        """A new deadline may be the next to fall."""
        for clock in (seller, None) if live else (seller,):
            self._unsaved[clock] = min(due, self._unsaved.get(clock, due))
            known = self._next_due.get(clock)
            if clock in self._next_due and (known is None or due < known):
                self._next_due[clock] = due

    def committed(self) -> None:
        """The ledger no longer lists what was fired, and lists what was set."""
        self._fired_to = {}
        self._unsaved = {}
