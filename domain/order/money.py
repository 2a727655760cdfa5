"""What the buyer owes for an order, and what is owed to the buyer.  Unit: minor units of its currency."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from domain.errors import Refused
from domain.order.state import Line, Order
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


def _lines(order: Order) -> list[Priced]:
    return [
        Priced(line.price_micros, line.ordered, line.units.get("cancelled", 0) + line.returned)
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


class Covered(NamedTuple):
    """When the payments of an order covered its price, by the own times of all facts."""

    at: datetime
    difference: int
    """How far they differ from the prices, if the channel stated then that they pay it in full."""


def covered(order: Order) -> Covered | None:
    """None if its payments do not cover what must be paid.

    A payment in full covers it with all payments of that instant: channels report its parts one by one.
    """
    for at, captured, in_full in _captures(order):
        beyond = captured - _to_pay(order, at)
        if in_full or beyond >= 0:
            return Covered(at, beyond if in_full else 0)
    return None


def _captures(order: Order) -> Iterator[tuple[datetime, int, bool]]:
    """When payments, and cancels after the first one, may have covered the order.

    Yields: (instant, money captured by then, whether a payment of that instant is in full).
    """
    if not order.payments:
        return
    first = order.payments[0].at
    cancels = {at for line in order.lines.values() for at, _ in line.cancels if at > first}
    captured, payments = 0, deque(order.payments)
    for at in sorted({payment.at for payment in order.payments} | cancels):
        in_full = False
        while payments and payments[0].at <= at:
            payment = payments.popleft()
            captured, in_full = captured + payment.amount, in_full or payment.in_full
        yield at, captured, in_full


def _to_pay(order: Order, at: datetime) -> int:
    """What had to be captured by that instant: the value of the lines it then had, less what was cancelled.

    If everything was cancelled, that of all it had, so that a cancel alone never makes an order paid.
    """
    lines = _lines_at(order, at)
    if all(line.gone == line.ordered for line in lines):
        lines = [line._replace(gone=0) for line in lines]
    return owed_for(lines, terms_of(order)._replace(difference=0))


def _lines_at(order: Order, at: datetime) -> list[Priced]:
    """The lines that the order had by then, less what was cancelled by then."""
    return [
        Priced(line.price_micros, line.ordered, _cancelled_by(line, at))
        for line in order.lines.values()
        if line.added_at is None or line.added_at <= at
    ]


def _cancelled_by(line: Line, at: datetime) -> int:
    cancelled = sum(pieces for when, pieces in line.cancels if when <= at)
    return min(cancelled, line.units.get("cancelled", 0))


def difference_after(before: Order, after: Order) -> int | None:
    """`Order.difference` after a fact; None if it stays as it was."""
    settled = covered(after)
    difference = settled.difference if settled is not None else before.difference
    return None if difference == before.difference else difference


def owed_back_since(order: Order, amount: int) -> datetime | None:
    """Since when, by the own times of payments and cancels, more than `amount` is to be refunded."""
    for at, captured, _ in _captures(order):
        if captured - _owed_at(order, at) > amount:
            return at
    return None


def _owed_at(order: Order, at: datetime) -> int:
    lines = _lines_at(order, at)
    if all(line.gone == line.ordered for line in lines):
        return 0
    return owed_for(lines, terms_of(order))


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
