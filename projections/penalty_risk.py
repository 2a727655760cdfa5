"""Dated facts for which a marketplace may give penalty points.  Points are worked out when asked.

Only what is at risk or has failed has a row: a line that left in time has none, nor has one that left while
an importer had to work out when.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from projections.derived_rows import DerivedRows
from projections.orders.fold import Orders
from projections.orders.rows import Account, Channel, Maybe, OrderId, Seller
from projections.orders.view import OrderView, earliest, latest
from projections.returns import Returns, ReturnStatus
from projections.tables import INSTANT, Column, Stored, Table


@dataclass(slots=True)
class PenaltyRisk:
    """One row per order line or return that may cost points: by when it was due, and when it was done."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    kind: Annotated[str, Column("late_dispatch, oos_cancel or late_return")]
    subject: Annotated[str, Column("The line, or the return")]
    occurred_at: Annotated[int, Column("The limit, the cancel, or the collection of the return", INSTANT)]
    done_at: Annotated[
        Maybe, Column("When the line had left or was cancelled; when the return was handled", INSTANT)
    ]
    pieces: Annotated[int, Column("Pieces concerned", "pieces")]
    recorded_at: Annotated[
        int, Column("When the event that last changed its order or return was recorded", INSTANT)
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
    """The facts of an order: lines not handed over by their limit, and lines cancelled as sold out."""
    order = view.status
    found: list[Stored] = []
    key = (order.seller_id, order.channel, order.account, order.order_id)
    for name, line in view.lines.items():
        about = (order.recorded_at, order.zone, order.currency)
        if line.out_of_stock and line.out_of_stock_at is not None:
            found.append((*key, "oos_cancel", name, line.out_of_stock_at, None, line.out_of_stock, *about))
        due = line.ship_by
        if due is None:
            continue
        before = line.waiting + line.packed
        left = None if line.dispatch_inferred else line.last_dispatched_at
        done = None if before else latest(left, line.cancelled_at)
        if before or (done is not None and done >= due):
            pieces = before or line.ordered
            found.append((*key, "late_dispatch", name, due, done, pieces, *about))
    return tuple(found)


@READ_MODEL.of(Returns)
def returns_at_risk(view: ReturnStatus) -> tuple[Stored, ...]:
    """Handled is what was inspected or refunded; how many business days that may take, the rules say."""
    if view.collected_at is None or view.order_id is None:
        return ()
    done = earliest(view.inspected_at, view.refunded_at)
    key = (view.seller_id, view.channel, view.account, view.order_id, "late_return", view.return_id)
    about = (view.recorded_at, view.zone, view.currency)
    return ((*key, view.collected_at, done, view.pieces, *about),)
