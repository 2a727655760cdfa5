"""An order that several sellers share counts once.

A marketplace order is (channel, account, order id).  It carries the earliest placement and payment and the
latest delivery and promise of its sellers' parts.
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
    """A marketplace order put together from its sellers' parts."""

    seller: str
    zone: str
    """Of the first of its sellers by name."""
    claimed: tuple[int, str]
    statuses: set[str]
    placed_at: int | None = None
    paid_at: int | None = None
    delivered_at: int | None = None
    promise_at: int | None = None
    promised_day: str | None = None


def shared_orders(rows: RowReader, where: Conditions) -> tuple[list[SharedOrder], dict[str, int]]:
    """The orders for which `where` holds, and how many parts each seller has, sellers sorted."""
    wholes: dict[tuple[str, str, str], SharedOrder] = {}
    by_seller = Counter[str]()
    for part in rows.columns(ORDER_STATUS, _COLUMNS, where):
        by_seller[part[0]] += 1
        _add(wholes, *part)
    return list(wholes.values()), dict(sorted(by_seller.items()))


def _add(  # noqa: PLR0913, PLR0917  in the order of `_COLUMNS`
    wholes: dict[tuple[str, str, str], SharedOrder],
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
    """Adds one seller's part of an order to the whole."""
    claimed = (claimed_at or 0, claimed_status or "")
    whole = wholes.get(key := (channel, account, order_id))
    if whole is None:
        whole = wholes[key] = SharedOrder(seller, zone, claimed, set())
    elif seller < whole.seller:
        whole.seller, whole.zone = seller, zone
    whole.claimed = max(whole.claimed, claimed)
    whole.statuses.add(status)
    whole.placed_at = earliest(whole.placed_at, placed_at)
    whole.paid_at = earliest(whole.paid_at, paid_at)
    whole.delivered_at = latest(whole.delivered_at, delivered_at)
    whole.promise_at = latest(whole.promise_at, promise_at)
    whole.promised_day = max(whole.promised_day or "", promised_day or "") or None
