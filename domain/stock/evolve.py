"""Applies each event to the state of a stock item."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from immutables import Map

from domain.decider import Rules
from domain.stock import state
from domain.stock.past import Past
from domain.stock.state import OPENING, At, Balance, Reservation, StockItem, Waiting, line_key

rules = Rules[StockItem]()


@rules.on_event
def reserved(item: StockItem, event: state.StockReserved) -> StockItem:
    key = line_key(event.order, event.line)
    previous = item.reservations.get(key)
    by_location = dict(previous.at) if previous else {}
    for part in event.locations:
        by_location[part.location] = by_location.get(part.location, 0) + part.pieces
    if key in item.queue_slots:
        item = _remove_from_queue(item, key, event.pieces)
    firm, expires_at = (previous.firm, previous.expires_at) if previous else (0, None)
    reservation = Reservation(
        tuple(by_location.items()),
        event.ship_by,
        expires_at if event.packed else event.expires_at,
        firm + event.pieces if event.packed else firm,
    )
    return item._replace(
        balances=_change_reserved(item.balances, event.locations, reserved=1),
        reservations=item.reservations.set(key, reservation),
    )


@rules.on_event
def confirmed(item: StockItem, event: state.ReservationConfirmed) -> StockItem:
    key = line_key(event.order, event.line)
    if (reservation := item.reservations.get(key)) is not None:
        if event.pieces is not None:
            firm = reservation._replace(firm=min(reservation.pieces, reservation.firm + event.pieces))
            return item._replace(reservations=item.reservations.set(key, firm))
        item = item._replace(reservations=item.reservations.set(key, reservation._replace(expires_at=None)))
    if (slot := item.queue_slots.get(key)) is not None:
        waiting = item.queue[slot]._replace(expires_at=None)
        item = item._replace(queue=item.queue.set(slot, waiting))
    return item


@rules.on_event
def released(item: StockItem, event: state.StockReleased) -> StockItem:
    return item._replace(
        balances=_change_reserved(item.balances, event.locations, reserved=-1),
        reservations=_reduce_reservation(
            item,
            line_key(event.order, event.line),
            [(part.location, part.pieces) for part in event.locations],
        ),
    )


@rules.on_event
def shipped(item: StockItem, event: state.StockShipped) -> StockItem:
    for part in event.locations:
        item = _moved(item, part.location, event.at, Balance(-part.pieces, -part.reserved))
    reserved = [(part.location, part.reserved) for part in event.locations]
    key = line_key(event.order, event.line)
    reservations = _reduce_reservation(item, key, reserved)
    if (reservation := reservations.get(key)) is not None and reservation.firm:
        firm = max(0, reservation.firm - sum(pieces for _, pieces in reserved))
        reservations = reservations.set(key, reservation._replace(firm=firm))
    return item._replace(reservations=reservations)


def _reduce_reservation(item: StockItem, key: str, parts: Iterable[tuple[str, int]]) -> Map[str, Reservation]:
    reservation = item.reservations.get(key)
    if reservation is None:
        return item.reservations
    by_location = dict(reservation.at)
    for location, pieces in parts:
        left = by_location.pop(location, 0) - pieces
        if left > 0:
            by_location[location] = left
    if not by_location:
        return item.reservations.delete(key)
    reduced = reservation._replace(at=tuple(by_location.items()))
    return item.reservations.set(key, reduced._replace(firm=min(reduced.firm, reduced.pieces)))


@rules.on_event
def backordered(item: StockItem, event: state.StockBackordered) -> StockItem:
    """A line that waits already keeps its place in the queue."""
    key = line_key(event.order, event.line)
    if key in item.queue_slots:
        slot = item.queue_slots[key]
        waiting = item.queue[slot]
        return item._replace(
            queue=item.queue.set(slot, waiting._replace(pieces=waiting.pieces + event.pieces))
        )
    waiting = Waiting(event.order, event.line, event.pieces, event.ship_by, event.expires_at)
    return item._replace(
        queue=item.queue.set(item.tail, waiting),
        queue_slots=item.queue_slots.set(key, item.tail),
        tail=item.tail + 1,
    )


def _remove_from_queue(item: StockItem, key: str, pieces: int) -> StockItem:
    """The item with so many pieces of a line removed from the queue."""
    slot = item.queue_slots[key]
    waiting = item.queue[slot]
    if waiting.pieces > pieces:
        return item._replace(queue=item.queue.set(slot, waiting._replace(pieces=waiting.pieces - pieces)))
    queue = item.queue.delete(slot)
    head = item.head
    while head < item.tail and head not in queue:
        head += 1
    return item._replace(queue=queue, queue_slots=item.queue_slots.delete(key), head=head)


def _moved(item: StockItem, location: str, at: datetime, change: Balance) -> StockItem:
    """The item after pieces moved at a location, and when."""
    before = item.balances.get(location, Balance())
    after = Balance(
        before.on_hand + change.on_hand,
        before.reserved + change.reserved,
        before.quarantine + change.quarantine,
    )
    past = item.past.get(location, Past()).moved(at, change.on_hand)
    return item._replace(balances={**item.balances, location: after}, past={**item.past, location: past})


def _change_reserved(
    balances: Mapping[str, Balance], parts: Iterable[At], *, reserved: int
) -> Mapping[str, Balance]:
    after = dict(balances)
    for part in parts:
        before = after.get(part.location, Balance())
        after[part.location] = Balance(
            before.on_hand, before.reserved + reserved * part.pieces, before.quarantine
        )
    return after


@rules.on_event
def backorder_dropped(item: StockItem, event: state.BackorderDropped) -> StockItem:
    return _remove_from_queue(item, line_key(event.order, event.line), event.pieces)


@rules.on_event
def received(item: StockItem, event: state.StockReceived) -> StockItem:
    item = _moved(item, event.location, event.at, Balance(event.pieces))
    if event.reason == OPENING:  # it says what is there, like a count
        return _with_past(item, event.location, item.past[event.location]._replace(missing=()))
    return item


@rules.on_event
def counted(item: StockItem, event: state.StockCounted) -> StockItem:
    item = _moved(item, event.location, event.at, Balance(event.delta))
    item = _with_past(item, event.location, item.past[event.location].counted(event.at))
    before_closing = item.closed_at is not None and event.at < item.closed_at
    return item if before_closing else item._replace(uncounted=False)


@rules.on_event
def corrected(item: StockItem, event: state.StockAdjusted) -> StockItem:
    item = _moved(item, event.location, event.at, Balance(event.delta))
    if event.missing:
        past = item.past[event.location].missed(event.at, event.missing)
        return _with_past(item, event.location, past)
    return item


def _with_past(item: StockItem, location: str, past: Past) -> StockItem:
    return item._replace(past={**item.past, location: past})


@rules.on_event
def quarantined(item: StockItem, event: state.StockQuarantined) -> StockItem:
    change = Balance(-event.pieces, quarantine=event.pieces)
    return _moved(item, event.location, event.at, change)


@rules.on_event
def return_quarantined(item: StockItem, event: state.ReturnQuarantined) -> StockItem:
    return _moved(item, event.location, event.at, Balance(quarantine=event.pieces))


@rules.on_event
def return_restocked(item: StockItem, event: state.ReturnRestocked) -> StockItem:
    return _moved(item, event.location, event.at, Balance(event.pieces, quarantine=-event.pieces))


@rules.on_event
def return_scrapped(item: StockItem, event: state.ReturnScrapped) -> StockItem:
    return _moved(item, event.location, event.at, Balance(quarantine=-event.pieces))


@rules.on_event
def sale_closed(item: StockItem, event: state.SaleClosed) -> StockItem:
    uncounted = not item.is_counted_after(event.at)
    return item._replace(closed=True, closed_at=event.at, uncounted=uncounted)


@rules.on_event
def sale_resumed(item: StockItem, _: state.SaleResumed) -> StockItem:
    return item._replace(closed=False, uncounted=False)


@rules.on_event
def low(item: StockItem, _: state.LowStockDetected) -> StockItem:
    return item._replace(level="low")


@rules.on_event
def sold_out(item: StockItem, _: state.SoldOutDetected) -> StockItem:
    return item._replace(level="sold_out")


@rules.on_event
def recovered(item: StockItem, _: state.StockRecovered) -> StockItem:
    return item._replace(level="ok")


@rules.on_event
def unchanged(item: StockItem, _: state.CountRequested | state.StockDiscrepancyDetected) -> StockItem:
    return item
