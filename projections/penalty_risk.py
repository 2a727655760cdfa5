"""Derives `penalty_risk`: facts for which a marketplace may give penalty points.

The points are computed by the query, not here.  Only lines and returns that are at risk or have failed have a
row.  A line that was handed over in time has none, and neither has one whose hand-over time was inferred.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from domain.punctuality import is_on_time
from projections.derived_rows import DerivedRows
from projections.orders.fold import Orders
from projections.orders.rows import Account, Channel, Maybe, OrderId, Seller
from projections.orders.view import OrderView, done_at, earliest
from projections.returns import Returns, ReturnStatus
from projections.tables import INSTANT, Column, Stored, Table


@dataclass(slots=True)
class PenaltyRisk:
    """One row per order line or return that may cause penalty points: when it was due and when done."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    kind: Annotated[str, Column("late_dispatch, oos_cancel or late_return")]
    subject: Annotated[str, Column("Id of the line or of the return")]
    occurred_at: Annotated[
        int, Column("When the line was due, was cancelled, or the return was collected", INSTANT)
    ]
    done_at: Annotated[
        Maybe, Column("When the line was handed over or cancelled, or the return was handled", INSTANT)
    ]
    pieces: Annotated[int, Column("Pieces concerned", "pieces")]
    recorded_at: Annotated[
        int, Column("When the last event that changed its order or return was recorded", INSTANT)
    ]
    zone: Annotated[str, Column("The seller's time zone", "IANA name")]
    currency: Annotated[str, Column("The order's currency", "ISO 4217")]


PENALTY_RISK: Final = Table(
    "penalty_risk",
    PenaltyRisk,
    ("seller_id", "channel", "account", "order_id", "kind", "subject"),
    6,
    (("seller_id", "channel", "occurred_at"),),
)


READ_MODEL: Final = DerivedRows(PENALTY_RISK)


@READ_MODEL.of(Orders)
def order_facts_at_risk(view: OrderView) -> tuple[Stored, ...]:
    """The rows of an order: lines not handed over by ship_by, and lines cancelled as out of stock."""
    order = view.status
    rows: list[Stored] = []
    key = (order.seller_id, order.channel, order.account, order.order_id)
    for name, line in view.lines.items():
        common = (order.recorded_at, order.zone, order.currency)
        if line.out_of_stock and line.out_of_stock_at is not None:
            rows.append((*key, "oos_cancel", name, line.out_of_stock_at, None, line.out_of_stock, *common))
        due, done = line.ship_by, done_at(line)
        if due is None or is_on_time(done, due):
            continue
        remaining = line.waiting + line.packed
        if remaining or done is not None:
            pieces = remaining or line.late_pieces or line.ordered
            rows.append((*key, "late_dispatch", name, due, done, pieces, *common))
    return tuple(rows)


@READ_MODEL.of(Returns)
def returns_at_risk(view: ReturnStatus) -> tuple[Stored, ...]:
    """The row of a return, from its collection on, or from its receipt if no collection is known.

    `done_at` is its inspection or its refund.  The time limit is in the rules.
    """
    begins = view.received_at if view.collected_at is None else view.collected_at
    if begins is None or view.order_id is None:
        return ()
    done = earliest(view.inspected_at, view.refunded_at)
    key = (view.seller_id, view.channel, view.account, view.order_id, "late_return", view.return_id)
    common = (view.recorded_at, view.zone, view.currency)
    return ((*key, begins, done, view.pieces, *common),)
