"""The answers to the questions of a seller, counted slowly.  It imports nothing of ours."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from tests.recount.seller import (
    Line,
    Order,
    Return,
    Seller,
    business_day_after,
    clock,
    day_of,
)


class Share(NamedTuple):
    """What one case adds to a rate: the day it counts on, its numerator and denominator."""

    kpi: str
    day: date
    numerator: int
    denominator: int
    measured: timedelta | int | None = None
    limit: datetime | None = None
    """Before it, what is not done is not late, and not counted yet."""


def shares(seller: Seller, channel: str, account: str) -> Iterator[Share]:
    for order in seller.orders.values():
        if order.key[:2] == (channel, account):
            yield from _of_order(order)
    for back in seller.returns.values():
        if back.order.key[:2] == (channel, account) and back.received_at and back.refunded_at:
            took = back.refunded_at - back.received_at
            if took >= timedelta(0):
                yield Share("refund_cycle_time", day_of(back.received_at), 0, 0, took)


def _of_order(order: Order) -> Iterator[Share]:
    lines = [*order.lines.items()]
    placed_on, paid_at, left_at = day_of(order.placed_at), order.paid_at, order.left_at()
    whole = _delivered_whole(order)
    if paid_at is not None:
        yield Share("approval_time", placed_on, 0, 0, paid_at - order.placed_at)
        by_seller = any(line.cancelled("seller") for _, line in lines)
        yield Share("order_fulfilment", day_of(paid_at), not by_seller, 1)
        if left_at is not None and left_at >= paid_at:
            yield Share("processing_time", day_of(paid_at), 0, 0, left_at - paid_at)
    if whole is not None:
        yield Share("delivery_time", placed_on, 0, 0, whole - order.placed_at)
    for parcel in order.parcels.values():
        status, at, reported = parcel.milestone()
        if status == "delivered" and at is not None and reported is not None:
            yield Share("report_lag", day_of(at), 0, 0, reported - at)
    if order.reviews:
        at, _, score = max((at, name, score) for name, (at, score) in order.reviews.items())
        yield Share("satisfaction", day_of(at), score >= 4, 1, score)
    if paid_at is None and left_at is None:
        return
    yield from _rates(order, placed_on)
    for name, line in lines:
        yield from _shipment(order, line)
        yield from _returned(order, name, line)
    yield from _delivery(order, whole)


def _delivered_whole(order: Order) -> datetime | None:
    """When the last piece that was not cancelled was delivered."""
    left = delivered = 0
    for name, line in order.lines.items():
        left += line.ordered - line.where["cancelled"]
        delivered += order.in_state(name, "delivered")
    return order.delivered_at() if delivered and left == delivered else None


def _rates(order: Order, day: date) -> Iterator[Share]:
    lines = [*order.lines.values()]
    yield Share("cancel_rate", day, sum(bool(line.cancels) for line in lines), len(lines))
    for fault in ("customer", "platform", "carrier", "seller"):
        by_fault = sum(line.cancelled(fault) > 0 for line in lines)
        yield Share(f"cancel_rate:{fault}", day, by_fault, len(lines))
    sold_out = sum(line.cancelled(reason="out_of_stock") > 0 for line in lines)
    yield Share("out_of_stock_cancel_rate", day, sold_out, len(lines))
    wanted = [line for line in lines if line.ordered > line.cancelled("customer")]
    if not wanted:
        return
    pieces = full = at_once = requested = 0
    for line in wanted:
        count = line.ordered - line.cancelled("customer")
        waited = max(line.waited, line.cancelled(reason="out_of_stock"))
        requested += count
        pieces += line.where["sent"]
        full += line.where["sent"] == count
        at_once += max(0, min(count, line.ordered - waited))
    yield Share("unit_fill_rate", day, pieces, requested)
    yield Share("line_fill_rate", day, full, len(wanted))
    yield Share("order_fill_rate", day, full == len(wanted), 1)
    yield Share("first_time_fill_rate", day, at_once, requested)


def done_at(line: Line) -> datetime | None:
    """When the last piece of a line was sent or cancelled."""
    if line.waiting:
        return None
    return max([*line.sent_at, *(at for at, *_ in line.cancels)])


def _shipment(order: Order, line: Line) -> Iterator[Share]:
    limit, done = order.limit_of(line), done_at(line)
    if limit is None:
        return
    in_time = done is not None and done < limit
    if in_time and line.where["cancelled"] == line.ordered:
        return  # there is nothing to send
    day = day_of(limit - timedelta.resolution)
    yield Share("on_time_shipment", day, in_time, 1, limit=limit)


def _returned(order: Order, name: str, line: Line) -> Iterator[Share]:
    """What a carrier sends back never reached the buyer, so it is no return of the buyer."""
    delivered = order.in_state(name, "delivered")
    back = max(0, line.back.total() - order.in_state(name, "return_to_sender"))
    at = order.delivered_at(name) or line.back_at
    if at is None or not (delivered or back):
        return
    yield Share("return_rate", day_of(at), back, max(delivered, back))
    for reason in ("changed_mind", "defect"):
        count = min(line.back[reason], back)
        yield Share(f"return_rate:{reason}", day_of(at), count, max(delivered, back))


def _delivery(order: Order, whole: datetime | None) -> Iterator[Share]:
    promised = order.promised()
    if promised is None or all(line.where["cancelled"] == line.ordered for line in order.lines.values()):
        return
    limit, day = promised
    midnight = clock(day, 24)
    perfect = 0
    for name, line in order.lines.items():
        at = order.delivered_at(name)
        in_full = order.in_state(name, "delivered") == line.ordered
        perfect += in_full and at is not None and at < limit
    number = len(order.lines)
    yield Share("on_time_delivery", day, whole is not None and whole < limit, 1, limit=limit)
    yield Share("on_time_delivery_day", day, whole is not None and whole < midnight, 1, limit=midnight)
    yield Share("perfect_line", day, perfect, number, limit=limit)
    yield Share("perfect_order", day, perfect == number, 1, limit=limit)


class Rate(NamedTuple):
    numerator: int
    denominator: int
    open: int
    measured: int
    total: float
    """Unit: seconds, or points."""


def rate(all_shares: list[Share], name: str, since: date, until: date, as_of: datetime) -> Rate:
    """`until`: excluded."""
    numerator = denominator = open_cases = measured = 0
    total = 0.0
    for share in all_shares:
        if share.kpi != name or not since <= share.day < until:
            continue
        numerator += share.numerator
        denominator += share.denominator
        if share.limit is not None and as_of < share.limit:
            denominator -= share.denominator - share.numerator
            open_cases += share.denominator - share.numerator
        if share.measured is not None:
            measured += 1
            took = share.measured
            total += took.total_seconds() if isinstance(took, timedelta) else took
    return Rate(numerator, denominator, open_cases, measured, total)


class Penalty(NamedTuple):
    points: int
    paid_orders: int
    to_come: dict[date, int]
    expiring: dict[date, int]
    at_risk: int
    overdue: int


def naver_penalty(seller: Seller, account: str, as_of: datetime) -> Penalty:
    """Naver's points of the 30 days that end with the day before the midnight `as_of`."""
    last_day = day_of(as_of - timedelta.resolution)
    first = last_day - timedelta(days=29)
    orders = [order for order in seller.orders.values() if order.key[:2] == ("naver", account)]
    given: Counter[date] = Counter()
    for order in orders:
        for line in order.lines.values():
            for day, points in [*_late(order, line, as_of), *_sold_out(line)]:
                given[day] += points
    for back in seller.returns.values():
        if back.order.key[:2] == ("naver", account):
            for day, points in _slow(back, as_of):
                given[day] += points
    in_window = {day: points for day, points in given.items() if first <= day <= last_day}
    return Penalty(
        sum(in_window.values()),
        sum(first <= day_of(order.paid_at) <= last_day for order in orders if order.paid_at is not None),
        dict(sorted((day, points) for day, points in given.items() if day > last_day)),
        dict(sorted((day + timedelta(days=30), points) for day, points in in_window.items())),
        *_waiting(orders, as_of),
    )


