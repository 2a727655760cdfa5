"""Folds payments and refunds into the row of an order."""

from domain.order.money import Priced, Terms, owed_for
from domain.order.payment import OrderPaid, OrderReleased, PaymentCaptured, PaymentReversed
from domain.order.refund import OrderRefundOverdue, RefundOwed, RefundRecorded
from projections.fold import Fold, when
from projections.instants import local_day, micros_of
from projections.orders.rows import OrderStatus
from projections.orders.view import OrderView, earliest


class Money(Fold[OrderView]):
    """The part of the fold of orders that handles money."""

    @when
    def paid(self, view: OrderView, event: OrderPaid, at: int) -> None:
        order = view.status
        order.paid_at = earliest(order.paid_at, at if event.paid_at is None else micros_of(event.paid_at))
        order.captured += event.amount
        if event.difference is not None:
            order.difference = event.difference
        for name, limit in (event.line_ship_by or {}).items():
            view.lines[name].line_ship_by = micros_of(limit)
        _deadline(order, event)

    @when
    def released(self, view: OrderView, event: OrderReleased, at: int) -> None:
        view.status.released_at = at
        _deadline(view.status, event)

    @when
    def captured(self, view: OrderView, event: PaymentCaptured, at: int) -> None:
        del at
        view.status.captured += event.amount
        if event.difference is not None:
            view.status.difference = event.difference

    @when
    def reversed(self, view: OrderView, event: PaymentReversed, at: int) -> None:
        del at
        view.status.reversed += event.amount

    @when
    def refund_owed(self, view: OrderView, event: RefundOwed, at: int) -> None:
        del at
        order = view.status
        order.claw_back -= event.breakdown.get("claw_back", 0)
        order.refund_due_at = earliest(order.refund_due_at, micros_of(event.due_at))

    @when
    def refund_overdue(self, view: OrderView, event: OrderRefundOverdue, at: int) -> None:
        del at
        view.status.refund_overdue_at = earliest(view.status.refund_overdue_at, micros_of(event.due_at))

    @when
    def refunded(self, view: OrderView, event: RefundRecorded, at: int) -> None:
        del at
        view.status.refunded += event.amount
        view.status.refunds += 1


def _deadline(order: OrderStatus, event: OrderPaid | OrderReleased) -> None:
    if event.ship_by is not None:
        order.ship_by = earliest(order.ship_by, micros_of(event.ship_by))
    if event.promise_at is not None and not _promised_by_channel(order):
        # A policy's promise is exclusive: it ends at midnight, so the promised day is the day before.
        promise_at = micros_of(event.promise_at)
        order.promise_at = promise_at if order.promise_at is None else min(order.promise_at, promise_at)
        order.promised_day = local_day(order.zone, order.promise_at - 1)


def _promised_by_channel(order: OrderStatus) -> bool:
    """Whether the channel named the promise: only then the day of that instant still keeps it."""
    return order.promise_at is not None and order.promised_day == local_day(order.zone, order.promise_at)


def balance(view: OrderView) -> None:
    """Sets what the order costs now, and what is to be refunded."""
    order = view.status
    lines = [
        Priced(line.value_micros // max(1, line.ordered), line.ordered, line.cancelled + line.returned)
        for line in view.lines.values()
    ]
    cancelled = order.ordered > 0 and order.cancelled == order.ordered
    if not cancelled and not any(line.price_micros for line in lines):
        order.owed = None  # its prices are not known
    else:
        terms = Terms(
            order.currency, order.shipping_fee, order.free_shipping_from, order.claw_back, order.difference
        )
        order.owed = 0 if cancelled else owed_for(lines, terms)
    left = order.captured - order.reversed - order.refunded
    order.refund_due = 0 if order.owed is None else max(0, left - order.owed)
    if not order.refund_due:
        order.refund_due_at = order.refund_overdue_at = None
