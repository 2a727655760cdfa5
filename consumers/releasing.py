"""Messages that waited are decided again: once what they waited for is known, or an operator says so."""

from consumers.clocks import SLICE
from consumers.deciding import MessageDecider
from consumers.envelope import read_body
from consumers.parking import PARKED_PER_SELLER, opens
from consumers.ports import Outcome, Waiting
from consumers.unit_of_work import UnitOfWork
from domain.streams import StreamId


class Releasing:
    """Releases in the order of coming, at most a slice to a commit."""

    def __init__(self, work: UnitOfWork, decider: MessageDecider) -> None:
        self._work = work
        self._decider = decider
        self._left_over = work.parking.blocked_streams("parked")

    def resume(self) -> None:
        """Goes on where a crash came between the message that was waited for and those that waited."""
        if self._left_over:
            blocked_streams, self._left_over = self._left_over, ()
            states = self._work.states
            states.prefetch(blocked_streams)
            for stream in blocked_streams:
                if states.get(stream).version:
                    self._work.parking.free(stream)
            self.drain()
            self._work.commit()

    def drain(self) -> None:
        """Tries again what waited for what has just become known."""
        parking = self._work.parking
        while parking.freed:
            stream = parking.freed.pop(0)
            if self._work.batch.parked or stream in parking.released:
                self._work.commit()  # the ledger must list who waits there now
            self.release(stream)

    def release(self, stream: StreamId) -> None:
        """Decides again what waits there."""
        parking = self._work.parking
        while True:
            parking.released.add(stream)
            waiting = self._work.ledger.waiting(stream, SLICE)
            if not all(self._decide_again(entry) for entry in waiting):
                self._open(stream)
                return
            if len(waiting) < SLICE:
                parking.unblock(stream)
                return
            self._work.commit()

    def _decide_again(self, entry: Waiting) -> bool:
        """Whether it waits no longer."""
        self._work.parking.unblock(entry.waits_at)
        return self._decide(entry)

    def _open(self, stream: StreamId) -> None:
        """What those before it wait for need not wait its turn: once it is accepted, they are tried again."""
        if self._work.parking.state_at(stream) != "parked":
            return
        done = set(self._work.batch.unparked)
        for entry in self._work.ledger.waiting(stream, PARKED_PER_SELLER):
            if entry.number not in done and opens(entry.body):
                self._decide(entry)

    def _decide(self, entry: Waiting) -> bool:
        message = read_body(entry.body, entry.key, entry.digest)
        done = self._decider.decide(message, entry.waits_at, entry)
        if done:
            self._work.batch.unparked.append(entry.number)
        return done

    def drop(self, entry: Waiting) -> None:
        """The message shall not be decided on."""
        message = read_body(entry.body, entry.key, entry.digest)
        batch = self._work.batch
        batch.outcomes.append(Outcome.of(message, "dropped", entry.state, "dropped_by_operator"))
        batch.unparked.append(entry.number)
