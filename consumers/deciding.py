"""Decides a message: it is accepted, refused by a rule, parked as too early, or failed because of a bug."""

import traceback

import structlog

from consumers.credible import CredibleTimes, Now
from consumers.decision import Decision
from consumers.envelope import Envelope, Inbound
from consumers.inbox import Inbox
from consumers.ports import Carried, Outcome, State, Waiting
from consumers.unit_of_work import UnitOfWork
from domain.cascade import Deciders
from domain.decider import MessageContext
from domain.errors import Refused, TooEarly
from domain.future_claim import FlagFutureClaim
from domain.seller import OpenSeller, Seller
from domain.streams import StreamId, seller_stream

log = structlog.get_logger()


class MessageDecider:
    """Decides one message at a time and adds its outcome to the batch."""

    def __init__(self, work: UnitOfWork, inbox: Inbox, deciders: Deciders, now: Now | None = None) -> None:
        self._work = work
        self._inbox = inbox
        self._deciders = deciders
        self._times = CredibleTimes(work.clocks, now)

    def decide_new(self, message: Inbound) -> None:
        """Decides a message that the inbox does not know, or parks it behind messages that already wait."""
        work, parking = self._work, self._work.parking
        stream, opens = self.home(message), message.command.opens
        blocked = parking.state_at(stream)
        waits_behind = blocked is not None and not (opens and blocked == "parked")
        needs_its_stream = not opens and stream.kind in {"order", "return"}
        would_wait = waits_behind or (needs_its_stream and not work.states.get(stream).version)
        if would_wait and (limit := parking.refusal(message.envelope.sellerid)) is not None:
            refused = Outcome.of(message, "refused", rule="too_many_parked", data=limit, retryable=True)
            work.batch.outcomes.append(refused)  # not remembered: it may be sent again
            return
        self._inbox.remember(message, work.batch)
        if waits_behind:
            parking.park_behind(work.batch, message, stream)
        else:
            self.decide(message, stream)

    def home(self, message: Inbound) -> StreamId:
        """The stream that handles the message, as far as is known now."""
        stream, envelope = message.command.stream(message.envelope.sellerid), message.envelope
        decider = self._deciders[stream.kind]
        if decider.home is None:
            return stream
        state = self._work.states.get(stream).state
        return decider.home(stream, state, message.command, _by(envelope))

    def decide(self, message: Inbound, stream: StreamId, entry: Waiting | None = None) -> bool:
        """Decides a message; `entry` is given if the message was parked before.

        Returns whether it was accepted or refused, so that it waits no longer.
        """
        batch, parking = self._work.batch, self._work.parking
        was = entry.state if entry else None
        seller = self._work.states.seller(message.envelope.sellerid)
        decision = self._decision(message.envelope, seller)
        try:
            if not seller.opened and not isinstance(message.command, OpenSeller):
                # a seller's first message opens it with the defaults, by an event in its own stream
                decision.decide(seller_stream(decision.seller_id), OpenSeller())
            decision.decide(stream, message.command)
            if decision.at != message.envelope.time and decision.events and stream.kind != "seller":
                decision.decide(stream, FlagFutureClaim(message.envelope.time))
        except Refused as refused:
            data = {**refused.data, "said": str(refused)}
            batch.outcomes.append(
                Outcome.of(message, "refused", was, refused.rule, data, retryable=refused.retryable)
            )
            return True
        except TooEarly as too_early:
            waits = f"waits for {too_early.waits_for}"
            parking.park(batch, message, stream, state="parked", reason=waits, entry=entry)
            return False
        except Exception as error:  # any exception that is not a refusal undoes this message alone
            envelope = message.envelope
            correlation = f"{envelope.source} {envelope.id}"
            log.exception("message_failed", stream=stream, command=envelope.type, correlation=correlation)
            trace_text = "".join(traceback.format_exception(error, limit=-5))[-2_000:]
            parking.park(batch, message, stream, state="failed", reason=trace_text, entry=entry)
            return False
        self._accept(message, decision, was, stream)
        return True

    def _decision(self, envelope: Envelope, seller: Seller) -> Decision:
        context = MessageContext(
            at=self._times.of(envelope),
            by=_by(envelope),
            zone=seller.zone,
            policies=seller.policies,
            reported_at=self._times.reported(envelope),
            inferred=envelope.inferred,
        )
        correlation = f"{envelope.source} {envelope.id}"
        carried = Carried(correlation, envelope.part, envelope.of, envelope.traceparent)
        return Decision(self._work.states, envelope.sellerid, context, carried, self._deciders)

    def _accept(self, message: Inbound, decision: Decision, was: State | None, stream: StreamId) -> None:
        batch = self._work.batch
        first = len(batch.events)
        unopened = [
            to for to in decision.states if to.kind == "return" and not self._work.states.get(to).version
        ]
        self._work.merge(decision)
        caused = first, len(batch.events)
        batch.outcomes.append(Outcome.of(message, "accepted", was, events=caused))
        opened = [stream] if message.command.opens else []
        for freed in dict.fromkeys((*opened, *unopened)):
            self._work.parking.free(freed)


def _by(envelope: Envelope) -> str:
    return envelope.actor or envelope.source