def coupang_waiting(seller: Seller, as_of: datetime) -> tuple[int, int]:
    return _waiting([one for one in seller.orders.values() if one.key[0] == "coupang"], as_of)


def _waiting(orders: list[Order], as_of: datetime) -> tuple[int, int]:
    """(lines that must still leave, lines that should have left)"""
    limits = [
        order.limit_of(line) for order in orders for line in order.lines.values() if done_at(line) is None
    ]
    overdue = sum(limit is not None and limit <= as_of for limit in limits)
    return sum(limit is not None for limit in limits) - overdue, overdue


def _late(order: Order, line: Line, as_of: datetime) -> Iterator[tuple[date, int]]:
    """1 point on the business day after the due day, and 3 more if it has not left 4 business days later."""
    limit, done = order.limit_of(line), done_at(line)
    if limit is None:
        return
    due_day = day_of(limit - timedelta.resolution)
    if _missed(limit, done, as_of):
        yield business_day_after(due_day, 1), 1
    if _missed(clock(business_day_after(due_day, 4), 24), done, as_of):
        yield business_day_after(due_day, 5), 3


def _missed(limit: datetime, done: datetime | None, as_of: datetime) -> bool:
    return limit <= as_of and (done is None or done >= limit)


def _sold_out(line: Line) -> Iterator[tuple[date, int]]:
    """2 points on the next day, even on a holiday."""
    times = [at for at, _, reason, _ in line.cancels if reason == "out_of_stock"]
    if times:
        yield day_of(min(times)) + timedelta(days=1), 2


def _slow(back: Return, as_of: datetime) -> Iterator[tuple[date, int]]:
    """1 point if a return is not handled 3 business days after its collection."""
    begins = back.collected_at or back.received_at
    if begins is None:
        return
    done = min((at for at in (back.inspected_at, back.refunded_at) if at), default=None)
    if _missed(clock(business_day_after(day_of(begins), 3), 24), done, as_of):
        yield business_day_after(day_of(begins), 4), 1


def refunds_due(seller: Seller) -> dict[tuple[str, str, str], int]:
    """What is to be refunded and was not, by order."""
    due = {key: one.captured() - one.refunded - one.owed() for key, one in seller.orders.items()}
    return {key: amount for key, amount in due.items() if amount > 0}


def sellable(seller: Seller, sku: str, channel: str) -> int:
    item = seller.skus[sku]
    if item.closed:
        return 0
    return max(0, int(seller.shares[channel] * (item.free - seller.safety)))


KPIS = (
    "processing_time", "approval_time", "delivery_time", "report_lag", "refund_cycle_time",
    "on_time_shipment", "on_time_delivery", "on_time_delivery_day", "perfect_line", "perfect_order",
    "cancel_rate", "cancel_rate:customer", "cancel_rate:platform", "cancel_rate:carrier",
    "cancel_rate:seller", "out_of_stock_cancel_rate", "order_fulfilment", "unit_fill_rate",
    "line_fill_rate", "order_fill_rate", "first_time_fill_rate", "return_rate",
    "return_rate:changed_mind", "return_rate:defect", "satisfaction",
)  # fmt: skip
