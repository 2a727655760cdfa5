"""Promising stock to order lines: reserve, wait in turn, release, ship."""

from datetime import datetime
from typing import NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.stock.book import topped_up
from domain.stock.state import (
    At,
    BackorderDropped,
    Balance,
    ReservationConfirmed,
    StockBackordered,
    StockDiscrepancyDetected,
    StockItem,
    StockReleased,
    StockReserved,
    StockShipped,
    line_key,
)

rules = Rules[StockItem]()


class Reserve(NamedTuple):
    """An order line asks for pieces.  Stock decides."""

    order: str
    line: str
    pieces: int
    ship_by: datetime | None = None
    expires_at: datetime | None = None


class Confirm(NamedTuple):
    """The order was paid: its reservation is firm."""

    order: str
    line: str


class Release(NamedTuple):
    """An order line gives up reserved pieces, and pieces that wait."""

    order: str
    line: str
    reserved: int
    waiting: int
    reason: str


class Expire(NamedTuple):
    """Time has passed the reservation of an unpaid order."""

    order: str
    line: str
    due: datetime


class Ship(NamedTuple):
    """Pieces of an order line have left; `reserved` of them were promised to it."""

    order: str
    line: str
    pieces: int
    reserved: int


@rules.on_command
def reserve(item: StockItem, command: Reserve, context: MessageContext) -> list[Event]:
    key = line_key(command.order, command.line)
    if key in item.reservations or key in item.queue_slots:
        return []
    free = 0 if item.closed else max(0, item.available)
    granted = min(free, command.pieces)
    events: list[Event] = []
    if granted:
        events.append(
            StockReserved(
                at=context.at,
                order=command.order,
                line=command.line,
                pieces=granted,
                locations=placed(item, granted),
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


def placed(item: StockItem, pieces: int) -> list[At]:
    """Where to take `pieces` from: one location that has them all, else the first ones in turn."""
    free = {
        name: balance.on_hand - balance.reserved
        for name, balance in sorted(item.balances.items())
        if balance.on_hand > balance.reserved
    }
    for name, there in free.items():
        if there >= pieces:
            return [At(location=name, pieces=pieces)]
    parts: list[At] = []
    for name, there in free.items():
        some = min(there, pieces)
        if some:
            parts.append(At(location=name, pieces=some))
            pieces -= some
    return parts


def allot_next(item: StockItem, context: MessageContext) -> Event | None:
    """The oldest who waits gets what there is; nothing while the SKU's book is in doubt."""
    if item.closed or item.head == item.tail or item.available <= 0:
        return None
    waiting = item.queue[item.head]
    pieces = min(waiting.pieces, item.available)
    return StockReserved(
        at=context.at,
        order=waiting.order,
        line=waiting.line,
        pieces=pieces,
        locations=placed(item, pieces),
        ship_by=waiting.ship_by,
        expires_at=waiting.expires_at,
    )


def _expiries(item: StockItem, order: str, line: str) -> set[datetime]:
    """When what the line holds, or waits for, is let go because nobody paid."""
    key = line_key(order, line)
    slot = item.queue_slots.get(key)
    ends = {
        item.reservations[key].expires_at if key in item.reservations else None,
        item.queue[slot].expires_at if slot is not None else None,
    }
    return {end for end in ends if end is not None}


@rules.on_command
def confirm(item: StockItem, command: Confirm, context: MessageContext) -> list[Event]:
    if not _expiries(item, command.order, command.line):
        return []
    return [ReservationConfirmed(at=context.at, order=command.order, line=command.line)]


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
    parts = _promised(item, key, command.reserved)
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
def expire(item: StockItem, command: Expire, context: MessageContext) -> list[Event]:
    if command.due not in _expiries(item, command.order, command.line):
        return []
    key = line_key(command.order, command.line)
    held = item.reservations[key].pieces if key in item.reservations else 0
    waits = item.queue[item.queue_slots[key]].pieces if key in item.queue_slots else 0
    return release(item, Release(command.order, command.line, held, waits, "hold_expired"), context)


def _promised(item: StockItem, key: str, pieces: int) -> list[At]:
    """The parts of a line's reservation that make up `pieces`, as far as they go."""
    held = item.reservations.get(key)
    parts: list[At] = []
    for location, there in held.at if held else ():
        some = min(there, pieces)
        if some:
            parts.append(At(location=location, pieces=some, reserved=some))
            pieces -= some
    return parts


@rules.on_command
def ship(item: StockItem, command: Ship, context: MessageContext) -> list[Event]:
    """Stock leaves.  What was not reserved is taken from on hand, and said."""
    key = line_key(command.order, command.line)
    events: list[Event] = []
    parts = _promised(item, key, command.reserved)
    short = command.pieces - sum(part.pieces for part in parts)
    if short:
        location = parts[0].location if parts else _fullest(item)
        parts = _joined(parts, At(location=location, pieces=short))
    for part in parts:  # a short count may have left less than was promised
        there = item.balances.get(part.location, Balance()).on_hand
        events += topped_up(there, part.pieces, part.location, key, context)
    if short:
        events.append(
            StockDiscrepancyDetected(
                at=context.at, kind="shipped_unreserved", subject=key, expected=0, observed=short
            )
        )
    shipped = StockShipped(
        at=context.at, order=command.order, line=command.line, pieces=command.pieces, locations=parts
    )
    return [*events, shipped]


def _joined(parts: list[At], more: At) -> list[At]:
    for index, part in enumerate(parts):
        if part.location == more.location:
            both = At(location=part.location, pieces=part.pieces + more.pieces, reserved=part.reserved)
            return [*parts[:index], both, *parts[index + 1 :]]
    return [*parts, more]


def _fullest(item: StockItem) -> str:
    free = {name: balance.on_hand - balance.reserved for name, balance in item.balances.items()}
    return min(free, key=lambda name: (-free[name], name), default="main")
