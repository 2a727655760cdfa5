"""Computes what each order and each return contributes to the cells of `fulfilment_kpis`.

When an order changes, its old contribution is subtracted and the new one is added, so a late event corrects
past days.  A KPI with a colon (`cancel_rate:seller`) has its own numerator; its denominator is that of the
KPI before the colon.

| KPI | cohort (local day of) | numerator / denominator, or the measured value |
|---|---|---|
| processing_time | payment | first dispatch - payment |
| approval_time | placement | payment - placement |
| delivery_time | placement | last delivery - placement, of orders delivered in full |
| report_lag | delivery | the source's report of a delivery - that delivery, per parcel |
| refund_cycle_time | receipt of the return | refund - receipt |
| on_time_shipment | ship_by | lines handed over in full before ship_by / lines not cancelled before it |
| on_time_delivery | the promise | orders delivered in full before promise_at / not fully cancelled orders |
| on_time_delivery_day | the promise | the same, but only the day is compared, not the time |
| perfect_line, perfect_order | the promise | delivered in full and before promise_at / lines, orders |
| cancel_rate, cancel_rate:FAULT | placement | lines with cancelled pieces (by party at fault) / lines |
| out_of_stock_cancel_rate | placement | lines with out-of-stock cancels / lines |
| order_fulfilment | payment | orders without a cancel by the seller's fault / paid orders |
| unit_fill_rate, line_fill_rate, order_fill_rate | placement | handed over (in full) / requested |
| first_time_fill_rate | placement | pieces that never had to wait for stock / requested |
| return_rate, return_rate:REASON | delivery of the line | pieces returned / pieces delivered |
| satisfaction | review | latest reviews with score 4 or 5 / latest reviews; measured: the score |

Requested: ordered, less what the customer cancelled.  Orders that were neither paid nor sent are in no rate.
processing_time and on_time_shipment exclude dispatches whose time a converter inferred.
The cohorts of a limit (see `domain.punctuality`) count a case as soon as it has the limit; `open` names the
cases not in time yet by their limits, so that the question leaves out those not due at its instant.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final

from domain.punctuality import is_on_time
from projections.histogram import bucket_of
from projections.instants import end_of_day, local_day
from projections.orders.fold import Orders
from projections.orders.rows import Account, Channel, OrderFact, OrderStatus, Seller
from projections.orders.view import FAULTS, OrderView, done_at, returned_by_buyer
from projections.returns import Returns, ReturnStatus
from projections.shared_cells import NO_CONTRIBUTION, Contribution, SharedCells
from projections.tables import LOCAL_DATE, Column, Table

DURATIONS: Final = ("processing_time", "approval_time", "delivery_time", "report_lag", "refund_cycle_time")
WITH_LIMIT: Final = (
    "on_time_shipment", "on_time_delivery", "on_time_delivery_day", "perfect_line", "perfect_order",
)  # fmt: skip
"""The KPIs of a limit: a case that is not due yet is in no rate."""
GOOD_SCORE: Final = 4
KpiShare = tuple[str, str, int, int, int | None] | tuple[str, str, int, int, int | None, int]
"""(day, KPI, numerator, denominator, measured value in the unit of the KPI, the limit if there is one)."""


@dataclass(slots=True)
class KpiCell:
    """One KPI of one seller, account and day.  A query sums up the cells of several days and sellers."""

    seller_id: Seller
    channel: Channel
    account: Account
    day: Annotated[str, Column("Day of the KPI's cohort", LOCAL_DATE)]
    kpi: Annotated[str, Column("Name of the KPI; its formula is in the documentation")]
    numerator: Annotated[int, Column("Cases that the KPI counts, for example lines in time", "cases")] = 0
    denominator: Annotated[int, Column("All cases", "cases")] = 0
    measured: Annotated[int, Column("Number of durations or scores in `total`", "cases")] = 0
    total: Annotated[
        int, Column("Exact sum of the durations or scores", "microseconds; for scores: points")
    ] = 0
    histogram: Annotated[
        dict[str, int],
        Column("The same as a histogram; buckets grow by 10 %", "JSON: bucket number to cases"),
    ] = field(default_factory=dict[str, int])
    open: Annotated[
        dict[str, int],
        Column("Cases of the denominator not in time, or not yet", "JSON: limit in microseconds to cases"),
    ] = field(default_factory=dict[str, int])

    def add(self, share: KpiShare, sign: int) -> None:
        kpi, numerator, denominator, measured = share[1:5]
        self.numerator += sign * numerator
        self.denominator += sign * denominator
        if len(share) == 6 and denominator > numerator:  # noqa: PLR2004  it has a limit
            _add(self.open, str(share[5]), sign * (denominator - numerator))
        if measured is None:
            return
        self.measured += sign
        self.total += sign * measured
        _add(self.histogram, str(bucket_of(measured) if kpi in DURATIONS else measured), sign)

    @property
    def empty(self) -> bool:
        """True if the cell counts nothing any more.  Then its row is deleted."""
        return not (self.numerator or self.denominator or self.measured)


def _add(cases: dict[str, int], key: str, count: int) -> None:
    left = cases.get(key, 0) + count
    if left:
        cases[key] = left
    else:
        del cases[key]


FULFILMENT_KPIS: Final = Table(
    "fulfilment_kpis",
    KpiCell,
    ("seller_id", "channel", "account", "day", "kpi"),
    5,
    (("seller_id", "kpi", "day"),),
)


READ_MODEL: Final = SharedCells(FULFILMENT_KPIS, key_parts=2)


@READ_MODEL.of(Orders)
def order_shares(view: OrderView) -> Contribution:
    """The contribution of an order."""
    order = view.status
    if order.placed_at is None:
        return NO_CONTRIBUTION
    placed_on = local_day(order.zone, order.placed_at)
    if order.paid_at is None and order.first_dispatched_at is None:
        shares = tuple(_times(view, order.placed_at, placed_on))
    else:
        shares = (
            *_times(view, order.placed_at, placed_on),
            *_placed_cohort(view, placed_on),
            *_deadline_cohorts(view),
        )
    return Contribution((order.seller_id, order.channel, order.account), shares)


@READ_MODEL.of(Returns)
def return_shares(view: ReturnStatus) -> Contribution:
    """The contribution of a return: the time from its receipt to its refund."""
    if view.received_at is None or view.refunded_at is None or view.refunded_at < view.received_at:
        return NO_CONTRIBUTION  # an advance refund took no time
    day = local_day(view.zone, view.received_at)
    duration = view.refunded_at - view.received_at
    prefix = (view.seller_id, view.channel, view.account or "")
    return Contribution(prefix, ((day, "refund_cycle_time", 0, 0, duration),))


def _times(view: OrderView, placed_at: int, placed_on: str) -> Iterator[KpiShare]:
    order, zone = view.status, view.status.zone
    if order.paid_at is not None:
        paid_on = local_day(zone, order.paid_at)
        if order.paid_at >= placed_at:
            yield placed_on, "approval_time", 0, 0, order.paid_at - placed_at
        clean = all(not line.cancelled_seller for line in view.lines.values())
        yield paid_on, "order_fulfilment", clean, 1, None
        left_at = order.first_dispatched_at
        if left_at is not None and left_at >= order.paid_at and _has_stated_times(view):
            yield paid_on, "processing_time", 0, 0, left_at - order.paid_at
    if order.delivered_at is not None and delivered_whole(order):
        yield placed_on, "delivery_time", 0, 0, order.delivered_at - placed_at
    for parcel in view.parcels.values():
        at, reported = parcel.status_at, parcel.reported_at
        if parcel.status == "delivered" and at is not None and reported is not None:
            yield local_day(zone, at), "report_lag", 0, 0, reported - at
    if order.reviewed_at is not None and (score := order.review_score) is not None:
        yield local_day(zone, order.reviewed_at), "satisfaction", score >= GOOD_SCORE, 1, score


def _has_stated_times(view: OrderView) -> bool:
    """Whether the source states when each parcel left.  Times that a converter inferred are not measured."""
    return not any(line.dispatch_inferred for line in view.lines.values())


def delivered_whole(order: OrderStatus) -> bool:
    """Whether every piece that was not cancelled is delivered."""
    return order.delivered > 0 and order.delivered + order.cancelled == order.ordered


def _placed_cohort(view: OrderView, day: str) -> Iterator[KpiShare]:
    order, lines = view.status, view.lines.values()
    if not lines:
        return
    with_cancel = sold_out = 0
    for line in lines:
        with_cancel += line.cancelled > 0
        sold_out += line.out_of_stock > 0
    yield day, "cancel_rate", with_cancel, order.lines, None
    if order.cancelled:
        for fault in FAULTS:
            by_fault = sum(getattr(line, f"cancelled_{fault}") > 0 for line in lines)
            if by_fault:
                yield day, f"cancel_rate:{fault}", by_fault, 0, None
    yield day, "out_of_stock_cancel_rate", sold_out, order.lines, None
    yield from _fill_rates(view, day)


def _fill_rates(view: OrderView, day: str) -> Iterator[KpiShare]:
    """How much of what the buyer still wants has left.  What the buyer cancelled is not wanted."""
    pieces = wanted = never_waited = lines = full = 0
    for name, line in view.lines.items():
        requested = line.ordered - line.cancelled_customer
        if not requested:
            continue
        left = line.in_transit + line.delivered + line.lost + line.returned_to_sender
        backorder = view.backorders.get(name)
        waited = max(0 if backorder is None else backorder.waited, line.out_of_stock)
        pieces, wanted = pieces + left, wanted + requested
        never_waited += max(0, min(requested, line.ordered - waited))
        lines, full = lines + 1, full + (left == requested)
    if lines:
        yield day, "unit_fill_rate", pieces, wanted, None
        yield day, "line_fill_rate", full, lines, None
        yield day, "order_fill_rate", full == lines, 1, None
        yield day, "first_time_fill_rate", never_waited, wanted, None


def _deadline_cohorts(view: OrderView) -> Iterator[KpiShare]:
    order, zone, lines = view.status, view.status.zone, view.lines.values()
    for line in lines:
        limit, done = line.ship_by, done_at(line)
        cancelled_before = line.cancelled == line.ordered and is_on_time(done, limit or 0)
        if limit is not None and not cancelled_before and not line.dispatch_inferred:
            day, in_time = local_day(zone, limit - 1), is_on_time(done, limit)
            yield day, "on_time_shipment", in_time, 1, None, limit
        if line.delivered or line.returned:
            yield from _return_rates(line)
    if order.promise_at is None or order.promised_day is None or order.cancelled == order.ordered:
        return
    limit, day = order.promise_at, order.promised_day
    day_ends = end_of_day(zone, day)
    whole = order.delivered_at if delivered_whole(order) else None
    perfect = sum(_perfect(line) for line in lines)
    yield day, "on_time_delivery", is_on_time(whole, limit), 1, None, limit
    yield day, "on_time_delivery_day", is_on_time(whole, day_ends), 1, None, day_ends
    yield day, "perfect_line", perfect, order.lines, None, limit
    yield day, "perfect_order", perfect == order.lines, 1, None, limit


def _perfect(line: OrderFact) -> bool:
    promise = line.promise_at
    return line.delivered == line.ordered and promise is not None and is_on_time(line.delivered_at, promise)


def _return_rates(line: OrderFact) -> Iterator[KpiShare]:
    """The return rates of a line: pieces that buyers returned, of those delivered.

    Pieces that never reached the buyer are no returns of the buyer.  A line that was not delivered counts on
    the day of its return, if anything of it came back otherwise.
    """
    back = returned_by_buyer(line)
    if not line.delivered and not back:
        return
    at = line.returned_at if line.delivered_at is None else line.delivered_at
    if at is None:
        return
    day = local_day(line.zone, at)
    # What came back from the buyer was delivered, even if no scan says so.
    yield day, "return_rate", back, max(line.delivered, back), None
    for reason, pieces in line.returned_by_reason.items():
        if count := min(pieces, back):
            yield day, f"return_rate:{reason}", count, 0, None
