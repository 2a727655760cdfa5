"""The batch loop: read, look up, decide each message, commit once.

One message is one fact or one wish.  It succeeds with its whole cascade or not at all, and never costs the
others in its batch: refused, early, failed and unreadable ones get their outcome, the rest goes on.
"""

import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from hashlib import sha256
from typing import Final

import structlog

from consumers.clocks import SLICE, Clocks
from consumers.collector import without_collector
from consumers.envelope import MAX_BYTES, Inbound, Tick, Unreadable, read, read_kept
from consumers.outcomes import Moved, outcome_of
from consumers.parking import PARKED_PER_SELLER, Parking, opens
from consumers.ports import Batch, Carried, Committed, Ledger, Outcome, Place, State, Waiting
from consumers.world import CACHED_STREAMS, Decision, World, skus_of
from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from domain.deadlines import Timer, due_step, timers
from domain.decider import Told
from domain.errors import Refused, TooEarly
from domain.order.place import AmendOrder, PlaceOrder
from domain.seller import OpenSeller, Seller, SellerOpened
from domain.streams import StreamId, seller_stream, stock_stream

BATCH: Final = 500
FEW: Final = 8
"""Messages for which it does not pay to keep the collector away."""
ALONE, GIVEN_UP = 3, 4
"""The attempt from which on deadlines are committed one by one, and that which gives the first of them up."""
IDLE: Final = 10_000
"""Offsets of nothing but idle ticks after which a commit notes all the same how far they were read: they need
not be read again at the next start, and are never deleted unread.
"""

log = structlog.get_logger()


