"""Rules for handing parcels over.  A wish is checked; the fact that a parcel left is always recorded."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, ClassVar, Final

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Event, InputModel
from domain.order.allocate import LineAllocated
from domain.order.answers import without_overtaken
from domain.order.cancel import CancelRejected, payer_of_stop
from domain.order.discrepancy import (
    OrderDiscrepancyDetected,
    compare,
    discrepancy,
    location_stated_again,
    shortfall,
    stated_again,
    with_contents,
)
from domain.order.handover import Invoice, invoice, timed
from domain.order.money import NotPaid, kept, lacks_payment, owed
from domain.order.state import (
    BEFORE_HANDOVER,
    NEAREST_TO_HANDOVER,
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
from domain.values import Text, UnitState, without

rules = Rules[Order]()

FAILED: Final[tuple[UnitState, ...]] = ("lost", "returned_to_sender")
"""The states of a parcel's pieces for which the seller may send others."""


class CancelPending(Refused):
    """A cancel request is pending on these pieces; decide it first, or override it with a reason."""


class NothingPacked(Refused):
    """The order has no packed shipment with this id."""


class InvoiceReportedLater(Refused):
    """Another carrier or tracking number of this parcel was reported later than this one."""


class DispatchedElsewhere(Refused):
    """The parcel has left already, and not from this location."""


class Override(InputModel):
    """An operator's decision to dispatch despite a pending cancel request."""

    operator: Text
    reason: Text


class DispatchShipment(OrderCommand):
    """Wish: hand a packed shipment to the carrier."""

    is_wish: ClassVar[bool] = True

    shipment_id: Text
    carrier: Text | None = None
    tracking_number: Text | None = None
    override: Override | None = None
    location: Text | None = None
    """Where the parcel leaves.  None: where it was packed, else where its pieces are reserved."""


class RecordDispatch(OrderCommand):
    """Fact: a parcel was handed over.  Without `lines`: the packed shipment, else all pieces not yet sent."""

    shipment_id: Text
    lines: Annotated[tuple[AskedLine, ...], LineLimit] = ()
    carrier: Text | None = None
    tracking_number: Text | None = None
    location: Text | None = None
    """Where the parcel leaves.  None: where it was packed, else where its pieces are reserved."""


class ShipmentDispatched(Event):
    """These pieces were handed over to the carrier.  `last`: no piece of the order is left to send."""

    shipment_id: str
    moves: list[Move]
    carrier: str | None
    tracking_number: str | None
    last: bool
    requested: list[LinePieces] | None = None
    """What the message stated, if that is more than could be moved."""
    replaces: dict[str, dict[str, int]] | None = None
    """Pieces by line and by the earlier parcel whose label was voided, or that was lost or came back."""
    inferred: bool = False
    """Whether nobody reported it: the carrier's scan shows that it has the packed parcel."""
    location: str | None = None
    """Where the pieces leave stock.  None: where they are reserved."""


@rules.on_command
def dispatch(order: Order, command: DispatchShipment, context: MessageContext) -> list[Event]:
    shipment = order.shipments.get(command.shipment_id)
    if shipment is None or not shipment.moves:
        raise NothingPacked(shipment_id=command.shipment_id)
    if shipment.dispatched:
        return _corrected(order, command, shipment, context)
    if lacks_payment(order):
        raise NotPaid(captured=kept(order), owed=owed(order))
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
            payer=payer_of_stop(order, request),
        )
        for request in blocked
        if command.override is not None
    ]
    stated = Invoice(command.carrier, command.tracking_number)
    event = _dispatched(order, command.shipment_id, stated, moves, context)
    return [*rejected, replace(event, location=command.location or event.location)]


