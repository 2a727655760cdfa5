"""Rules for opening and recording a return, and for approving, rejecting and withdrawing it."""

from typing import ClassVar, Literal, NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.policies.return_policy import ReturnPolicy
from domain.returns.state import (
    CLOSED,
    LineCounts,
    NotInState,
    OrderReturnCommand,
    Piece,
    Return,
    ReturnCommand,
    closed,
    discrepancies,
    further,
)
from domain.values import InputCurrency, InputPieces, InputPrice, LongText, Text

rules = Rules[Return]()


class DecideReturn(OrderReturnCommand):
    """Wish: approve or reject the return."""

    is_wish: ClassVar[bool] = True

    approve: bool
    reason: LongText | None = None


class RecordReturnDecision(OrderReturnCommand):
    """Fact: the channel approved or rejected the return by itself, or the buyer withdrew it."""

    decision: Literal["approved", "rejected", "withdrawn"]
    reason: LongText | None = None


class RecordReturn(ReturnCommand):
    """Fact: pieces were returned whose order is not in the ledger.  Only imports send it."""

    opens: ClassVar[bool] = True

    channel: Text
    sku: Text
    pieces: InputPieces
    unit_price: InputPrice = "0"
    currency: InputCurrency
    reference: Text | None = None
    location: Text = "main"


class OpenReturn(NamedTuple):
    """The order granted a return.  `lines`: line, SKU, pieces, and where they left from."""

    order: str
    lines: tuple[tuple[str, str, int, str | None], ...]
    reason: str
    origin: str
    fault: str
    payer: str
    policy: str
    value: int | None = None
    resolution: str = "refund"
    currency: str = ""
    return_id: str | None = None
    refunded_already: bool = False


class ReturnRequested(Event):
    """The order granted a return of these pieces, or of further ones."""

    order: str
    lines: list[Piece]
    reason: str
    origin: str
    fault: str
    payer: str
    policy: str
    value: int | None = None
    """The most that is to be refunded for it, in minor units; None if the prices are not known."""
    resolution: str = "refund"
    return_id: str | None = None
    """Its id.  The key of its stream has channel and account, too, if another return had the id before."""
    refunded_already: bool = False
    """Whether the channel refunded the buyer before: no refund falls due."""


class ReturnRecorded(Event):
    """Pieces were returned whose order is not in the ledger; they are in quarantine."""

    channel: str
    lines: list[Piece]
    location: str
    unit_price: str
    currency: str
    reference: str | None


class ReturnApproved(Event):
    """The return was approved."""

    by: str
    reason: str | None


class ReturnRejected(Event):
    """The return was rejected.  `lines`: the pieces that will not be returned."""

    by: str
    reason: str | None
    order: str | None
    lines: list[Piece]


class ReturnWithdrawn(Event):
    """The buyer withdrew the return.  `lines`: the pieces that will not be returned."""

    by: str
    reason: str | None
    order: str | None
    lines: list[Piece]


@rules.on_command
def open_return(ret: Return, command: OpenReturn, context: MessageContext) -> list[Event]:
    events: list[Event] = [
        ReturnRequested(
            at=context.at,
            order=command.order,
            lines=[
                Piece(line=line, sku=sku, pieces=pieces, location=location)
                for line, sku, pieces, location in command.lines
            ],
            reason=command.reason,
            origin=command.origin,
            fault=command.fault,
            payer=command.payer,
            policy=command.policy,
            value=command.value,
            resolution=command.resolution,
            return_id=command.return_id,
            refunded_already=command.refunded_already,
        )
    ]
    if not ret.approved and ret.closed_at is None and _is_approved_by(context.policies.returns, ret, command):
        events.append(ReturnApproved(at=context.at, by=f"policy:{command.policy}", reason=None))
    return events


def _is_approved_by(policy: ReturnPolicy, ret: Return, command: OpenReturn) -> bool:
    """Whether the policy approves the return with these pieces.  Never if its limits cannot be checked."""
    limits = policy.auto_approve
    if limits is None or command.value is None or limits.max_per_customer_90_days is not None:
        return False
    return (
        command.origin == "customer"
        and command.reason in limits.reasons
        and command.currency == limits.currency
        and (ret.value or 0) + command.value <= limits.max_value_minor
    )