Committing = Callable[[Batch, Committed], None]
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
        on_commit: Committing | None = None,
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
        self._world = World(self._ledger, self._cached)
        self._offset = self._ledger.next_offset()
        self._parking = Parking(self._ledger, self._parked_per_seller)
        self._retry = self._parking.places("parked")
        self._clocks = Clocks(self._ledger)
        self._seen: dict[bytes, bytes] = {}
        self._freed: list[StreamId] = []
        self._attempt = 1
        self._released: set[StreamId] = set()
        """Where some wait no longer since this batch began, though the ledger still lists them."""
        self._batch = Batch(self._offset, self._offset)

    @property
    def offset(self) -> int:
        """Of the message that it reads next."""
        return self._batch.next_offset

    def handle(
        self, raws: Sequence[bytes], places: Sequence[Place] | None = None, *, attempt: int = 1
    ) -> None:
        """Decides a batch of messages, at most `BATCH` of them, and commits them together.

        `places`: their offsets rise; the engine counts where nobody else does.
        `attempt`: which one it is, if the ones before killed whoever made them.

        Raises: Stale, when another writer has moved the ledger on; nothing of the batch was kept.
        """
        self._attempt = attempt
        try:
            with without_collector() if len(raws) > FEW else nullcontext():
                self._go_on()
                messages = [self._read(raw) for raw in raws]
                if inbound := [message for message in messages if isinstance(message, Inbound)]:
                    self._look_up(inbound)
                stand = self._counted(raws) if places is None else places
                for raw, place, message in zip(raws, stand, messages, strict=True):
                    self._handle(raw, place, message)
                self._commit()
        except BaseException:
            self._forget()
            raise

    def _counted(self, raws: Sequence[bytes]) -> list[Place]:
        return [Place(offset, sha256(raw).hexdigest()) for offset, raw in enumerate(raws, self.offset)]

    def rings(self, raw: bytes) -> bool:
        """Whether it is a tick by which a deadline falls, as the ledger stands."""
        tick = self._read(raw)
        if not isinstance(tick, Tick) or not self._clocks.would_move(tick.sellerid, tick.data.to):
            return False
        return self._clocks.rings(tick.sellerid, tick.data.to)

    def set_aside(self, raw: bytes, place: Place) -> None:
        """What has killed whoever decided on it is decided on by nobody.

        Raises: Stale.
        """
        said = "whoever decided on it did not live to commit it"
        self._run(lambda: self._handle(raw, place, Unreadable("kills_the_worker", said=said)))

    def _go_on(self) -> None:
        """What a crash left between the message that was waited for and those that waited."""
        if self._retry:
            places, self._retry = self._retry, ()
            self._world.prefetch(places)
            self._freed += [place for place in places if self._world.get(place).version]
            self._drain()
            self._commit()

    def _read(self, raw: bytes) -> Inbound | Tick | Unreadable:
        try:
            message = read(raw, self._ledger.secret)
        except Unreadable as unreadable:
            return unreadable
        seller = message.sellerid if isinstance(message, Tick) else message.envelope.sellerid
        if seller is not None and (said := self._elsewhere(seller)) is not None:
            return Unreadable("wrong_partition", field="sellerid", said=said)
        return message

    def _look_up(self, messages: Sequence[Inbound]) -> None:
        """Two queries for the whole batch: what the messages name, and what those orders hold."""
        self._seen = dict(self._ledger.known([message.key for message in messages]))
        fresh = [message for message in messages if message.key not in self._seen]
        sellers = {message.envelope.sellerid for message in fresh}
        direct = {message.command.stream(message.envelope.sellerid) for message in fresh}
        lines = {
            stock_stream(message.envelope.sellerid, line.sku)
            for message in fresh
            if isinstance(message.command, PlaceOrder | AmendOrder)
            for line in message.command.lines
        }
        self._world.prefetch_sequences(sellers)
        self._world.prefetch(direct | lines | {seller_stream(seller) for seller in sellers})
        stocks: set[StreamId] = set()
        for stream in direct:
            if stream.kind == "order":
                stocks.update(skus_of(self._world.get(stream).state, stream.seller))
        self._world.prefetch(stocks)

    def _handle(self, raw: bytes, place: Place, message: Inbound | Tick | Unreadable) -> None:
        self._batch.next_offset = place.offset + 1
        if isinstance(message, Tick):
            self._tick(message)
        else:
            self._give_outcome(raw, message)
            self._batch.outcomes[-1] = self._batch.outcomes[-1]._replace(place=place)
        self._drain()

    def _give_outcome(self, raw: bytes, message: Inbound | Unreadable) -> None:
        """Each message gets exactly one."""
        if isinstance(message, Unreadable):
            self._batch.set_aside.append(raw[:MAX_BYTES])
            self._batch.outcomes.append(
                Outcome("set_aside", None, None, None, None, None, message.rule, message.data)
            )
        elif (known := self._seen.get(message.key)) is not None:
            same = known == message.digest
            self._batch.outcomes.append(outcome_of(message, "duplicate" if same else "conflict", None))
        else:
            self._decide_new(message)

    def _know(self, message: Inbound) -> None:
        self._seen[message.key] = message.digest
        self._batch.inbox.append((message.key, message.digest))
        self._batch.kept.append(message.kept)
        self._batch.vaulted += message.vaulted

    def _decide_new(self, message: Inbound) -> None:
        place, opens = message.command.stream(message.envelope.sellerid), message.command.opens
        blocked = self._parking.state_at(place)
        waits_behind = blocked is not None and not (opens and blocked == "parked")
        needs_its_stream = not opens and place.kind in {"order", "return"}
        would_wait = waits_behind or (needs_its_stream and not self._world.get(place).version)
        if would_wait and (limit := self._parking.refusal(message.envelope.sellerid)) is not None:
            refused = outcome_of(message, "refused", None, "too_many_parked", limit, retryable=True)
            self._batch.outcomes.append(refused)  # not remembered: it may be sent again
            return
        self._know(message)
        if waits_behind:
            self._parking.behind(self._batch, message, place)
        else:
            self._decide(message, place, None)

    def _decide(self, message: Inbound, place: StreamId, entry: Waiting | None) -> bool:
        """Decides one message; whether it is done with (and not waiting)."""
        envelope = message.envelope
        was = entry.state if entry else None
        correlation = f"{envelope.source} {envelope.id}"
        carried = Carried(correlation, envelope.part, envelope.of, envelope.traceparent)
        seller: Seller = self._world.get(seller_stream(envelope.sellerid)).state
        told = Told(
            at=envelope.time,
            by=envelope.actor or envelope.source,
            zone=seller.zone,
            policies=seller.policies,
            reported_at=envelope.reportedat,
            inferred=envelope.inferred,
        )
        decision = Decision(self._world, envelope.sellerid, told, carried, self._deciders)
        try:
            if not seller.opened and not isinstance(message.command, OpenSeller):
                # the defaults take effect at his first message, by an event in his own stream
                decision.decide(seller_stream(envelope.sellerid), OpenSeller())
            decision.decide(place, message.command)
        except Refused as no:
            data = {**no.data, "said": str(no)}
            refused = outcome_of(message, "refused", was, no.rule, data, retryable=no.retryable)
            self._batch.outcomes.append(refused)
            return True
        except TooEarly as early:
            waits = f"waits for {early.waits_for}"
            self._parking.park(self._batch, message, place, state="parked", reason=waits, entry=entry)
            return False
        except Exception as bug:  # any exception that is not a refusal undoes this message alone
            log.exception("message_failed", stream=place, command=envelope.type, correlation=correlation)
            trace = "".join(traceback.format_exception(bug, limit=-5))[-2_000:]
            self._parking.park(self._batch, message, place, state="failed", reason=trace, entry=entry)
            return False
        self._accept(message, decision, was)
        return True

    def _accept(self, message: Inbound, decision: Decision, was: State | None) -> None:
        first = len(self._batch.events)
        self._merge(decision)
        caused = first, len(self._batch.events)
        self._batch.outcomes.append(outcome_of(message, "accepted", was, events=caused))
        freed = message.command.frees(message.envelope.sellerid)
        if freed is not None and self._parking.state_at(freed) == "parked":
            self._freed.append(freed)

    def _merge(self, decision: Decision) -> None:
        self._world.merge(decision)
        batch = self._batch
        batch.events += decision.events
        for decided in decision.events:
            for timer in timers(decided.stream, decided.event):
                batch.timers.append(timer)
                live = self._world.get(seller_stream(decision.seller_id)).state.mode == "live"
                self._clocks.sooner(decision.seller_id, timer.due, live=live)
            if isinstance(decided.event, SellerOpened):
                batch.live[decision.seller_id] = decided.event.mode == "live"

    # --- waiting -------------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Tries again what waited for what has just become known, in the order in which it came."""
        while self._freed:
            place = self._freed.pop(0)
            if self._batch.parked or place in self._released:
                self._commit()  # the ledger must list who waits there now
            self._release(place)

    def _release(self, place: StreamId) -> None:
        while True:
            self._released.add(place)
            waiting = self._ledger.waiting(place, SLICE)
            if not all(self._decide_again(entry) for entry in waiting):
                self._open(place)
                return
            if len(waiting) < SLICE:
                self._parking.unblock(place)
                return
            self._commit()

    def _decide_again(self, entry: Waiting) -> bool:
        """Whether it waits no longer."""
        message = read_kept(entry.kept, entry.key, entry.digest)
        self._parking.unblock(entry.waits_at)
        done = self._decide(message, entry.waits_at, entry)
        if done:
            self._batch.unparked.append(entry.number)
        return done

    def _open(self, place: StreamId) -> None:
        """What those before it wait for need not wait its turn: once it is accepted, they are tried again."""
        if self._parking.state_at(place) != "parked":
            return
        done = set(self._batch.unparked)
        for entry in self._ledger.waiting(place, PARKED_PER_SELLER):
            if entry.number not in done and opens(entry.kept):
                message = read_kept(entry.kept, entry.key, entry.digest)
                if self._decide(message, place, entry):
                    self._batch.unparked.append(entry.number)

    def release(self, place: StreamId) -> None:
        """An operator says: decide again what waits there."""
        self._run(lambda: self._release(place))

    def drop(self, entry: Waiting) -> None:
        """An operator says: this message shall not be decided on."""

        def dropping() -> None:
            message = read_kept(entry.kept, entry.key, entry.digest)
            self._batch.outcomes.append(outcome_of(message, "dropped", entry.state, "dropped_by_operator"))
            self._batch.unparked.append(entry.number)

        self._run(dropping)
        self._forget()

    def fire(self, timers: Sequence[Timer]) -> None:
        """An operator says: let these, which have failed, fall after all.  What fails again stays failed."""

        def firing() -> None:
            for timer in timers:
                self._fire(timer)

        self._run(firing)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._drain()
            self._commit()
        except BaseException:
            self._forget()
            raise

    # --- time ----------------------------------------------------------------------------------------

    def _tick(self, tick: Tick) -> None:
        """At most a slice to a commit; the tick's own offset, and its clock, move with the last."""
        seller, to = tick.sellerid, tick.data.to
        if not self._clocks.would_move(seller, to):
            return
        if self._clocks.rings(seller, to):
            self._batch.next_offset -= 1
            most = SLICE if self._attempt < ALONE else 1
            while timers_due := self._due(seller, to, most):
                self._world.prefetch(timer.stream for timer in timers_due)
                for timer in timers_due:
                    self._fire(timer)
                if len(timers_due) < most:
                    break
                self._commit()
            self._batch.next_offset += 1
            self._clocks.fired(seller, to)
        self._clocks.move(self._batch, seller, to)

    def _due(self, seller: str | None, to: datetime, most: int) -> list[Timer]:
        """Deadlines not yet fired; those that this batch has set must be in the ledger first."""
        if self._clocks.must_be_saved(seller, to):
            self._commit()
        return self._clocks.due(self._batch, seller, to, most)

    def _fire(self, timer: Timer) -> None:
        if self._attempt >= GIVEN_UP:
            log.error("timer_given_up", stream=timer.stream)
            self._batch.failed_timers.append(timer)
            self._attempt = ALONE  # the next was not tried yet
            return
        seller_id = timer.stream.seller
        seller: Seller = self._world.get(seller_stream(seller_id)).state
        told = Told(timer.due, "clock", seller.zone, seller.policies)
        decision = Decision(self._world, seller_id, told, Carried(f"clock {timer.key}"), self._deciders)
        try:
            decision.decide(timer.stream, due_step(timer))
        except Exception:  # a deadline that fails must not stop the others
            log.exception("timer_failed", stream=timer.stream)
            self._batch.failed_timers.append(timer)
            return
        self._merge(decision)
        self._batch.fired.append(timer)

    # --- commit --------------------------------------------------------------------------------------

    def _commit(self) -> None:
        batch = self._batch
        if batch.is_empty and batch.next_offset - batch.from_offset < IDLE:
            return
        batch.sequences = dict(self._world.batch_sequences())
        batch.snapshots = self._world.snapshots()
        committed = self._ledger.commit(batch)
        self._world.committed()
        self._offset = batch.next_offset
        self.moved.count(batch)
        if self._on_commit is not None:
            self._on_commit(batch, committed)
        self._released = set()
        self._parking.committed()
        self._clocks.committed()
        self._batch = Batch(self._offset, self._offset)
