"""One commit of an engine: what it has read of the ledger, and the batch that it adds to until it commits."""

from collections.abc import Callable
from typing import Final

from consumers.clocks import Clocks
from consumers.decision import Decision
from consumers.parking import Parking
from consumers.ports import Batch, Committed, Ledger
from consumers.state_cache import StateCache
from domain.deadlines import timers
from domain.seller import SellerOpened

IDLE: Final = 10_000
"""Offsets of nothing but idle ticks after which a commit notes all the same how far they were read: they need
not be read again at the next start, and are never deleted unread.
"""

OnCommit = Callable[[Batch, Committed], None]


class UnitOfWork:
    """Thrown away after a failed commit: then nothing that was remembered can be trusted."""

    def __init__(self, ledger: Ledger, cached: int, parked_per_seller: int, on_commit: OnCommit) -> None:
        self.ledger = ledger
        offset = ledger.next_offset()  # read first: if another writer moves on after it, the commit is stale
        self.batch = Batch(offset, offset)
        self.states = StateCache(ledger, cached)
        self.parking = Parking(ledger, parked_per_seller)
        self.clocks = Clocks(ledger)
        self._on_commit = on_commit

    def merge(self, decision: Decision) -> None:
        """What was decided becomes part of the batch."""
        seller_id = decision.seller_id
        self.states.merge(decision.states, seller_id, decision.sequence)
        self.batch.events += decision.events
        for decided in decision.events:
            for timer in timers(decided.stream, decided.event):
                self.batch.timers.append(timer)
                live = self.states.seller(seller_id).mode == "live"
                self.clocks.sooner(seller_id, timer.due, live=live)
            if isinstance(decided.event, SellerOpened):
                self.batch.live[seller_id] = decided.event.mode == "live"

    def commit(self) -> None:
        """Writes the batch and begins the next one; does nothing where there is nothing to write.

        Raises: Stale.
        """
        batch = self.batch
        if batch.is_empty and batch.next_offset - batch.from_offset < IDLE:
            return
        batch.sequences = dict(self.states.batch_sequences())
        batch.snapshots = self.states.snapshots()
        committed = self.ledger.commit(batch)
        self.states.committed()
        self._on_commit(batch, committed)
        self.parking.committed()
        self.clocks.committed()
        self.batch = Batch(batch.next_offset, batch.next_offset)
