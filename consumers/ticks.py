"""Handles ticks: each fires the deadlines that have become due, one slice per commit."""

from datetime import datetime

import structlog

from consumers.clocks import SLICE
from consumers.decision import Decision
from consumers.envelope import Tick
from consumers.ports import Carried
from consumers.unit_of_work import UnitOfWork
from domain.cascade import Deciders
from domain.deadlines import Timer, due_step
from domain.decider import MessageContext

ALONE, GIVEN_UP = 3, 4
"""From attempt `ALONE` on, each deadline is committed alone; at `GIVEN_UP` the first of them fails."""

log = structlog.get_logger()


class Ticks:
    """Fires deadlines.  `attempt`: 1, and one more for each earlier attempt that killed the process."""

    def __init__(self, work: UnitOfWork, deciders: Deciders) -> None:
        self._work = work
        self._deciders = deciders
        self.attempt = 1

    def has_due_deadline(self, tick: Tick) -> bool:
        """Whether a deadline is due at this tick."""
        clocks, seller, to = self._work.clocks, tick.sellerid, tick.data.to
        return clocks.would_move(seller, to) and clocks.has_due_deadline(seller, to)

    def handle(self, tick: Tick) -> None:
        """Fires the due deadlines, at most a slice per commit.

        The last of these commits moves the offset past the tick and sets the clock.
        """
        clocks, seller, to = self._work.clocks, tick.sellerid, tick.data.to
        if not clocks.would_move(seller, to):
            return
        if clocks.has_due_deadline(seller, to):
            self._work.batch.next_offset -= 1
            self._fire_all(seller, to)
            self._work.batch.next_offset += 1
            clocks.fired(seller, to)
        clocks.move(self._work.batch, seller, to)

    def _fire_all(self, seller: str | None, to: datetime) -> None:
        limit = SLICE if self.attempt < ALONE else 1
        while due := self._due(seller, to, limit):
            self._work.states.prefetch(timer.stream for timer in due)
            for timer in due:
                self.fire(timer)
            if len(due) < limit:
                return
            self._work.commit()

    def _due(self, seller: str | None, to: datetime, limit: int) -> list[Timer]:
        """Due timers that are not yet fired.  Timers that this batch has set must be in the ledger first."""
        if self._work.clocks.must_be_saved(seller, to):
            self._work.commit()
        return self._work.clocks.due(self._work.batch, seller, to, limit)

    def fire(self, timer: Timer) -> None:
        """Runs a timer's command on its stream.  A timer that fails does not stop the others."""
        batch = self._work.batch
        if self.attempt >= GIVEN_UP:
            log.error("timer_given_up", stream=timer.stream)
            batch.failed_timers.append(timer)
            self.attempt = ALONE  # the next was not tried yet
            return
        decision = self._decision(timer)
        try:
            decision.decide(timer.stream, due_step(timer))
        except Exception:
            log.exception("timer_failed", stream=timer.stream)
            batch.failed_timers.append(timer)
            return
        self._work.merge(decision)
        batch.fired.append(timer)

    def _decision(self, timer: Timer) -> Decision:
        seller_id = timer.stream.seller
        seller = self._work.states.seller(seller_id)
        context = MessageContext(timer.due, "clock", seller.zone, seller.policies)
        carried = Carried(f"clock {timer.key}")
        return Decision(self._work.states, seller_id, context, carried, self._deciders)
