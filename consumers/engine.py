"""The batch loop: read, look up, decide each message, commit once.

One message is one fact or one wish.  It succeeds with its whole cascade or not at all, and never costs the
others in its batch: refused, early, failed and unreadable ones get their outcome, the rest goes on.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from hashlib import sha256
from typing import Final

from consumers.collector import without_collector
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
FEW: Final = 8
"""Messages for which it does not pay to keep the collector away."""

Elsewhere = Callable[[str], str | None]
"""Why a seller's messages do not belong in this partition; none where they do."""


def _one_partition(_: str) -> None:
    return None


class Engine:
    """Decides the messages of one partition.  `on_commit` sees each batch once the ledger has it."""

    def __init__(  # noqa: PLR0913  all that an engine may be given, by name
        self,
        ledger: Ledger,
        *,
        on_commit: OnCommit | None = None,
        parked_per_seller: int = PARKED_PER_SELLER,
        elsewhere: Elsewhere = _one_partition,
        cached: int = CACHED_STREAMS,
        deciders: Deciders = DECIDERS,
    ) -> None:
        self._ledger = ledger
        self._on_commit = on_commit
        self._parked_per_seller = parked_per_seller
        self._elsewhere = elsewhere
        self._cached = cached
        self._deciders = deciders
        self.moved = Moved()
        self._forget()

    def _forget(self) -> None:
        """Everything remembered of the ledger is read again."""
        self._work = UnitOfWork(self._ledger, self._cached, self._parked_per_seller, self._committed)
        self._inbox = Inbox(self._ledger)
        self._decider = MessageDecider(self._work, self._inbox, self._deciders)
        self._releasing = Releasing(self._work, self._decider)
        self._ticks = Ticks(self._work, self._deciders)

    def _committed(self, batch: Batch, committed: Committed) -> None:
        self.moved.count(batch)
        if self._on_commit is not None:
            self._on_commit(batch, committed)

    @property
    def offset(self) -> int:
        """Of the message that it reads next."""
        return self._work.batch.next_offset

    def handle(
        self, raws: Sequence[bytes], refs: Sequence[RecordRef] | None = None, *, attempt: int = 1
    ) -> None:
        """Decides a batch of messages, at most `BATCH` of them, and commits them together.

        `refs`: their offsets rise; the engine counts where nobody else does.
        `attempt`: which one it is, if the ones before killed whoever made them.

        Raises: Stale, when another writer has moved the ledger on; nothing of the batch was kept.
        """
        self._ticks.attempt = attempt
        try:
            with without_collector() if len(raws) > FEW else nullcontext():
                self._releasing.resume()
                messages = [self._read(raw) for raw in raws]
                if inbound := [message for message in messages if isinstance(message, Inbound)]:
                    prefetch(self._inbox.look_up(inbound), self._work.states)
                stand = self._counted(raws) if refs is None else refs
                for raw, ref, message in zip(raws, stand, messages, strict=True):
                    self._handle(raw, ref, message)
                self._work.commit()
        except BaseException:
            self._forget()
            raise

    def _counted(self, raws: Sequence[bytes]) -> list[RecordRef]:
        return [RecordRef(offset, sha256(raw).hexdigest()) for offset, raw in enumerate(raws, self.offset)]

    def _read(self, raw: bytes) -> Inbound | Tick | Unreadable:
        try:
            message = read(raw, self._ledger.secret)
        except Unreadable as unreadable:
            return unreadable
        seller = message.sellerid if isinstance(message, Tick) else message.envelope.sellerid
        if seller is not None and (reason := self._elsewhere(seller)) is not None:
            return Unreadable("wrong_partition", field="sellerid", said=reason)
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
        """Each message gets exactly one."""
        batch = self._work.batch
        if isinstance(message, Unreadable):
            batch.dead_letters.append(raw[:MAX_BYTES])
            batch.outcomes.append(Outcome.unreadable(message))
        elif (repeat := self._inbox.repeat(message)) is not None:
            batch.outcomes.append(repeat)
        else:
            self._decider.decide_new(message)

    def rings(self, raw: bytes) -> bool:
        """Whether it is a tick by which a deadline falls, as the ledger stands."""
        tick = self._read(raw)
        return isinstance(tick, Tick) and self._ticks.rings(tick)

    # --- what an operator says -----------------------------------------------------------------------

    def dead_letter(self, raw: bytes, ref: RecordRef) -> None:
        """What has killed whoever decided on it is decided on by nobody.

        Raises: Stale.
        """
        reason = "whoever decided on it did not live to commit it"
        self._run(lambda: self._handle(raw, ref, Unreadable("kills_the_worker", said=reason)))

    def release(self, ref: StreamId) -> None:
        """Decide again what waits there."""
        self._run(lambda: self._releasing.release(ref))

    def drop(self, entry: Waiting) -> None:
        """This message shall not be decided on."""
        self._run(lambda: self._releasing.drop(entry))
        self._forget()

    def fire(self, timers: Sequence[Timer]) -> None:
        """Let these, which have failed, fall after all.  What fails again stays failed."""

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
