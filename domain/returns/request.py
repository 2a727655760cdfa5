"""Rules for opening, recording, approving and rejecting a return."""

from typing import ClassVar, NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.returns.state import LineCounts, NotInState, Piece, Return, ReturnCommand, further
from domain.values import InputCurrency, InputPieces, InputPrice, LongText, Text

rules = Rules[Return]()


class DecideReturn(ReturnCommand):
    """Wish: approve or reject the return."""

    is_wish: ClassVar[bool] = True

    approve: bool
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
    """The order granted a return."""

    order: str
    lines: tuple[tuple[str, str, int], ...]
    reason: str
    origin: str
    fault: str
    payer: str
    policy: str
    value: int | None = None


class ReturnRequested(Event):
    """The order granted a return of these pieces."""

    order: str
    lines: list[Piece]
    reason: str
    origin: str
    fault: str
    payer: str
    policy: str
    value: int | None = None
    """The most that is to be refunded for it, in minor units; None if the prices are not known."""


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


@rules.on_command
def open_return(ret: Return, command: OpenReturn, context: MessageContext) -> list[Event]:
    if ret.state is not None:
        return []
    return [
        ReturnRequested(
            at=context.at,
            order=command.order,
            lines=[Piece(line=line, sku=sku, pieces=pieces) for line, sku, pieces in command.lines],
            reason=command.reason,
            origin=command.origin,
            fault=command.fault,
            payer=command.payer,
            policy=command.policy,
            value=command.value,
        )
    ]


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
        if ret.approved:
            return []
        if ret.state == "rejected":
            raise NotInState(return_id=command.return_id, state="rejected", wanted="requested")
        return [ReturnApproved(at=context.at, by=context.by, reason=command.reason)]
    if ret.state == "rejected":
        return []
    if ret.state not in ("requested", "approved"):
        raise NotInState(return_id=command.return_id, state=str(ret.state), wanted="requested or approved")
    pieces = [Piece(line=name, sku=line.sku, pieces=line.requested) for name, line in ret.lines.items()]
    return [
        ReturnRejected(at=context.at, by=context.by, reason=command.reason, order=ret.order, lines=pieces)
    ]


@rules.on_event
def requested(_: Return, event: ReturnRequested) -> Return:
    lines = {piece.line: LineCounts(piece.sku, piece.pieces) for piece in event.lines}
    return Return("requested", event.order, lines=lines, value=event.value)


@rules.on_event
def recorded(_: Return, event: ReturnRecorded) -> Return:
    lines = {piece.line: LineCounts(piece.sku, piece.pieces, piece.pieces) for piece in event.lines}
    return Return("received", None, event.location, lines, arrived=True)


@rules.on_event
def approved(ret: Return, _: ReturnApproved) -> Return:
    return ret._replace(state=further(ret.state, "approved"), approved=True)


@rules.on_event
def rejected(ret: Return, _: ReturnRejected) -> Return:
    return ret._replace(state="rejected")
