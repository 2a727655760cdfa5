"""Merges the parts of marketplace orders that several sellers share, so that each order counts once.

A marketplace order is identified by (channel, account, order id).  It has the earliest placement and payment
and the latest delivery and promise of its sellers' parts.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from projections.orders.rows import ORDER_STATUS
from projections.orders.view import earliest, latest
from projections.questions.rows import Conditions, RowReader

_COLUMNS: Final = (
    "seller_id", "channel", "account", "order_id", "zone", "status", "claimed_status", "claimed_at",
    "placed_at", "paid_at", "delivered_at", "promise_at", "promised_day",
)  # fmt: skip


@dataclass(slots=True)
class SharedOrder:
    """A marketplace order, merged from its sellers' parts."""

    seller: str
    zone: str
    """The zone of its first seller by id."""
    claimed: tuple[int, str]
    statuses: set[str]
    placed_at: int | None = None
    paid_at: int | None = None
    delivered_at: int | None = None
    promise_at: int | None = None
    promised_day: str | None = None


def shared_orders(rows: RowReader, where: Conditions) -> tuple[list[SharedOrder], dict[str, int]]:
    """The orders that match `where`, and the number of parts per seller, sorted."""
    orders: dict[tuple[str, str, str], SharedOrder] = {}
    by_seller = Counter[str]()
    for part in rows.columns(ORDER_STATUS, _COLUMNS, where):
        by_seller[part[0]] += 1
        _add(orders, *part)
    return list(orders.values()), dict(sorted(by_seller.items()))


def _add(  # noqa: PLR0913, PLR0917  in the order of `_COLUMNS`
    orders: dict[tuple[str, str, str], SharedOrder],
    seller: str,
    channel: str,
    account: str,
    order_id: str,
    zone: str,
    status: str,
    claimed_status: str | None,
    claimed_at: int | None,
    placed_at: int | None,
    paid_at: int | None,
    delivered_at: int | None,
    promise_at: int | None,
    promised_day: str | None,
) -> None:
    """Merges one seller's part into its order."""
    claimed = (claimed_at or 0, claimed_status or "")
    order = orders.get(key := (channel, account, order_id))
    if order is None:
        order = orders[key] = SharedOrder(seller, zone, claimed, set())
    elif seller < order.seller:
        order.seller, order.zone = seller, zone
    order.claimed = max(order.claimed, claimed)
    order.statuses.add(status)
    order.placed_at = earliest(order.placed_at, placed_at)
    order.paid_at = earliest(order.paid_at, paid_at)
    order.delivered_at = latest(order.delivered_at, delivered_at)
    order.promise_at = latest(order.promise_at, promise_at)
    order.promised_day = max(order.promised_day or "", promised_day or "") or None
