"""Processes a batch of messages: parse, deduplicate, decide each message, commit once.

A message is a fact or a request.  It succeeds with its whole cascade of commands or not at all.  A message
that is refused, too early, failed or unreadable gets its outcome; the other messages of the batch go on.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from hashlib import sha256
from typing import Final

from consumers.collector import without_collector
from consumers.credible import Now
from consumers.deciding import MessageDecider
from consumers.envelope import MAX_BYTES, Inbound, Tick, Unreadable, read
from consumers.inbox import Inbox
from consumers.outcomes import Moved
from consumers.parking import PARKED_PER_SELLER
from consumers.ports import Batch, Committed, Ledger, Outcome, RecordRef, Waiting
from consumers.prefetching import prefetch
from consumers.releasing import Releasing
from consumers.state_cache import CACHED_STREAMS
from consumers.ticks import Ticks
from consumers.unit_of_work import OnCommit, UnitOfWork
from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from domain.deadlines import Timer
from domain.streams import StreamId

BATCH: Final = 500
SMALL_BATCH: Final = 8
"""Up to this many messages the garbage collector stays on: switching it off would cost more than it saves."""

PartitionCheck = Callable[[str], str | None]
"""Takes a seller and returns the reason why its messages do not belong in this partition, or None."""


def _any_partition(_: str) -> None:
    return None


class Engine:
    """Decides the messages of one partition.  It calls `on_commit` with each batch after its commit."""

    def __init__(  # noqa: PLR0913  every option of an engine, by name
        self,
        ledger: Ledger,
        *,
        on_commit: OnCommit | None = None,
        parked_per_seller: int = PARKED_PER_SELLER,
        check_partition: PartitionCheck = _any_partition,
        cached: int = CACHED_STREAMS,
        deciders: Deciders = DECIDERS,
        now: Now | None = None,
    ) -> None:
        """`now`: the clock by which a claim lies in the future; without it, every claim is believed."""
        self._ledger = ledger
        self._now = now
        self._on_commit = on_commit
        self._parked_per_seller = parked_per_seller
        self._check_partition = check_partition
        self._cached = cached
        self._deciders = deciders
        self.moved = Moved()
        self._forget()

    def _forget(self) -> None:
        """Drops everything cached from the ledger, so that it is read again."""
        self._work = UnitOfWork(self._ledger, self._cached, self._parked_per_seller, self._committed)
        self._inbox = Inbox(self._ledger)
        self._decider = MessageDecider(self._work, self._inbox, self._deciders, self._now)
        self._releasing = Releasing(self._work, self._decider)
        self._ticks = Ticks(self._work, self._deciders)

    def _committed(self, batch: Batch, committed: Committed) -> None:
        self.moved.count(batch)
        if self._on_commit is not None:
            self._on_commit(batch, committed)

    @property
    def offset(self) -> int:
        """The offset of the message to read next."""
        return self._work.batch.next_offset

    def handle(
        self, raws: Sequence[bytes], refs: Sequence[RecordRef] | None = None, *, attempt: int = 1
    ) -> None:
        """Decides a batch of at most `BATCH` messages and commits them together.

        `refs`: the record of each message, by rising offset.  Without it the engine counts the offsets
        itself.  `attempt`: 1, and one more for each earlier attempt at this batch that killed the process.

        Raises: Stale, when another writer has committed to the ledger meanwhile; nothing of the batch is
        kept.
        """
        self._ticks.attempt = attempt
        try:
            with without_collector() if len(raws) > SMALL_BATCH else nullcontext():
                self._releasing.resume()
                messages = [self._read(raw) for raw in raws]
                if inbound := [message for message in messages if isinstance(message, Inbound)]:
                    prefetch(self._inbox.look_up(inbound), self._work.states)
                record_refs = self._own_refs(raws) if refs is None else refs
                for raw, ref, message in zip(raws, record_refs, messages, strict=True):
                    self._handle(raw, ref, message)
                self._work.commit()
        except BaseException:
            self._forget()
            raise

    def _own_refs(self, raws: Sequence[bytes]) -> list[RecordRef]:
        return [RecordRef(offset, sha256(raw).hexdigest()) for offset, raw in enumerate(raws, self.offset)]

    def _read(self, raw: bytes) -> Inbound | Tick | Unreadable:
        try:
            message = read(raw, self._ledger.secret)
        except Unreadable as unreadable:
            return unreadable
        seller = message.sellerid if isinstance(message, Tick) else message.envelope.sellerid
        if seller is not None and (reason := self._check_partition(seller)) is not None:
            return Unreadable("wrong_partition", field="sellerid", reason=reason)
        return message

    def _handle(self, raw: bytes, ref: RecordRef, message: Inbound | Tick | Unreadable) -> None:
        self._work.batch.next_offset = ref.offset + 1
        if isinstance(message, Tick):
            self._ticks.handle(message)
        else:
            self._give_outcome(raw, message)
            outcomes = self._work.batch.outcomes
            outcomes[-1] = outcomes[-1]._replace(record_ref=ref)
        self._releasing.drain()

    def _give_outcome(self, raw: bytes, message: Inbound | Unreadable) -> None:
        """Adds the one outcome of the message to the batch."""
        batch = self._work.batch
        if isinstance(message, Unreadable):
            batch.dead_letters.append(raw[:MAX_BYTES])
            batch.outcomes.append(Outcome.unreadable(message))
        elif (repeat := self._inbox.repeat(message)) is not None:
            batch.outcomes.append(repeat)
        else:
            self._decider.decide_new(message)

    def has_due_deadline(self, raw: bytes) -> bool:
        """Whether the message is a tick at which a deadline of the ledger is due."""
        tick = self._read(raw)
        return isinstance(tick, Tick) and self._ticks.has_due_deadline(tick)

    # --- commands of an operator ---------------------------------------------------------------------

    def dead_letter(self, raw: bytes, ref: RecordRef) -> None:
        """Sets a message aside undecided, because deciding it killed the worker.

        Raises: Stale.
        """
        reason = "whoever decided on it did not live to commit it"
        self._run(lambda: self._handle(raw, ref, Unreadable("kills_the_worker", reason=reason)))

    def release(self, ref: StreamId) -> None:
        """Decides the messages again that wait at this stream."""
        self._run(lambda: self._releasing.release(ref))

    def drop(self, entry: Waiting) -> None:
        """Drops a waiting message: it is never decided."""
        self._run(lambda: self._releasing.drop(entry))
        self._forget()

    def fire(self, timers: Sequence[Timer]) -> None:
        """Fires failed timers again.  One that fails again stays failed."""

        def firing() -> None:
            for timer in timers:
                self._ticks.fire(timer)

        self._run(firing)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._releasing.drain()
            self._work.commit()
        except BaseException:
            self._forget()
            raise
