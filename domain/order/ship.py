"""Packing and handing over.  A request is checked; the fact that a parcel left never is."""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from domain.decider import MessageContext, Rules
from domain.errors import Refused, TooEarly
from domain.message import Event, InputModel
from domain.order.cancel import CancelRejected, InputLines, NothingOrdered, answered
from domain.order.place import OrderDiscrepancyDetected
from domain.order.state import (
    BEFORE_HANDOVER,
    AskedLine,
    LineLimit,
    Move,
    Order,
    OrderCommand,
    Shipment,
    moved,
    pieces_by_line,
    take,
    total,
)
from domain.values import Text

rules = Rules[Order]()


class MoreThanAllocated(Refused):
    """More pieces than are allocated and not waiting for a cancel decision."""


class QualityCheckFailed(Refused):
    """The pieces did not pass their check; quarantine or count them instead of packing."""


class CancelPending(Refused):
    """A buyer's cancel request waits on these pieces; decide it, or override with a reason."""


class NothingPacked(Refused):
    """No packed shipment of that name."""


class QualityCheck(InputModel):
    """Who looked at the pieces before they were packed, and whether they passed."""

    passed: bool
    by: Text
    remark: Text | None = None


class Override(InputModel):
    """An operator's decision to dispatch in spite of a waiting cancel request."""

    operator: Text
    reason: Text


class PackShipment(OrderCommand):
    """Wish: pack these pieces into a shipment, after a quality check."""

    is_wish: ClassVar[bool] = True

    shipment_id: Text
    lines: InputLines
    quality_check: QualityCheck


class RecordPacking(OrderCommand):
    """Fact: a warehouse of its own has packed these pieces."""

    shipment_id: Text
    lines: Annotated[tuple[AskedLine, ...], LineLimit] = ()


class DispatchShipment(OrderCommand):
    """Wish: hand a packed shipment to the carrier."""

    is_wish: ClassVar[bool] = True

    shipment_id: Text
    carrier: Text | None = None
    tracking_number: Text | None = None
    override: Override | None = None


class RecordDispatch(OrderCommand):
    """Fact: a parcel has left.  Without lines: the packed shipment, else all that had not left."""

    shipment_id: Text
    lines: Annotated[tuple[AskedLine, ...], LineLimit] = ()
    carrier: Text | None = None
    tracking_number: Text | None = None


class ShipmentPacked(Event):
    """These pieces are packed; the buyer's line notes come with them."""

    shipment_id: str
    moves: list[Move]
    notes: dict[str, str]
    checked_by: str | None


class ShipmentDispatched(Event):
    """These pieces were handed over.  `last`: nothing of the order is left to send."""

    shipment_id: str
    moves: list[Move]
    carrier: str | None
    tracking_number: str | None
    last: bool


@rules.on_command
def pack(order: Order, command: PackShipment, context: MessageContext) -> list[Event]:
    if _is_packed(order, command.shipment_id):
        return []
    if not command.quality_check.passed:
        raise QualityCheckFailed(shipment_id=command.shipment_id, by=command.quality_check.by)
    asked = pieces_by_line(command.lines)
    for name, pieces in asked:
        line = order.lines.get(name)
        if line is None:
            raise NothingOrdered(line=name)
        free = line.before_handover - line.cancel_pending - line.units.get("packed", 0)
        allowed = max(0, min(line.units.get("allocated", 0), free))
        if pieces > allowed:
            raise MoreThanAllocated(line=name, asked=pieces, allocated=allowed, pending=line.cancel_pending)
    return [
        _packed(
            order, command.shipment_id, take(order, asked, ("allocated",)), context, command.quality_check.by
        )
    ]


@rules.on_command
def record_packing(order: Order, command: RecordPacking, context: MessageContext) -> list[Event]:
    known = order.shipments.get(command.shipment_id, Shipment())
    if known.packed:
        return []
    _known(order, command.lines)
    if known.dispatched:  # told late: it is recorded, and its pieces have left
        return [_packed(order, command.shipment_id, [], context, None)]
    asked = pieces_by_line(command.lines)
    moves = take(order, asked, ("allocated", "backordered", "open"))
    events: list[Event] = [_packed(order, command.shipment_id, moves, context, None)]
    return events + _shortfall(context, "packed_more_than_open", command.shipment_id, asked, moves)


def _packed(
    order: Order, shipment_id: str, moves: list[Move], context: MessageContext, by: str | None
) -> ShipmentPacked:
    notes = {move.line: note for move in moves if (note := order.lines[move.line].note) is not None}
    return ShipmentPacked(at=context.at, shipment_id=shipment_id, moves=moves, notes=notes, checked_by=by)


