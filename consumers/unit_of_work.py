"""The engine's unit of work: the data cached from the ledger, and the batch collected until the commit."""

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
"""After this many offsets without any effect, the offset is committed all the same.

So a restart does not read these idle ticks again, and Kafka's retention never deletes them unread.
"""

OnCommit = Callable[[Batch, Committed], None]


class UnitOfWork:
    """The caches and the batch of an engine.

    After a failed commit it is thrown away: its caches may be wrong.
    """

    def __init__(self, ledger: Ledger, cached: int, parked_per_seller: int, on_commit: OnCommit) -> None:
        self.ledger = ledger
        offset = ledger.next_offset()  # read first: if another writer commits after this, our commit is stale
        self.batch = Batch(offset, offset)
        self.states = StateCache(ledger, cached)
        self.parking = Parking(ledger, parked_per_seller)
        self.clocks = Clocks(ledger)
        self._on_commit = on_commit

    def merge(self, decision: Decision) -> None:
        """Adds a decision to the batch."""
        seller_id = decision.seller_id
        self.states.merge(decision.states, seller_id, decision.sequence)
        self.batch.events += decision.events
        for decided in decision.events:
            for timer in timers(decided.stream, decided.event):
                self.batch.timers.append(timer)
                live = self.states.seller(seller_id).mode == "live"
                self.clocks.add_deadline(seller_id, timer.due, live=live)
            if isinstance(decided.event, SellerOpened):
                self.batch.live[seller_id] = decided.event.mode == "live"

    def commit(self) -> None:
        """Commits the batch and begins the next one; does nothing if there is nothing to write.

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