@rules.on_command
def record_return(ret: Return, command: RecordReturn, context: MessageContext) -> list[Event]:
    if ret.state is not None:
        return []
    return [
        ReturnRecorded(
            at=context.at,
            channel=command.channel,
            lines=[Piece(line="1", sku=command.sku, pieces=command.pieces)],
            location=command.location,
            unit_price=command.unit_price,
            currency=command.currency,
            reference=command.reference,
        )
    ]


@rules.on_command
def decide_return(ret: Return, command: DecideReturn, context: MessageContext) -> list[Event]:
    if command.approve:
        if ret.closed_at is not None:
            raise NotInState(return_id=command.return_id, state=str(ret.state), wanted="requested")
        return [] if ret.approved else [_approved(command, context)]
    if ret.state in ("inspected", "refunded", "withdrawn"):
        raise NotInState(return_id=command.return_id, state=str(ret.state), wanted="not inspected")
    return [] if ret.closed_at is not None else [_closed(ret, ReturnRejected, command, context)]


@rules.on_command
def record_decision(ret: Return, command: RecordReturnDecision, context: MessageContext) -> list[Event]:
    """What was decided elsewhere holds.  It contradicts a later answer of the other kind."""
    if command.decision == "approved":
        if ret.closed_at is not None and context.at > ret.closed_at:
            return discrepancies(ret, context, "approved_after_closing", command.return_id, (0, 1))
        return [] if ret.approved else [_approved(command, context)]
    if ret.closed_at is not None:
        return []
    kind = ReturnRejected if command.decision == "rejected" else ReturnWithdrawn
    events: list[Event] = [_closed(ret, kind, command, context)]
    if ret.state in ("inspected", "refunded"):
        kind_name = f"{command.decision}_after_inspection"
        events += discrepancies(ret, context, kind_name, command.return_id, (0, 1))
    return events


def _approved(command: DecideReturn | RecordReturnDecision, context: MessageContext) -> Event:
    return ReturnApproved(at=context.at, by=context.by, reason=command.reason)


def _closed(
    ret: Return,
    kind: type[ReturnRejected | ReturnWithdrawn],
    command: DecideReturn | RecordReturnDecision,
    context: MessageContext,
) -> Event:
    """Names the pieces that have not arrived: the others wait for their inspection."""
    missing = [
        Piece(line=name, sku=line.sku, pieces=line.missing)
        for name, line in ret.lines.items()
        if line.missing
    ]
    return kind(at=context.at, by=context.by, reason=command.reason, order=ret.order, lines=missing)


@rules.on_event
def requested(ret: Return, event: ReturnRequested) -> Return:
    lines = dict(ret.lines)
    for piece in event.lines:
        before = lines.get(piece.line, LineCounts(piece.sku, 0, location=piece.location))
        lines[piece.line] = before._replace(requested=before.requested + piece.pieces)
    value = ret.value if event.value is None else (ret.value or 0) + event.value
    resolutions = {event.resolution} if ret.state is None else {event.resolution, ret.resolution}
    return ret._replace(
        state=ret.state or "requested",
        order=event.order,
        lines=lines,
        value=value,
        resolution="refund" if "refund" in resolutions else event.resolution,
        return_id=event.return_id or ret.return_id,
        refunded_already=ret.refunded_already or event.refunded_already,
    )


@rules.on_event
def recorded(_: Return, event: ReturnRecorded) -> Return:
    lines = {piece.line: LineCounts(piece.sku, piece.pieces, piece.pieces) for piece in event.lines}
    receipts = {"": {piece.line: piece.pieces for piece in event.lines}}
    places = {"": frozenset({event.location})}
    return Return("received", None, event.location, lines, arrived=True, receipts=receipts, places=places)


@rules.on_event
def approved(ret: Return, _: ReturnApproved) -> Return:
    state = ret.state if ret.state in CLOSED else further(ret.state, "approved")
    return ret._replace(state=state, approved=True)


@rules.on_event
def rejected(ret: Return, event: ReturnRejected) -> Return:
    return ret._replace(state=closed(ret.state, "rejected"), closed_at=event.at)


@rules.on_event
def withdrawn(ret: Return, event: ReturnWithdrawn) -> Return:
    return ret._replace(state=closed(ret.state, "withdrawn"), closed_at=event.at)
