"""Computes the derived columns of an order and its lines: sums, times and the status."""

from collections.abc import Iterable

from domain.punctuality import has_passed
from projections.orders.money import balance
from projections.orders.rows import OrderFact, OrderStatus, Parcel
from projections.orders.status import derived_status
from projections.orders.view import OrderView, latest, returned_by_buyer


def finish(view: OrderView) -> None:
    """Sums up the lines in the row of the order, and copies the order's columns to each line."""
    order, lines = view.status, view.lines.values()
    _times(view)
    _count(order, lines)
    order.cancelled_at = order.cancel_told_at if order.cancelled or not view.lines else None
    balance(view)
    kept = sum(max(0, line.delivered - returned_by_buyer(line)) for line in lines)
    order.status = derived_status(order, kept)
    for line in lines:
        limit = order.ship_by if line.line_ship_by is None else line.line_ship_by
        line.ship_by = limit if _is_due(order, line) else None
        line.promise_at = order.promise_at if line.line_promise_at is None else line.line_promise_at
        line.placed_at, line.placed_on, line.paid_at = order.placed_at, order.placed_on, order.paid_at
        line.status, line.claimed_status = order.status, order.claimed_status
        line.position, line.recorded_at = order.position, order.recorded_at
        line.late_pieces = 0
    _count_late(view)


def _count_late(view: OrderView) -> None:
    """Counts the pieces that were handed over too late, parcel by parcel."""
    for parcel in view.parcels.values():
        at = parcel.dispatched_at
        if at is None or parcel.dispatch_inferred:
            continue
        for name, pieces in parcel.contents.items():
            limit = view.lines[name].ship_by
            if limit is not None and has_passed(limit, at):
                view.lines[name].late_pieces += pieces


def _is_due(order: OrderStatus, line: OrderFact) -> bool:
    """Whether a line has a limit: it needs a parcel, and is to be sent or left before the payment."""
    to_send = order.paid_at is not None or order.released_at is not None
    return line.delivery == "parcel" and (to_send or line.last_dispatched_at is not None)


def _count(order: OrderStatus, lines: Iterable[OrderFact]) -> None:
    ordered = waiting = packed = in_transit = delivered = lost = to_sender = cancelled = 0
    pending = return_open = returned = value = number = 0
    for line in lines:
        number += 1
        ordered += line.ordered
        waiting += line.waiting
        packed += line.packed
        in_transit += line.in_transit
        delivered += line.delivered
        lost += line.lost
        to_sender += line.returned_to_sender
        cancelled += line.cancelled
        pending += line.cancel_pending
        return_open += line.return_open
        returned += line.returned
        value += line.value_micros
    order.lines, order.ordered, order.waiting, order.packed = number, ordered, waiting, packed
    order.in_transit, order.delivered, order.lost = in_transit, delivered, lost
    order.returned_to_sender, order.cancelled, order.cancel_pending = to_sender, cancelled, pending
    order.return_open, order.returned, order.value_micros = return_open, returned, value


def _times(view: OrderView) -> None:
    """Sets the delivery times from the parcels whose latest milestone is a delivery."""
    order = view.status
    order.delivered_at = order.delivery_reported_at = None
    for line in view.lines.values():
        line.delivered_at = line.delivery_reported_at = None
        if line.fulfilled_at is not None:
            line.delivered_at = line.fulfilled_at
            order.delivered_at = latest(order.delivered_at, line.fulfilled_at)
    for parcel in view.parcels.values():
        if parcel.status != "delivered" or parcel.status_at is None:
            continue
        _arrived(order, parcel)
        for name in parcel.contents:
            _arrived(view.lines[name], parcel)


def _arrived(row: OrderStatus | OrderFact, parcel: Parcel) -> None:
    at = parcel.status_at
    assert at is not None
    if row.delivered_at is None or at > row.delivered_at:
        row.delivered_at, row.delivery_reported_at = at, parcel.reported_at
    elif at == row.delivered_at:
        row.delivery_reported_at = latest(row.delivery_reported_at, parcel.reported_at)
