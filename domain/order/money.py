"""What the buyer owes for an order, and what is owed to the buyer.  Unit: minor units of its currency."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from domain.errors import Refused
from domain.order.state import Order
from domain.policies.refunds import rest_value
from domain.values import Fault, decimals

MICROS = 1_000_000


class NotPaid(Refused):
    """The order is not paid, or its payment was reversed; it is not sent before what is owed is captured."""


class Priced(NamedTuple):
    """Pieces of a line and their price.  `gone`: those cancelled or returned."""

    price_micros: int
    ordered: int
    gone: int


class Terms(NamedTuple):
    """What an order costs besides its goods."""

    currency: str
    shipping_fee: int
    """Due if the goods are worth less than `free_shipping_from`."""
    free_shipping_from: int | None = None
    claw_back: int = 0
    """Shipping fees that a buyer's cancel made due again."""
    difference: int = 0
    """What the channel settled beside the prices."""


def minor(value_micros: int, currency: str) -> int:
    """Micros of the major unit in minor units; halves are rounded up."""
    unit: int = MICROS // 10 ** decimals(currency)
    return (value_micros + unit // 2) // unit


def goods_value(lines: Iterable[Priced], currency: str) -> int:
    """The value of the pieces that are not gone."""
    return sum(
        rest_value(minor(line.price_micros * line.ordered, currency), line.ordered, line.gone)
        for line in lines
        if line.price_micros
    )


def charged_fee(lines: Iterable[Priced], terms: Terms) -> int:
    """The shipping fee of the order as it was placed."""
    if not terms.shipping_fee or terms.free_shipping_from is None:
        return terms.shipping_fee
    goods = goods_value((line._replace(gone=0) for line in lines), terms.currency)
    return 0 if goods >= terms.free_shipping_from else terms.shipping_fee


def owed_for(lines: list[Priced], terms: Terms) -> int:
    """What the buyer owes for the pieces that are not gone."""
    goods = goods_value(lines, terms.currency)
    return max(0, goods + charged_fee(lines, terms) + terms.claw_back + terms.difference)


def terms_of(order: Order) -> Terms:
    return Terms(
        order.currency, order.shipping_fee, order.free_shipping_from, order.claw_back, order.difference
    )


def _lines(order: Order, *, cancels: bool = True, returns: bool = True) -> list[Priced]:
    return [
        Priced(
            line.price_micros,
            line.ordered,
            cancels * line.units.get("cancelled", 0) + returns * line.returned,
        )
        for line in order.lines.values()
    ]


def is_cancelled(order: Order) -> bool:
    """Whether every piece of it is cancelled."""
    lines = order.lines.values()
    return bool(lines) and all(line.units.get("cancelled", 0) == line.ordered for line in lines)


def is_priced(order: Order) -> bool:
    """Whether its prices are known."""
    return any(line.price_micros for line in order.lines.values())


def owed(order: Order) -> int:
    """What the buyer owes now: for all that is neither cancelled nor returned, with the shipping fee."""
    return 0 if is_cancelled(order) else owed_for(_lines(order), terms_of(order))


def rest_of_goods(order: Order) -> int:
    """The value of the pieces that are neither cancelled nor returned."""
    return goods_value(_lines(order), order.currency)


def cancelled_value(order: Order, cancelled: Iterable[tuple[str, int]]) -> int:
    """The value of the (line, pieces) that were cancelled last."""
    after = _lines(order)
    pieces = dict(cancelled)
    before = [
        line._replace(gone=line.gone - pieces.get(name, 0))
        for name, line in zip(order.lines, after, strict=True)
    ]
    return goods_value(before, order.currency) - goods_value(after, order.currency)


def return_value(order: Order, requested: Iterable[tuple[str, int]], fault: Fault) -> int:
    """The most that is to be refunded for these pieces when they come back.

    The shipping fee belongs to it if the buyer is not at fault, or if nothing is left of the order.
    """
    now = [
        line._replace(gone=line.gone + order.lines[name].return_open)
        for name, line in zip(order.lines, _lines(order), strict=True)
    ]
    pieces = dict(requested)
    after = [
        line._replace(gone=line.gone + pieces.get(name, 0))
        for name, line in zip(order.lines, now, strict=True)
    ]
    left = goods_value(after, order.currency)
    value = goods_value(now, order.currency) - left
    everything = all(line.gone >= line.ordered for line in after)
    return value + (charged_fee(now, terms_of(order)) if fault != "customer" or everything else 0)


def fee_of(order: Order) -> int:
    """The shipping fee that the order was placed with."""
    return charged_fee(_lines(order), terms_of(order))


def to_pay(order: Order, at: datetime | None = None) -> int:
    """What must be captured before it counts as paid: the value of what is not cancelled.

    If everything is cancelled, that of all it had, so that a cancel alone never makes an order paid.
    `at`: without the lines that were added after it, so that an addition never makes an order unpaid.
    """
    priced = zip(
        order.lines.values(), _lines(order, cancels=not is_cancelled(order), returns=False), strict=True
    )
    lines = [part for line, part in priced if at is None or line.added_at is None or line.added_at <= at]
    return owed_for(lines, terms_of(order))


def difference_after(before: Order, after: Order) -> int:
    """`Order.difference` after another payment, or after pieces were added.

    Only the change is worked out: what was cancelled in the meantime does not count again.
    """
    return before.difference + _settled_beside(after) - _settled_beside(before)


def _settled_beside(order: Order) -> int:
    """How far the payments until the first one in full exceed the prices of what was ordered by then.

    All payments of that instant belong to it: channels report the parts of one payment one by one.  0 if
    earlier payments covered the prices, or there is no payment in full.
    """
    order, captured = order._replace(difference=0), 0
    for at, payments in groupby(order.payments, attrgetter("at")):
        parts = list(payments)
        captured += sum(payment.amount for payment in parts)
        beyond = captured - to_pay(order, at)
        if any(payment.in_full for payment in parts):
            return beyond
        if beyond >= 0:
            return 0
    return 0


def covered_at(order: Order) -> datetime | None:
    """When its payments, by their own time, covered what must be paid; None if they do not."""
    captured = 0
    for payment in order.payments:
        captured += payment.amount
        if payment.in_full or captured >= to_pay(order, payment.at):
            return payment.at
    return None


def kept(order: Order) -> int:
    """The captured money that was not reversed."""
    return order.captured - order.reversed


def lacks_payment(order: Order) -> bool:
    """Whether it must not be sent: it is not paid, or its payment was reversed."""
    return not order.to_fulfil or (order.reversed > 0 and kept(order) < owed(order))


def refundable(order: Order) -> int:
    """All that is to be refunded, those refunds included that were made already."""
    if not is_priced(order) and not is_cancelled(order):
        return 0
    return max(0, kept(order) - owed(order))


def outstanding(order: Order) -> int:
    """The refunds that fell due and were not made."""
    return min(order.refund_owed, refundable(order)) - order.refunded
