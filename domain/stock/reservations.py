"""Rules for reserving stock for order lines: reserve, backorder, release, ship."""

from datetime import datetime
from typing import NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.stock.corrections import Move, before_take
from domain.stock.state import (
    At,
    BackorderDropped,
    ReservationConfirmed,
    StockBackordered,
    StockItem,
    StockReleased,
    StockReserved,
    StockShipped,
    discrepancy,
    line_key,
)

rules = Rules[StockItem]()


class Reserve(NamedTuple):
    """Reserve pieces for an order line.  Pieces that are not available are backordered.

    `reserved`: pieces of the line that have a reservation already.  `waiting`: those backordered already.
    """

    order: str
    line: str
    pieces: int
    ship_by: datetime | None = None
    expires_at: datetime | None = None
    reserved: int = 0
    waiting: int = 0


class Confirm(NamedTuple):
    """The order was paid: its reservations and backorders no longer expire.

    `packed`: only so many reserved pieces do not, because they were packed.
    """

    order: str
    line: str
    packed: int | None = None


class ReservePacked(NamedTuple):
    """Reserve pieces of an order line that a warehouse has packed without a reservation.

    They are in a parcel, so they are no longer available to others, whatever was promised.
    """

    order: str
    line: str
    pieces: int
    location: str | None = None
    """Where they were packed, if that is stated."""


class Release(NamedTuple):
    """Release reserved pieces of an order line, and drop backordered (waiting) ones."""

    order: str
    line: str
    reserved: int
    waiting: int
    reason: str


class Expire(NamedTuple):
    """The hold of an unpaid order line has expired."""

    order: str
    line: str
    due: datetime


class Ship(NamedTuple):
    """Pieces of an order line were dispatched; `reserved` of them had a reservation.

    `replacing`: those that replace lost or returned ones, and need none.  `location`: where they left; None:
    where they are reserved.
    """

    order: str
    line: str
    pieces: int
    reserved: int
    replacing: int = 0
    location: str | None = None


class Settle(NamedTuple):
    """An order was checked: so many pieces of a line are reserved and waiting in its own book."""

    order: str
    line: str
    reserved: int
    waiting: int


@rules.on_command
def reserve(item: StockItem, command: Reserve, context: MessageContext) -> list[Event]:
    key = line_key(command.order, command.line)
    previous = item.reservations[key].pieces if key in item.reservations else 0
    queued = item.queue[item.queue_slots[key]].pieces if key in item.queue_slots else 0
    if queued > command.waiting or previous > command.reserved:
        return []
    free = 0 if item.uncounted or queued else max(0, item.available)
    granted = min(free, command.pieces)
    events: list[Event] = []
    if granted:
        events.append(
            StockReserved(
                at=context.at,
                order=command.order,
                line=command.line,
                pieces=granted,
                locations=pick_locations(item, granted),
                ship_by=command.ship_by,
                expires_at=command.expires_at,
            )
        )
    if granted < command.pieces:
        events.append(
            StockBackordered(
                at=context.at,
                order=command.order,
                line=command.line,
                pieces=command.pieces - granted,
                ship_by=command.ship_by,
                expires_at=command.expires_at,
            )
        )
    return events


def pick_locations(item: StockItem, pieces: int) -> list[At]:
    """The locations to take `pieces` from: one that has all of them, else several in order of name."""
    free = {
        name: balance.on_hand - balance.reserved
        for name, balance in sorted(item.balances.items())
        if balance.on_hand > balance.reserved
    }
    for name, available in free.items():
        if available >= pieces:
            return [At(location=name, pieces=pieces)]
    parts: list[At] = []
    for name, available in free.items():
        count = min(available, pieces)
        if count:
            parts.append(At(location=name, pieces=count))
            pieces -= count
    return parts


def allot_next(item: StockItem, context: MessageContext) -> Event | None:
    """Reserves available pieces for the oldest backorder; None if there is nothing to reserve."""
    if item.uncounted or item.head == item.tail or item.available <= 0:
        return None
    waiting = item.queue[item.head]
    pieces = min(waiting.pieces, item.available)
    return StockReserved(
        at=context.at,
        order=waiting.order,
        line=waiting.line,
        pieces=pieces,
        locations=pick_locations(item, pieces),
        ship_by=waiting.ship_by,
        expires_at=waiting.expires_at,
    )


def _expiring(item: StockItem, key: str) -> tuple[tuple[datetime | None, int], tuple[datetime | None, int]]:
    """(end, pieces) of the reserved and of the backordered pieces of a line that may expire."""
    reservation = item.reservations.get(key)
    slot = item.queue_slots.get(key)
    return (
        (None, 0) if reservation is None else (reservation.expires_at, reservation.pieces - reservation.firm),
        (None, 0) if slot is None else (item.queue[slot].expires_at, item.queue[slot].pieces),
    )


@rules.on_command
def reserve_packed(item: StockItem, command: ReservePacked, context: MessageContext) -> list[Event]:
    """Pieces beyond the available ones are reserved as well, with a discrepancy event."""
    key = line_key(command.order, command.line)
    free = min(command.pieces, max(0, item.available))
    short = command.pieces - free
    if command.location is not None:
        locations = [At(location=command.location, pieces=command.pieces)]
    else:
        locations = pick_locations(item, free)
        if short:
            locations = _joined(locations, At(location=_fullest(item), pieces=short))
    events: list[Event] = [
        StockReserved(
            at=context.at,
            order=command.order,
            line=command.line,
            pieces=command.pieces,
            locations=locations,
            ship_by=_ship_by(item, key),
            expires_at=None,
            packed=True,
        )
    ]
    if short:
        events.append(discrepancy(context, "packed_unreserved", key, free, command.pieces))
    return events


