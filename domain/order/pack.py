"""Rules for packing.  A wish is checked; what an external warehouse packed is a fact."""

from typing import Annotated, ClassVar

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Event, InputModel
from domain.order.cancel import InputLines, NothingOrdered
from domain.order.discrepancy import (
    compare,
    contents_text,
    discrepancy,
    location_stated_again,
    shortfall,
    stated_again,
    with_contents,
)
from domain.order.dispatch import inferred_dispatch
from domain.order.handover import taken_at
from domain.order.money import NotPaid, kept, lacks_payment, owed
from domain.order.state import (
    AskedLine,
    LineLimit,
    LinePieces,
    Move,
    Order,
    OrderCommand,
    Shipment,
    more_than_moved,
    moved,
    parts_added,
    pieces_by_line,
    require_lines,
    stated_pieces,
    take,
)
from domain.values import Text

rules = Rules[Order]()


class MoreThanAllocated(Refused):
    """More pieces than are allocated and have no pending cancel request."""


class QualityCheckFailed(Refused):
    """The pieces failed the quality check; quarantine or count them instead of packing."""


class PackedDifferently(Refused):
    """The shipment has left, or was packed elsewhere or with more pieces: its contents cannot change."""


class QualityCheck(InputModel):
    """The quality check before packing: who checked the pieces, and whether they passed."""

    passed: bool
    by: Text
    remark: Text | None = None


class PackShipment(OrderCommand):
    """Wish: pack these pieces into a shipment, after a quality check."""

    is_wish: ClassVar[bool] = True

    shipment_id: Text
    lines: InputLines
    quality_check: QualityCheck
    location: Text | None = None
    """Where the parcel is packed.  None: where its pieces are reserved."""


class RecordPacking(OrderCommand):
    """Fact: an external warehouse has packed these pieces."""

    shipment_id: Text
    lines: Annotated[tuple[AskedLine, ...], LineLimit] = ()
    location: Text | None = None
    """Where the parcel is packed.  None: where its pieces are reserved."""


class ShipmentPacked(Event):
    """These pieces were packed.  `notes`: the buyer's notes, by line."""

    shipment_id: str
    moves: list[Move]
    notes: dict[str, str]
    checked_by: str | None
    requested: list[LinePieces] | None = None
    """What the message stated, if that is more than could be packed."""
    location: str | None = None


@rules.on_command
def pack(order: Order, command: PackShipment, context: MessageContext) -> list[Event]:
    if lacks_payment(order):
        raise NotPaid(captured=kept(order), owed=owed(order))
    shipment = order.shipments.get(command.shipment_id, Shipment())
    key = f"{'dispatch' if shipment.dispatched else 'pack'}:{command.shipment_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    elsewhere = command.location not in (None, shipment.location or "main")
    if not requested and not fewer and not elsewhere:
        return []
    if shipment.dispatched or fewer or not requested:
        raise PackedDifferently(shipment_id=command.shipment_id, dispatched=shipment.dispatched)
    if not command.quality_check.passed:
        raise QualityCheckFailed(shipment_id=command.shipment_id, by=command.quality_check.by)
    for name, pieces in requested:
        line = order.lines.get(name)
        if line is None:
            raise NothingOrdered(line=name)
        free = line.before_handover - line.cancel_pending - line.units.get("packed", 0)
        allowed = max(0, min(line.units.get("allocated", 0), free))
        if pieces > allowed:
            raise MoreThanAllocated(line=name, asked=pieces, allocated=allowed, pending=line.cancel_pending)
    event = _packed(order, command, take(order, requested, ("allocated",)), context)
    return [event, *_left_already(order, event, context)]


@rules.on_command
def record_packing(order: Order, command: RecordPacking, context: MessageContext) -> list[Event]:
    shipment = order.shipments.get(command.shipment_id, Shipment())
    require_lines(order, command.lines)
    if shipment.dispatched:  # late message: record it, but its pieces have been handed over already
        return (
            []
            if shipment.packed
            else [_packed(order, command, [], context), *_packed_late(order, command, context)]
        )
    key = f"pack:{command.shipment_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    differing = stated_again(order, context, key, fewer)
    if not requested:
        differing += location_stated_again(order, context, key, shipment.location, command.location)
    if shipment.packed and not requested:
        return differing
    moves = take(order, requested, ("allocated", "backordered", "open"))
    event = _packed(order, command, moves, context, requested)
    return [
        event,
        *shortfall(context, "packed_more_than_open", command.shipment_id, requested, moves),
        *differing,
        *_left_already(order, event, context),
    ]


def _left_already(order: Order, event: ShipmentPacked, context: MessageContext) -> list[Event]:
    """The hand-over of a parcel that its carrier had scanned before its packing was recorded."""
    shipment = order.shipments.get(event.shipment_id)
    taken = None if shipment is None else taken_at(shipment)
    if taken is None:
        return []
    return inferred_dispatch(packed(order, event), event.shipment_id, taken, context)


def _packed_late(order: Order, command: RecordPacking, context: MessageContext) -> list[Event]:
    """A discrepancy if the packing states other contents than the dispatch that was recorded before it."""
    dispatched = dict(order.shipments[command.shipment_id].moves)
    stated = dict(pieces_by_line(command.lines))
    if not stated or stated == dispatched:
        return []
    return [
        discrepancy(
            at=context.at,
            kind="packed_other_than_dispatched",
            subject=command.shipment_id,
            expected=contents_text(dispatched),
            observed=contents_text(stated),
        )
    ]


def _packed(
    order: Order,
    command: PackShipment | RecordPacking,
    moves: list[Move],
    context: MessageContext,
    requested: list[tuple[str, int]] | None = None,
) -> ShipmentPacked:
    return ShipmentPacked(
        at=context.at,
        shipment_id=command.shipment_id,
        moves=moves,
        notes={move.line: note for move in moves if (note := order.lines[move.line].note) is not None},
        checked_by=command.quality_check.by if isinstance(command, PackShipment) else None,
        requested=more_than_moved(requested or [], moves),
        location=command.location,
    )


@rules.on_event
def packed(order: Order, event: ShipmentPacked) -> Order:
    previous = order.shipments.get(event.shipment_id, Shipment())
    moves = previous.moves if previous.dispatched else parts_added(previous.moves, event.moves)
    location = event.location or previous.location
    shipment = previous._replace(moves=moves, packed=True, location=location)
    shipments = {**order.shipments, event.shipment_id: shipment}
    stated = stated_pieces(event.requested, event.moves)
    contents = with_contents(order, f"pack:{event.shipment_id}", stated)
    return moved(order, event.moves, "packed", shipments=shipments, contents=contents)