@rules.on_command
def dispatch(order: Order, command: DispatchShipment, context: MessageContext) -> list[Event]:
    shipment = order.shipments.get(command.shipment_id)
    if shipment is None or not shipment.moves:
        raise NothingPacked(shipment_id=command.shipment_id)
    if shipment.dispatched:
        return []
    moves = take(order, shipment.moves, ("packed",))
    if not moves:
        raise NothingPacked(shipment_id=command.shipment_id)
    blocked = _pending_on(order, moves)
    if blocked and command.override is None:
        raise CancelPending(shipment_id=command.shipment_id, requests=blocked)
    rejected: list[Event] = [
        CancelRejected(
            at=context.at,
            request_id=request,
            by=command.override.operator,
            reason=command.override.reason,
        )
        for request in blocked
        if command.override is not None
    ]
    return [*rejected, _dispatched(order, command, moves, context)]


def _pending_on(order: Order, moves: list[Move]) -> list[str]:
    """The waiting requests that sending these pieces would overrun."""
    lines = {move.line for move in moves}
    overrun = {
        name
        for name in lines
        if order.lines[name].cancel_pending
        > order.lines[name].before_handover - sum(move.pieces for move in moves if move.line == name)
    }
    return sorted(
        name for name, request in order.requests.items() if any(line in overrun for line, _ in request.lines)
    )


@rules.on_command
def record_dispatch(order: Order, command: RecordDispatch, context: MessageContext) -> list[Event]:
    shipment = order.shipments.get(command.shipment_id, Shipment())
    if shipment.dispatched:
        return []
    _known(order, command.lines)
    asked = (
        pieces_by_line(command.lines)
        or list(shipment.moves)
        or [(name, line.before_handover) for name, line in order.lines.items() if line.before_handover]
    )
    moves = take(order, asked, ("packed", "allocated", "backordered", "open", "cancelled"))
    blocked = _pending_on(order, moves)
    events: list[Event] = [_dispatched(order, command, moves, context)]
    events += _shortfall(context, "dispatched_more_than_ordered", command.shipment_id, asked, moves)
    if blocked:
        events.append(_contradiction(context, "dispatched_with_cancel_pending", blocked[0], "no dispatch"))
    if any(move.was == "cancelled" for move in moves):
        events.append(_contradiction(context, "dispatched_after_cancel", command.shipment_id, "no dispatch"))
    return events


def _dispatched(
    order: Order, command: DispatchShipment | RecordDispatch, moves: list[Move], context: MessageContext
) -> ShipmentDispatched:
    left = sum(line.before_handover for line in order.lines.values())
    return ShipmentDispatched(
        at=context.at,
        shipment_id=command.shipment_id,
        moves=moves,
        carrier=command.carrier,
        tracking_number=command.tracking_number,
        last=left == sum(move.pieces for move in moves if move.was in BEFORE_HANDOVER),
    )


def _is_packed(order: Order, shipment_id: str) -> bool:
    """A shipment may be known by a label alone, before it is packed."""
    known = order.shipments.get(shipment_id, Shipment())
    return known.packed or known.dispatched


def _known(order: Order, lines: Iterable[AskedLine]) -> None:
    for asked in lines:
        if asked.line not in order.lines:
            raise TooEarly(f"line {asked.line}")


def _contradiction(
    context: MessageContext, kind: str, subject: str, expected: str
) -> OrderDiscrepancyDetected:
    return OrderDiscrepancyDetected(
        at=context.at, kind=kind, subject=subject, expected=expected, observed="the parcel has left"
    )


def _shortfall(
    context: MessageContext, kind: str, shipment_id: str, asked: list[tuple[str, int]], moves: list[Move]
) -> list[Event]:
    wanted = sum(pieces for _, pieces in asked)
    if total(moves) == wanted:
        return []
    observed = f"{wanted} pieces, {total(moves)} of them known"
    return [
        OrderDiscrepancyDetected(
            at=context.at, kind=kind, subject=shipment_id, expected="pieces of the order", observed=observed
        )
    ]


@rules.on_event
def packed(order: Order, event: ShipmentPacked) -> Order:
    known = order.shipments.get(event.shipment_id, Shipment())
    contents = tuple((move.line, move.pieces) for move in event.moves)
    shipment = known._replace(moves=known.moves if known.dispatched else contents, packed=True)
    return moved(order, event.moves, "packed", shipments={**order.shipments, event.shipment_id: shipment})


@rules.on_event
def dispatched(order: Order, event: ShipmentDispatched) -> Order:
    """Pieces go where the parcel is known to be already: its milestones may have come first."""
    known = order.shipments.get(event.shipment_id, Shipment())
    to = known.holds if known.holds != "packed" else "in_transit"
    contents: dict[str, int] = {}
    for move in event.moves:
        contents[move.line] = contents.get(move.line, 0) + move.pieces
    shipment = known._replace(moves=tuple(contents.items()), dispatched=True, holds=to)
    after = moved(order, event.moves, to, shipments={**order.shipments, event.shipment_id: shipment})
    return _overtaken(after)


def _overtaken(order: Order) -> Order:
    """Requests whose pieces have all left can no longer be approved."""
    for name, request in sorted(order.requests.items()):
        if not any(order.lines[line].cancel_pending for line, _ in request.lines):
            order = answered(order, name)
    return order
