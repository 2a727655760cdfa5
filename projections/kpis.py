"""KPIs as what each order and each return adds to the cells of `fulfilment_kpis`.

A cell changes by what an order adds after a batch less what it added before: so a late event puts past
days right by construction.  A name with a colon (`cancel_rate:seller`) has its own numerator and the
denominator of the name before it.

| KPI | cohort (local day of) | numerator / denominator, or what is measured |
|---|---|---|
| processing_time | payment | first dispatch - payment |
| approval_time | placement | payment - placement |
| delivery_time | placement | last delivery - placement, of orders delivered whole |
| report_lag | delivery | the source's report of a delivery - that delivery, per parcel |
| refund_cycle_time | receipt of the return | refund - receipt |
| on_time_shipment | the limit (exclusive) | lines handed over whole by ship_by / lines not cancelled whole |
| on_time_delivery | the promise | orders delivered whole by promise_at / orders not cancelled whole |
| on_time_delivery_day | the promise | as before, the day counts and not the time |
| perfect_line, perfect_order | the promise | in full and by promise_at / lines, orders |
| cancel_rate, cancel_rate:FAULT | placement | lines with pieces cancelled (by whose fault) / lines |
| out_of_stock_cancel_rate | placement | lines with pieces cancelled for want of stock / lines |
| order_fulfilment | payment | orders with nothing cancelled by the seller's fault / paid orders |
| unit_fill_rate, line_fill_rate, order_fill_rate | placement | handed over (whole) / requested |
| return_rate, return_rate:REASON | delivery of the line | pieces that came back / pieces delivered |
| satisfaction | review | scores of 4 and 5 / latest reviews of orders; measured: the score |

A hand-over whose time an importer worked out is left out of processing_time and on_time_shipment.
An open line counts in its cohort from the moment it has a limit, and as not in time until it left: ask for
days that are over.  What is in time at the very instant counts as in time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final

from projections.histogram import bucket_of
from projections.instants import local_day
from projections.orders.fold import Orders
from projections.orders.rows import Channel, OrderFact, OrderStatus, Seller
from projections.orders.view import FAULTS, OrderView
from projections.returns import Returns, ReturnStatus
from projections.shared_cells import NO_CONTRIBUTION, Contribution, SharedCells
from projections.tables import LOCAL_DATE, Column, Table

DURATIONS: Final = ("processing_time", "approval_time", "delivery_time", "report_lag", "refund_cycle_time")
GOOD_SCORE: Final = 4
KpiShare = tuple[str, str, int, int, int | None]
"""Day, KPI, numerator, denominator, what is measured.  Unit of what is measured: that of the KPI."""


@dataclass(slots=True)
class KpiCell:
    """One KPI of one seller, channel and day.  Cells of many days and sellers are added up when asked."""

    seller_id: Seller
    channel: Channel
    day: Annotated[str, Column("Day of the KPI's cohort", LOCAL_DATE)]
    kpi: Annotated[str, Column("Which KPI; its formula stands in the documentation")]
    numerator: Annotated[int, Column("What counts as good, or as the case in question", "cases")] = 0
    denominator: Annotated[int, Column("All cases", "cases")] = 0
    measured: Annotated[int, Column("Durations, or scores, in `total`", "cases")] = 0
    total: Annotated[int, Column("Their exact sum", "microseconds; for scores: points")] = 0
    histogram: Annotated[
        dict[str, int], Column("The same by size, buckets growing by a tenth", "JSON: bucket number to cases")
    ] = field(default_factory=dict[str, int])

    def add(self, share: KpiShare, sign: int) -> None:
        _, kpi, numerator, denominator, measured = share
        self.numerator += sign * numerator
        self.denominator += sign * denominator
        if measured is None:
            return
        self.measured += sign
        self.total += sign * measured
        bucket = str(bucket_of(measured) if kpi in DURATIONS else measured)
        left = self.histogram.get(bucket, 0) + sign
        if left:
            self.histogram[bucket] = left
        else:
            del self.histogram[bucket]

    @property
    def empty(self) -> bool:
        """Nothing counts in it any more: such a row is deleted, as if it had never been."""
        return not (self.numerator or self.denominator or self.measured)


FULFILMENT_KPIS: Final = Table(
    "fulfilment_kpis", KpiCell, ("seller_id", "channel", "day", "kpi"), 4, (("seller_id", "kpi", "day"),)
)


READ_MODEL: Final = SharedCells(FULFILMENT_KPIS, key_parts=2)


@READ_MODEL.of(Orders)
def order_shares(view: OrderView) -> Contribution:
    """What an order adds to which cells."""
    order = view.status
    if order.placed_at is None:
        return NO_CONTRIBUTION
    placed_on = local_day(order.zone, order.placed_at)
    shares = (*_times(view, order.placed_at, placed_on), *_placed_cohort(view, placed_on), *_promised(view))
    return Contribution((order.seller_id, order.channel), shares)


@READ_MODEL.of(Returns)
def return_shares(view: ReturnStatus) -> Contribution:
    """What a return adds: how long its refund took."""
    if view.received_at is None or view.refunded_at is None:
        return NO_CONTRIBUTION
    day = local_day(view.zone, view.received_at)
    took = view.refunded_at - view.received_at
    return Contribution((view.seller_id, view.channel), ((day, "refund_cycle_time", 0, 0, took),))


def _times(view: OrderView, placed_at: int, placed_on: str) -> Iterator[KpiShare]:
    order, zone = view.status, view.status.zone
    if order.paid_at is not None:
        paid_on = local_day(zone, order.paid_at)
        yield placed_on, "approval_time", 0, 0, order.paid_at - placed_at
        clean = all(not line.cancelled_seller for line in view.lines.values())
        yield paid_on, "order_fulfilment", clean, 1, None
        if order.first_dispatched_at is not None and _told(view):
            yield paid_on, "processing_time", 0, 0, order.first_dispatched_at - order.paid_at
    if order.delivered_at is not None and delivered_whole(order):
        yield placed_on, "delivery_time", 0, 0, order.delivered_at - placed_at
    for parcel in view.parcels.values():
        at, reported = parcel.status_at, parcel.reported_at
        if parcel.status == "delivered" and at is not None and reported is not None:
            yield local_day(zone, at), "report_lag", 0, 0, reported - at
    if order.reviewed_at is not None and (score := order.review_score) is not None:
        yield local_day(zone, order.reviewed_at), "satisfaction", score >= GOOD_SCORE, 1, score


def _told(view: OrderView) -> bool:
    """Whether the source says when each parcel left: what an importer worked out measures nobody."""
    return not any(line.dispatch_inferred for line in view.lines.values())


def delivered_whole(order: OrderStatus) -> bool:
    """Every piece that was not cancelled is delivered."""
    return order.delivered > 0 and order.delivered + order.cancelled == order.ordered


def _placed_cohort(view: OrderView, day: str) -> Iterator[KpiShare]:
    order, lines = view.status, view.lines.values()
    if not lines:
        return
    hit = sold_out = full = 0
    for line in lines:
        hit += line.cancelled > 0
        sold_out += line.out_of_stock > 0
        full += not (line.waiting or line.packed or line.cancelled)
    yield day, "cancel_rate", hit, order.lines, None
    if order.cancelled:
        for fault in FAULTS:
            by_fault = sum(getattr(line, f"cancelled_{fault}") > 0 for line in lines)
            if by_fault:
                yield day, f"cancel_rate:{fault}", by_fault, 0, None
    units = order.in_transit + order.delivered + order.lost + order.returned_to_sender
    yield day, "out_of_stock_cancel_rate", sold_out, order.lines, None
    yield day, "unit_fill_rate", units, order.ordered, None
    yield day, "line_fill_rate", full, order.lines, None
    yield day, "order_fill_rate", full == order.lines, 1, None


def _promised(view: OrderView) -> Iterator[KpiShare]:
    order, zone, lines = view.status, view.status.zone, view.lines.values()
    for line in lines:
        if line.ship_by is not None and line.cancelled < line.ordered and not line.dispatch_inferred:
            left = line.last_dispatched_at
            in_time = left is not None and left <= line.ship_by and not line.waiting + line.packed
            yield local_day(zone, line.ship_by - 1), "on_time_shipment", in_time, 1, None
        if line.delivered or line.returned:
            yield from _came_back(line)
    if order.promise_at is None or order.promised_day is None or order.cancelled == order.ordered:
        return
    at, day = order.delivered_at, order.promised_day
    whole = at is not None and delivered_whole(order)
    in_time = whole and at is not None and at <= order.promise_at
    perfect = sum(_perfect(line) for line in lines)
    yield day, "on_time_delivery", in_time, 1, None
    yield day, "on_time_delivery_day", whole and at is not None and local_day(zone, at) <= day, 1, None
    yield day, "perfect_line", perfect, order.lines, None
    yield day, "perfect_order", perfect == order.lines, 1, None


def _perfect(line: OrderFact) -> bool:
    at, promise = line.delivered_at, line.promise_at
    return line.delivered == line.ordered and at is not None and promise is not None and at <= promise


def _came_back(line: OrderFact) -> Iterator[KpiShare]:
    """A piece that never was delivered counts on the day it came back."""
    at = line.returned_at if line.delivered_at is None else line.delivered_at
    if at is None:
        return
    day = local_day(line.zone, at)
    yield day, "return_rate", line.returned, line.delivered, None
    for reason, pieces in line.returned_by_reason.items():
        yield day, f"return_rate:{reason}", pieces, 0, None
