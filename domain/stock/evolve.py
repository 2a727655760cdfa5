"""The stock item after each event."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from immutables import Map

from domain.stock.state import (
    At,
    BackorderDropped,
    Balance,
    CountRequested,
    LowStockDetected,
    Reservation,
    ReservationConfirmed,
    ReturnQuarantined,
    ReturnRestocked,
    ReturnScrapped,
    SaleClosed,
    SaleResumed,
    SoldOutDetected,
    StockAdjusted,
    StockBackordered,
    StockCounted,
    StockDiscrepancyDetected,
    StockEvent,
    StockItem,
    StockQuarantined,
    StockReceived,
    StockRecovered,
    StockReleased,
    StockReserved,
    StockShipped,
    Waiting,
    line_key,
)


def evolve(item: StockItem, event: StockEvent) -> StockItem:  # noqa: C901, PLR0911, PLR0912
    """The item after `event`.  Never refuses: what happened, happened."""
    match event:
        case StockReserved():
            return _reserved(item, event)
        case StockShipped():
            return _shipped(item, event)
        case StockReleased():
            return _released(item, event)
        case StockBackordered():
            return _backordered(item, event)
        case BackorderDropped():
            return _unqueued(item, line_key(event.order, event.line), event.pieces)
        case ReservationConfirmed():
            return _confirmed(item, line_key(event.order, event.line))
        case StockReceived():
            return _balanced(item, event.location, on_hand=event.pieces)
        case StockCounted() | StockAdjusted():
            return _balanced(item, event.location, on_hand=event.delta)
        case StockQuarantined():
            return _balanced(item, event.location, on_hand=-event.pieces, quarantine=event.pieces)
        case ReturnQuarantined():
            return _balanced(item, event.location, quarantine=event.pieces)
        case ReturnRestocked():
            return _balanced(item, event.location, on_hand=event.pieces, quarantine=-event.pieces)
        case ReturnScrapped():
            return _balanced(item, event.location, quarantine=-event.pieces)
        case SaleClosed():
            return item._replace(closed=True)
        case SaleResumed():
            return item._replace(closed=False)
        case LowStockDetected():
            return item._replace(level="low")
        case SoldOutDetected():
            return item._replace(level="sold_out")
        case StockRecovered():
            return item._replace(level="ok")
        case CountRequested() | StockDiscrepancyDetected():
            return item
        case _:
            assert_never(event)


def _reserved(item: StockItem, event: StockReserved) -> StockItem:
    key = line_key(event.order, event.line)
    known = item.reservations.get(key)
    at = dict(known.at) if known else {}
    for part in event.locations:
        at[part.location] = at.get(part.location, 0) + part.pieces
    if key in item.places:
        item = _unqueued(item, key, event.pieces)
    reservation = Reservation(tuple(at.items()), event.ship_by, event.expires_at)
    return item._replace(
        balances=_shifted(item.balances, event.locations, reserved=1),
        reservations=item.reservations.set(key, reservation),
    )


def _confirmed(item: StockItem, key: str) -> StockItem:
    if (held := item.reservations.get(key)) is not None:
        item = item._replace(reservations=item.reservations.set(key, held._replace(expires_at=None)))
    if (place := item.places.get(key)) is not None:
        firm = item.queue[place]._replace(expires_at=None)
        item = item._replace(queue=item.queue.set(place, firm))
    return item


def _released(item: StockItem, event: StockReleased) -> StockItem:
    return item._replace(
        balances=_shifted(item.balances, event.locations, reserved=-1),
        reservations=_consumed(
            item,
            line_key(event.order, event.line),
            [(part.location, part.pieces) for part in event.locations],
        ),
    )


def _shipped(item: StockItem, event: StockShipped) -> StockItem:
    balances = dict(item.balances)
    for part in event.locations:
        there = balances.get(part.location, Balance())
        balances[part.location] = Balance(
            there.on_hand - part.pieces, there.reserved - part.reserved, there.quarantine
        )
    promised = [(part.location, part.reserved) for part in event.locations]
    return item._replace(
        balances=balances,
        reservations=_consumed(item, line_key(event.order, event.line), promised),
    )


def _consumed(item: StockItem, key: str, parts: Iterable[tuple[str, int]]) -> Map[str, Reservation]:
    known = item.reservations.get(key)
    if known is None:
        return item.reservations
    at = dict(known.at)
    for location, pieces in parts:
        left = at.pop(location, 0) - pieces
        if left > 0:
            at[location] = left
    if not at:
        return item.reservations.delete(key)
    return item.reservations.set(key, known._replace(at=tuple(at.items())))


def _backordered(item: StockItem, event: StockBackordered) -> StockItem:
    key = line_key(event.order, event.line)
    waiting = Waiting(event.order, event.line, event.pieces, event.ship_by, event.expires_at)
    return item._replace(
        queue=item.queue.set(item.tail, waiting),
        places=item.places.set(key, item.tail),
        tail=item.tail + 1,
    )


def _unqueued(item: StockItem, key: str, pieces: int) -> StockItem:
    """The item with that many pieces of a line taken out of the queue."""
    place = item.places[key]
    waiting = item.queue[place]
    if waiting.pieces > pieces:
        return item._replace(queue=item.queue.set(place, waiting._replace(pieces=waiting.pieces - pieces)))
    queue = item.queue.delete(place)
    head = item.head
    while head < item.tail and head not in queue:
        head += 1
    return item._replace(queue=queue, places=item.places.delete(key), head=head)


def _balanced(item: StockItem, location: str, *, on_hand: int = 0, quarantine: int = 0) -> StockItem:
    there = item.balances.get(location, Balance())
    after = Balance(there.on_hand + on_hand, there.reserved, there.quarantine + quarantine)
    return item._replace(balances={**item.balances, location: after})


def _shifted(balances: Mapping[str, Balance], parts: Iterable[At], *, reserved: int) -> Mapping[str, Balance]:
    after = dict(balances)
    for part in parts:
        there = after.get(part.location, Balance())
        after[part.location] = Balance(
            there.on_hand, there.reserved + reserved * part.pieces, there.quarantine
        )
    return after
