"""Rules for packing and dispatching.  A wish is checked; the fact that a parcel left is always recorded."""

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
    """More pieces than are allocated and have no pending cancel request."""


class QualityCheckFailed(Refused):
    """The pieces failed the quality check; quarantine or count them instead of packing."""


class CancelPending(Refused):
    """A cancel request is pending on these pieces; decide it first, or override it with a reason."""


class NothingPacked(Refused):
    """The order has no packed shipment with this id."""


class QualityCheck(InputModel):
    """The quality check before packing: who checked the pieces, and whether they passed."""

    passed: bool
    by: Text
    remark: Text | None = None


class Override(InputModel):
    """An operator's decision to dispatch despite a pending cancel request."""

    operator: Text
    reason: Text


class PackShipment(OrderCommand):
    """Wish: pack these pieces into a shipment, after a quality check."""

    is_wish: ClassVar[bool] = True

    shipment_id: Text
    lines: InputLines
    quality_check: QualityCheck


class RecordPacking(OrderCommand):
    """Fact: an external warehouse has packed these pieces."""

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
    """Fact: a parcel was handed over.  Without `lines`: the packed shipment, else all pieces not yet sent."""

    shipment_id: Text
    lines: Annotated[tuple[AskedLine, ...], LineLimit] = ()
    carrier: Text | None = None
    tracking_number: Text | None = None


class ShipmentPacked(Event):
    """These pieces were packed.  `notes`: the buyer's notes, by line."""

    shipment_id: str
    moves: list[Move]
    notes: dict[str, str]
    checked_by: str | None


class ShipmentDispatched(Event):
    """These pieces were handed over to the carrier.  `last`: no piece of the order is left to send."""

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
    requested = pieces_by_line(command.lines)
    for name, pieces in requested:
        line = order.lines.get(name)
        if line is None:
            raise NothingOrdered(line=name)
        free = line.before_handover - line.cancel_pending - line.units.get("packed", 0)
        allowed = max(0, min(line.units.get("allocated", 0), free))
        if pieces > allowed:
            raise MoreThanAllocated(line=name, asked=pieces, allocated=allowed, pending=line.cancel_pending)
    return [
        _packed(
            order,
            command.shipment_id,
            take(order, requested, ("allocated",)),
            context,
            command.quality_check.by,
        )
    ]


@rules.on_command
def record_packing(order: Order, command: RecordPacking, context: MessageContext) -> list[Event]:
    shipment = order.shipments.get(command.shipment_id, Shipment())
    if shipment.packed:
        return []
    _require_lines(order, command.lines)
    if shipment.dispatched:  # late message: record it, but its pieces have been handed over already
        return [_packed(order, command.shipment_id, [], context, None)]
    requested = pieces_by_line(command.lines)
    moves = take(order, requested, ("allocated", "backordered", "open"))
    events: list[Event] = [_packed(order, command.shipment_id, moves, context, None)]
    return events + _shortfall(context, "packed_more_than_open", command.shipment_id, requested, moves)


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
    """The cancel requests whose pending pieces would be part of this dispatch."""
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
    _require_lines(order, command.lines)
    requested = (
        pieces_by_line(command.lines)
        or list(shipment.moves)
        or [(name, line.before_handover) for name, line in order.lines.items() if line.before_handover]
    )
    moves = take(order, requested, ("packed", "allocated", "backordered", "open", "cancelled"))
    blocked = _pending_on(order, moves)
    events: list[Event] = [_dispatched(order, command, moves, context)]
    events += _shortfall(context, "dispatched_more_than_ordered", command.shipment_id, requested, moves)
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
    """A shipment may exist before it is packed, because a milestone of its label was recorded."""
    shipment = order.shipments.get(shipment_id, Shipment())
    return shipment.packed or shipment.dispatched


def _require_lines(order: Order, lines: Iterable[AskedLine]) -> None:
    for requested in lines:
        if requested.line not in order.lines:
            raise TooEarly(f"line {requested.line}")


def _contradiction(
    context: MessageContext, kind: str, subject: str, expected: str
) -> OrderDiscrepancyDetected:
    return OrderDiscrepancyDetected(
        at=context.at, kind=kind, subject=subject, expected=expected, observed="the parcel has left"
    )


def _shortfall(
    context: MessageContext, kind: str, shipment_id: str, requested: list[tuple[str, int]], moves: list[Move]
) -> list[Event]:
    requested_total = sum(pieces for _, pieces in requested)
    if total(moves) == requested_total:
        return []
    observed = f"{requested_total} pieces, {total(moves)} of them known"
    return [
        OrderDiscrepancyDetected(
            at=context.at, kind=kind, subject=shipment_id, expected="pieces of the order", observed=observed
        )
    ]


@rules.on_event
def packed(order: Order, event: ShipmentPacked) -> Order:
    previous = order.shipments.get(event.shipment_id, Shipment())
    contents = tuple((move.line, move.pieces) for move in event.moves)
    shipment = previous._replace(moves=previous.moves if previous.dispatched else contents, packed=True)
    return moved(order, event.moves, "packed", shipments={**order.shipments, event.shipment_id: shipment})


@rules.on_event
def dispatched(order: Order, event: ShipmentDispatched) -> Order:
    """The pieces get the state of the parcel's latest milestone, which may have been recorded before."""
    previous = order.shipments.get(event.shipment_id, Shipment())
    to = previous.holds if previous.holds != "packed" else "in_transit"
    contents: dict[str, int] = {}
    for move in event.moves:
        contents[move.line] = contents.get(move.line, 0) + move.pieces
    shipment = previous._replace(moves=tuple(contents.items()), dispatched=True, holds=to)
    after = moved(order, event.moves, to, shipments={**order.shipments, event.shipment_id: shipment})
    return _close_overtaken(after)


def _close_overtaken(order: Order) -> Order:
    """Closes the cancel requests whose pieces were all handed over: they can no longer be approved."""
    for name, request in sorted(order.requests.items()):
        if not any(order.lines[line].cancel_pending for line, _ in request.lines):
            order = answered(order, name)
    return order