def _corrected(
    order: Order, command: DispatchShipment, shipment: Shipment, context: MessageContext
) -> list[Event]:
    """A wish to dispatch a parcel that has left: its invoice may change."""
    if command.location not in (None, shipment.location or "main"):
        raise DispatchedElsewhere(shipment_id=command.shipment_id, location=shipment.location)
    stated = Invoice(command.carrier, command.tracking_number)
    if shipment.invoice_at is not None and context.at < shipment.invoice_at:
        held = Invoice(shipment.carrier, shipment.tracking_number)
        if held.completed_by(stated) == held != stated.completed_by(held):
            raise InvoiceReportedLater(shipment_id=command.shipment_id, tracking_number=held.number)
    return invoice(order, command.shipment_id, stated, context)


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
    require_lines(order, command.lines)
    key = f"dispatch:{command.shipment_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    differing = stated_again(order, context, key, fewer)
    if not requested:
        differing += location_stated_again(order, context, key, shipment.location, command.location)
    stated = Invoice(command.carrier, command.tracking_number)
    if shipment.dispatched:
        if shipment.inferred or not requested:
            differing += timed(command.shipment_id, shipment, context, scan=False)
        differing += invoice(order, command.shipment_id, stated, context)
        if not requested:
            return differing
    if requested:
        moves, replaces = _stated(order, requested)
    else:
        moves, replaces = _unstated(order, shipment)
        requested = [(move.line, move.pieces) for move in moves]
    blocked = _pending_on(order, moves)
    event = _dispatched(order, command.shipment_id, stated, moves, context)
    event = replace(
        event,
        requested=more_than_moved(requested, moves),
        replaces=replaces,
        location=command.location or event.location,
    )
    events: list[Event] = [event, *differing]
    events += shortfall(context, "dispatched_more_than_ordered", command.shipment_id, requested, moves)
    if blocked:
        events.append(_contradiction(context, "dispatched_with_cancel_pending", blocked[0], "no dispatch"))
    if any(move.was == "cancelled" for move in moves):
        events.append(_contradiction(context, "dispatched_after_cancel", command.shipment_id, "no dispatch"))
    if not moves and order.lines and not command.lines:
        events.append(
            _contradiction(context, "dispatched_nothing_left", command.shipment_id, "pieces to send")
        )
    return [*events, *_left_behind(order, shipment, moves, context)]


def inferred_dispatch(order: Order, shipment_id: str, at: datetime, context: MessageContext) -> list[Event]:
    """The hand-over of a packed parcel that a scan of the carrier shows."""
    moves = take(order, order.shipments[shipment_id].moves, ("packed",))
    if not moves:
        return []
    event = _dispatched(order, shipment_id, Invoice(None, None), moves, context._replace(at=at))
    blocked = _pending_on(order, moves)
    events: list[Event] = [replace(event, inferred=True)]
    if blocked:
        events.append(_contradiction(context, "dispatched_with_cancel_pending", blocked[0], "no dispatch"))
    return events


def _left_behind(order: Order, shipment: Shipment, moves: list[Move], context: MessageContext) -> list[Event]:
    """Packed pieces that the carrier did not take with their parcel are allocated again."""
    if shipment.dispatched:
        return []
    taken = pieces_by_line(move for move in moves if move.was == "packed")
    rest = without(dict(shipment.moves), dict(taken))
    behind = take(moved(order, moves, "in_transit"), rest.items(), ("packed",))
    return [LineAllocated(at=context.at, moves=behind)] if behind else []


Replaced = dict[str, dict[str, int]] | None
"""Pieces by line, by the parcel that held them before; None if there is none."""


def _stated(order: Order, requested: list[tuple[str, int]]) -> tuple[list[Move], Replaced]:
    """The moves of a parcel with these contents: pieces to send, else replaced ones, else cancelled ones."""
    moves = take(order, requested, NEAREST_TO_HANDOVER)
    rest = without(dict(requested), dict(pieces_by_line(moves)))
    again, replaces = _from_parcels(order, rest.items())
    rest = without(rest, dict(pieces_by_line(again)))
    return [*moves, *again, *take(order, rest.items(), ("cancelled",))], replaces


