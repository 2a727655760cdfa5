"""The view of an order: all its rows, and the changes that several events share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.order.place import PlacedLine
from domain.order.state import Move
from domain.values import micros
from projections.instants import micros_of
from projections.orders.rows import Backorder, CancelAsked, OrderFact, OrderStatus, Parcel

COLUMN: Final = {
    "open": "waiting",
    "backordered": "waiting",
    "allocated": "waiting",
    "packed": "packed",
    "in_transit": "in_transit",
    "delivered": "delivered",
    "lost": "lost",
    "returned_to_sender": "returned_to_sender",
    "cancelled": "cancelled",
}
"""The counter column of each state.

The states before packing share one, because the allocation depends on the sequence in which facts arrive.
"""
FAULTS: Final = ("customer", "platform", "carrier", "seller")


@dataclass(slots=True)
class OrderView:
    status: OrderStatus
    lines: dict[str, OrderFact] = field(default_factory=dict[str, OrderFact])
    parcels: dict[str, Parcel] = field(default_factory=dict[str, Parcel])
    requests: dict[str, CancelAsked] = field(default_factory=dict[str, CancelAsked])
    backorders: dict[str, Backorder] = field(default_factory=dict[str, Backorder])


def earliest(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def latest(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def move(view: OrderView, moved: Move, to: str) -> OrderFact:
    """Moves pieces of a line from their state to the state `to`.  Returns the line."""
    line, pieces, was = view.lines[moved.line], moved.pieces, moved.was
    source, target = COLUMN[was], COLUMN[to]
    if source != target:
        setattr(line, source, getattr(line, source) - pieces)
        setattr(line, target, getattr(line, target) + pieces)
    if was == "cancelled":
        _sent_after_all(line, pieces)
    elif was == "backordered":
        view.backorders[moved.line].waiting -= pieces
    line.cancel_pending = min(line.cancel_pending, line.waiting + line.packed)
    return line


def _sent_after_all(line: OrderFact, pieces: int) -> None:
    """Subtracts dispatched pieces from the counters of cancelled pieces, those of the customer first."""
    for fault in FAULTS:
        name = f"cancelled_{fault}"
        count = min(pieces, getattr(line, name))
        setattr(line, name, getattr(line, name) - count)
        pieces -= count
    line.out_of_stock = min(line.out_of_stock, line.cancelled_seller)
    if not line.out_of_stock:
        line.out_of_stock_at = None
    if not line.cancelled:
        line.cancelled_at = None


def add_lines(view: OrderView, lines: Iterable[PlacedLine], at: int) -> None:
    order = view.status
    for line in lines:
        if line.line in view.lines:
            row = view.lines[line.line]
            row.ordered += line.pieces
            row.waiting += line.pieces
            row.value_micros += micros(row.unit_price, line.pieces)
            continue
        view.lines[line.line] = OrderFact(
            order.seller_id,
            order.channel,
            order.account,
            order.order_id,
            line.line,
            line.sku,
            order.currency,
            order.zone,
            line.pieces,
            line.unit_price,
            micros(line.unit_price, line.pieces),
            at,
            waiting=line.pieces,
            delivery=line.delivery,
            line_ship_by=None if line.ship_by is None else micros_of(line.ship_by),
            line_promise_at=None if line.promise_at is None else micros_of(line.promise_at),
        )


def done_at(line: OrderFact) -> int | None:
    """When the last piece of the line was handed over or cancelled; None while one is still to be sent.

    A cancel after the limit does not make up for it.
    """
    if line.waiting or line.packed:
        return None
    return latest(None if line.dispatch_inferred else line.last_dispatched_at, line.cancelled_at)


def returned_by_buyer(line: OrderFact) -> int:
    """Returned pieces of a line without those that a carrier sent back, which come first."""
    return max(0, line.returned - line.returned_to_sender)


def parcel_of(view: OrderView, shipment_id: str) -> Parcel:
    parcel = view.parcels.get(shipment_id)
    if parcel is None:
        order = view.status
        parcel = Parcel(order.seller_id, order.channel, order.account, order.order_id, shipment_id)
        view.parcels[shipment_id] = parcel
    return parcel


def handover_times(parcels: Iterable[Parcel]) -> tuple[int | None, int | None]:
    """When the first and the last of these parcels were handed over."""
    times = [parcel.dispatched_at for parcel in parcels if parcel.dispatched_at is not None]
    return min(times, default=None), max(times, default=None)


def answer(view: OrderView, request_id: str, state: str, at: int) -> None:
    request = view.requests.get(request_id)
    if request is None or request.state != "waiting":
        return
    request.state, request.answered_at = state, at
    for name, pieces in request.pending.items():
        line = view.lines[name]
        line.cancel_pending = max(0, line.cancel_pending - pieces)


def settle(view: OrderView, request_id: str, pieces: Mapping[str, int], at: int) -> None:
    """The channel cancelled these pieces of a pending request, which keeps the rest."""
    request = view.requests.get(request_id)
    if request is None or request.state != "waiting":
        return
    left = {name: count - pieces.get(name, 0) for name, count in request.pending.items()}
    if not any(count > 0 for count in left.values()):
        answer(view, request_id, "settled", at)
        return
    for name, count in pieces.items():
        view.lines[name].cancel_pending = max(0, view.lines[name].cancel_pending - count)
    request.pending = {name: count for name, count in left.items() if count > 0}


def overtake(view: OrderView, at: int) -> None:
    """Closes the cancel requests whose pieces were all handed over: they can no longer be approved."""
    for name, request in sorted(view.requests.items()):
        if request.state == "waiting" and not any(
            view.lines[line].cancel_pending for line in request.pending
        ):
            answer(view, name, "overtaken", at)