def _ship_by(item: StockItem, key: str) -> datetime | None:
    if key in item.reservations:
        return item.reservations[key].ship_by
    slot = item.queue_slots.get(key)
    return None if slot is None else item.queue[slot].ship_by


@rules.on_command
def confirm(item: StockItem, command: Confirm, context: MessageContext) -> list[Event]:
    parts = _expiring(item, line_key(command.order, command.line))
    if not any(end is not None and pieces for end, pieces in parts):
        return []
    return [
        ReservationConfirmed(at=context.at, order=command.order, line=command.line, pieces=command.packed)
    ]


@rules.on_command
def release(item: StockItem, command: Release, context: MessageContext) -> list[Event]:
    key = line_key(command.order, command.line)
    events: list[Event] = []
    if command.waiting and key in item.queue_slots:
        dropped = min(command.waiting, item.queue[item.queue_slots[key]].pieces)
        events.append(
            BackorderDropped(
                at=context.at,
                order=command.order,
                line=command.line,
                pieces=dropped,
                reason=command.reason if command.reason == "hold_expired" else "",
            )
        )
    parts = _reserved_parts(item, key, command.reserved)
    if parts:
        events.append(
            StockReleased(
                at=context.at,
                order=command.order,
                line=command.line,
                pieces=sum(part.pieces for part in parts),
                locations=parts,
                reason=command.reason,
            )
        )
    return events


@rules.on_command
def settle(item: StockItem, command: Settle, context: MessageContext) -> list[Event]:
    """Releases what the order does not hold, and reserves what is missing, even beyond what is available."""
    key = line_key(command.order, command.line)
    reserved = item.reservations[key].pieces if key in item.reservations else 0
    queued = item.queue[item.queue_slots[key]].pieces if key in item.queue_slots else 0
    surplus, dropped = max(0, reserved - command.reserved), max(0, queued - command.waiting)
    events = release(item, Release(command.order, command.line, surplus, dropped, "corrected"), context)
    if missing := max(0, command.reserved - reserved):
        events += reserve_packed(item, ReservePacked(command.order, command.line, missing), context)
    return events


@rules.on_command
def expire(item: StockItem, command: Expire, context: MessageContext) -> list[Event]:
    reserved, waiting = (
        pieces if end == command.due else 0
        for end, pieces in _expiring(item, line_key(command.order, command.line))
    )
    return release(item, Release(command.order, command.line, reserved, waiting, "hold_expired"), context)


def _reserved_parts(item: StockItem, key: str, pieces: int, first: str | None = None) -> list[At]:
    """The parts of a line's reservation that add up to `pieces`, or to fewer if it is smaller.

    `first`: the location to begin with; else one that has all of them.
    """
    reservation = item.reservations.get(key)
    parts: list[At] = []
    held = reservation.at if reservation else ()
    for location, reserved in sorted(held, key=lambda part: (part[0] != first, part[1] < pieces)):
        count = min(reserved, pieces)
        if count:
            parts.append(At(location=location, pieces=count, reserved=count))
            pieces -= count
    return parts


@rules.on_command
def ship(item: StockItem, command: Ship, context: MessageContext) -> list[Event]:
    """Takes the pieces out of stock.  Pieces without a reservation also cause a discrepancy event."""
    key = line_key(command.order, command.line)
    events: list[Event] = []
    parts = _reserved_parts(item, key, command.reserved, command.location)
    short = command.pieces - sum(part.pieces for part in parts)
    if command.location is not None:
        parts = _all_from(command.location, parts, command.pieces)
    elif short:
        location = parts[0].location if parts else _fullest(item)
        parts = _joined(parts, At(location=location, pieces=short))
    for part in parts:  # after a short count, on hand may be less than reserved
        events += before_take(item, Move(part.location, part.pieces, key), context)
    if (unreserved := short - command.replacing) > 0:
        events.append(discrepancy(context, "shipped_unreserved", key, 0, unreserved))
    shipped = StockShipped(
        at=context.at, order=command.order, line=command.line, pieces=command.pieces, locations=parts
    )
    return [*events, shipped]


def _all_from(location: str, parts: list[At], pieces: int) -> list[At]:
    """All `pieces` from one location, whatever locations they are reserved at."""
    there = sum(part.reserved for part in parts if part.location == location)
    elsewhere = [
        At(location=part.location, pieces=0, reserved=part.reserved)
        for part in parts
        if part.location != location
    ]
    return [At(location=location, pieces=pieces, reserved=there), *elsewhere]


def _joined(parts: list[At], extra: At) -> list[At]:
    for index, part in enumerate(parts):
        if part.location == extra.location:
            both = At(location=part.location, pieces=part.pieces + extra.pieces, reserved=part.reserved)
            return [*parts[:index], both, *parts[index + 1 :]]
    return [*parts, extra]


def _fullest(item: StockItem) -> str:
    free = {name: balance.on_hand - balance.reserved for name, balance in item.balances.items()}
    return min(free, key=lambda name: (-free[name], name), default="main")
