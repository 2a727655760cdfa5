"""Mirrors the decisions of stock on the order.  The fulfilment process sends these commands."""

from datetime import datetime
from typing import Final, NamedTuple

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.handover import taken_at, tracked_without_dispatch
from domain.order.state import Move, Order, moved, take
from domain.values import UnitState

rules = Rules[Order]()

SHIP_BY_PASSED: Final = "ship-by:"
"""Begins the seen keys of the ship-by instants that have passed."""


class MirrorAllocation(NamedTuple):
    """Stock reserved pieces for a line."""

    line: str
    pieces: int


class MirrorBackorder(NamedTuple):
    """Stock has no pieces for a line yet: they are backordered."""

    line: str
    pieces: int


class MirrorRelease(NamedTuple):
    """The hold of an unpaid order expired and stock released its pieces: on the order they are open again."""

    line: str
    pieces: int
    was: UnitState = "allocated"


class PassShipBy(NamedTuple):
    """The ship-by instant `due` of the order has passed."""

    due: datetime


class LineAllocated(Event):
    """Stock was reserved for these pieces."""

    moves: list[Move]


class LineBackordered(Event):
    """These pieces are backordered: they wait for stock."""

    moves: list[Move]


class LineDeallocated(Event):
    """The reservation of these pieces ended before they were packed."""

    moves: list[Move]
    reason: str


class ShipByMissed(Event):
    """The ship-by instant passed, and these lines still have pieces to hand over.  `pieces`: how many."""

    ship_by: AwareDatetime
    lines: list[str]
    pieces: int


@rules.on_command
def allocate(order: Order, command: MirrorAllocation, context: MessageContext) -> list[Event]:
    moves = take(order, [(command.line, command.pieces)], ("backordered", "open"))
    return [LineAllocated(at=context.at, moves=moves)] if moves else []


@rules.on_command
def backorder(order: Order, command: MirrorBackorder, context: MessageContext) -> list[Event]:
    moves = take(order, [(command.line, command.pieces)], ("open",))
    return [LineBackordered(at=context.at, moves=moves)] if moves else []


@rules.on_command
def deallocate(order: Order, command: MirrorRelease, context: MessageContext) -> list[Event]:
    moves = take(order, [(command.line, command.pieces)], (command.was,))
    return [LineDeallocated(at=context.at, moves=moves, reason="hold_expired")] if moves else []


@rules.on_command
def pass_ship_by(order: Order, command: PassShipBy, context: MessageContext) -> list[Event]:
    late = {
        name: line.before_handover
        for name, line in sorted(order.lines.items())
        if line.before_handover
        and line.delivery == "parcel"
        and (line.ship_by or order.ship_by) == command.due
    }
    key = f"{SHIP_BY_PASSED}{command.due.isoformat()}"
    if not late or key in order.seen_keys or not order.to_fulfil:  # nothing is due before the payment
        return []
    missed = ShipByMissed(at=context.at, ship_by=command.due, lines=list(late), pieces=sum(late.values()))
    tracked = [
        name
        for name, shipment in sorted(order.shipments.items())
        if not shipment.dispatched and taken_at(shipment) is not None
    ]
    return [missed, *tracked_without_dispatch(order, tracked, context)]


@rules.on_event
def allocated(order: Order, event: LineAllocated) -> Order:
    return moved(order, event.moves, "allocated")


@rules.on_event
def backordered(order: Order, event: LineBackordered) -> Order:
    return moved(order, event.moves, "backordered")


@rules.on_event
def deallocated(order: Order, event: LineDeallocated) -> Order:
    return moved(order, event.moves, "open")


@rules.on_event
def ship_by_missed(order: Order, event: ShipByMissed) -> Order:
    return order._replace(seen_keys=order.seen_keys | {f"{SHIP_BY_PASSED}{event.ship_by.isoformat()}"})