def _unstated(order: Order, shipment: Shipment) -> tuple[list[Move], Replaced]:
    """The moves of a parcel whose contents are not stated: never what was cancelled of it.

    If it was packed, its packed pieces; else all pieces that can still be handed over; else the pieces of a
    voided label or of a parcel that failed.  If nothing was handed over, it must hold the cancelled pieces.
    """
    every_line = [(name, line.ordered) for name, line in order.lines.items() if line.delivery == "parcel"]
    moves = take(order, shipment.moves, ("packed",)) or take(order, every_line, NEAREST_TO_HANDOVER)
    if moves:
        return moves, None
    if any(line.handed_over for line in order.lines.values()):
        return _from_parcels(order, every_line)
    return take(order, shipment.moves or every_line, ("cancelled",)), None


def _from_parcels(order: Order, requested: Iterable[tuple[str, int]]) -> tuple[list[Move], Replaced]:
    """Takes pieces from parcels whose label was voided, and then replaces those that failed."""
    wanted = dict(requested)
    replaces: dict[str, dict[str, int]] = {}
    for failed in (False, True):
        for name, parcel in sorted(order.shipments.items()):
            if parcel.dispatched and (parcel.holds in FAILED if failed else parcel.status == "cancelled"):
                for line, pieces in parcel.moves:
                    count = min(pieces, wanted.get(line, 0))
                    if count:
                        wanted[line] -= count
                        replaces.setdefault(name, {})[line] = count
    moves: list[Move] = []
    for name, lines in replaces.items():
        moves += [
            Move(line=line, sku=order.lines[line].sku, pieces=count, was=order.shipments[name].holds)
            for line, count in lines.items()
        ]
    return moves, replaces or None


def _dispatched(
    order: Order,
    shipment_id: str,
    stated: Invoice,
    moves: list[Move],
    context: MessageContext,
) -> ShipmentDispatched:
    left = sum(line.before_handover for line in order.lines.values() if line.delivery == "parcel")
    shipment = order.shipments.get(shipment_id, Shipment())
    return ShipmentDispatched(
        at=context.at,
        shipment_id=shipment_id,
        moves=moves,
        carrier=stated.carrier,
        tracking_number=stated.number,
        last=left == sum(move.pieces for move in moves if move.was in BEFORE_HANDOVER),
        location=shipment.location,
    )


def _contradiction(
    context: MessageContext, kind: str, subject: str, expected: str
) -> OrderDiscrepancyDetected:
    return discrepancy(
        at=context.at, kind=kind, subject=subject, expected=expected, observed="the parcel has left"
    )


@rules.on_event
def dispatched(order: Order, event: ShipmentDispatched) -> Order:
    """The pieces get the state of the parcel's latest milestone, which may have been recorded before."""
    previous = order.shipments.get(event.shipment_id, Shipment())
    to = previous.holds if previous.holds != "packed" else "in_transit"
    moves = parts_added(previous.moves if previous.dispatched else (), event.moves)
    shipment = previous._replace(
        moves=moves,
        dispatched=True,
        holds=to,
        dispatched_at=min(previous.dispatched_at or event.at, event.at),
        inferred=event.inferred or previous.inferred,
        carrier=previous.carrier or event.carrier,
        tracking_number=previous.tracking_number or event.tracking_number,
        invoice_at=previous.invoice_at or (event.at if event.carrier or event.tracking_number else None),
    )
    shipment = shipment._replace(location=event.location or previous.location)
    shipments = {**order.shipments, event.shipment_id: shipment}
    for name, lines in (event.replaces or {}).items():
        left = without(dict(shipments[name].moves), lines)
        shipments[name] = shipments[name]._replace(moves=tuple(left.items()))
    stated = stated_pieces(event.requested, event.moves)
    contents = with_contents(order, f"dispatch:{event.shipment_id}", stated)
    return without_overtaken(moved(order, event.moves, to, shipments=shipments, contents=contents))
