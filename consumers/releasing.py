"""Decides parked and failed messages again.

Parked ones when the order or return that they need becomes known; any when an operator releases them.
"""

from consumers.clocks import SLICE
from consumers.deciding import MessageDecider
from consumers.envelope import read_body
from consumers.parking import PARKED_PER_SELLER, opens
from consumers.ports import Outcome, Waiting
from consumers.unit_of_work import UnitOfWork
from domain.streams import StreamId


class Releasing:
    """Releases waiting messages in the order of their arrival, at most a slice of them per commit."""

    def __init__(self, work: UnitOfWork, decider: MessageDecider) -> None:
        self._work = work
        self._decider = decider
        self._blocked_at_start = work.parking.blocked_streams("parked")

    def resume(self) -> None:
        """Releases messages that a crash left waiting although their subject was already committed."""
        if self._blocked_at_start:
            blocked_streams, self._blocked_at_start = self._blocked_at_start, ()
            states = self._work.states
            states.prefetch(blocked_streams)
            for stream in blocked_streams:
                if states.get(stream).version:
                    self._work.parking.free(stream)
            self.drain()
            self._work.commit()

    def drain(self) -> None:
        """Decides the messages again whose subject has just become known."""
        parking = self._work.parking
        while parking.freed:
            stream = parking.freed.pop(0)
            if self._work.batch.parked or stream in parking.released:
                self._work.commit()  # the ledger must first list the messages that wait there now
            self.release(stream)

    def release(self, stream: StreamId) -> None:
        """Decides the messages again that wait at this stream."""
        parking = self._work.parking
        while True:
            parking.released.add(stream)
            waiting = self._work.ledger.waiting(stream, SLICE)
            if not all(self._decide_again(entry) for entry in waiting):
                self._decide_openers(stream)
                return
            if len(waiting) < SLICE:
                parking.unblock(stream)
                return
            self._work.commit()

    def _decide_again(self, entry: Waiting) -> bool:
        """Decides a waiting message again; whether it waits no longer."""
        self._work.parking.unblock(entry.waits_at)
        return self._decide(entry)

    def _decide_openers(self, stream: StreamId) -> None:
        """Decides a waiting opener before its turn, because the messages before it wait for its stream."""
        if self._work.parking.state_at(stream) != "parked":
            return
        done = set(self._work.batch.unparked)
        for entry in self._work.ledger.waiting(stream, PARKED_PER_SELLER):
            if entry.number not in done and opens(entry.body):
                self._decide(entry)

    def _decide(self, entry: Waiting) -> bool:
        """Whether it no longer waits there: it may wait at another return with the same id."""
        message = read_body(entry.body, entry.key, entry.digest)
        stream = self._decider.home(message)
        done = self._decider.decide(message, stream, entry)
        if done:
            self._work.batch.unparked.append(entry.number)
        return done or stream != entry.waits_at

    def drop(self, entry: Waiting) -> None:
        """Drops a waiting message: it is never decided."""
        message = read_body(entry.body, entry.key, entry.digest)
        batch = self._work.batch
        batch.outcomes.append(Outcome.of(message, "dropped", entry.state, "dropped_by_operator"))
        batch.unparked.append(entry.number)
