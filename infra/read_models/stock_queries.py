"""What can be sold, what lies where, and what sold most."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.policies.defaults import STOCK_STD
from domain.policies.documents import StockPolicy
from domain.stock.sellable import sellable
from infra.read_models.asking import AsOf, as_of_now, same
from infra.read_models.schema import SQL
from projections.stock import STOCK_ITEMS, STOCK_LEVELS, StockItemRow, StockLevel


@dataclass(frozen=True, slots=True)
class StockAnswer(AsOf):
    """A SKU of a seller.  Unit: pieces.  `sellable` by channel; `available` = on hand - reserved."""

    seller_id: str
    sku: str
    on_hand: int
    reserved: int
    quarantine: int
    available: int
    waiting: int
    """Pieces that order lines wait for."""
    closed: bool
    level: str
    safety_stock: int
    sellable: dict[str, int]
    locations: list[StockLevel]
    totals: StockItemRow

    @property
    def conserved(self) -> bool:
        """I8: what came in is what is there and what went out."""
        item = self.totals
        came = item.received + item.counted + item.adjusted + item.corrected + item.returned_in
        return came == self.on_hand + self.quarantine + item.shipped + item.scrapped


@dataclass(frozen=True, slots=True)
class NetUnits:
    """shipped - returned in - written off, of one SKU.  Unit: pieces."""

    sku: str
    net_units: int


def stock(
    connection: sa.Connection,
    seller: str,
    sku: str | None = None,
    channels: tuple[str, ...] = (),
    as_of: datetime | None = None,
) -> list[StockAnswer]:
    """Each SKU of the seller, sorted, with what each of `channels` (by default all he sells on) may show."""
    asked = as_of_now(connection, seller, as_of)
    policy = _policy(connection, seller)
    shown = channels or _channels(connection, seller, policy)
    waiting = _waiting(connection, seller, sku)
    by_sku: dict[str, list[StockLevel]] = {}
    levels, items = SQL["stock_levels"], SQL["stock_items"]
    for row in connection.execute(
        sa.select(levels).where(*same(levels, seller_id=seller, sku=sku)).order_by(levels.c.location)
    ):
        by_sku.setdefault(row.sku, []).append(STOCK_LEVELS.read(row))
    found = connection.execute(
        sa.select(items).where(*same(items, seller_id=seller, sku=sku)).order_by(items.c.sku)
    )
    return [
        _answer(asked, STOCK_ITEMS.read(row), by_sku.get(row.sku, []), waiting.get(row.sku, 0), policy, shown)
        for row in found
    ]


def _answer(  # noqa: PLR0913, PLR0917  what a SKU's answer is made of
    asked: AsOf,
    item: StockItemRow,
    levels: list[StockLevel],
    waiting: int,
    policy: StockPolicy,
    channels: tuple[str, ...],
) -> StockAnswer:
    on_hand = sum(level.on_hand for level in levels)
    reserved = sum(level.reserved for level in levels)
    free = on_hand - reserved
    return StockAnswer(
        asked.as_of_position,
        asked.as_of,
        item.seller_id,
        item.sku,
        on_hand,
        reserved,
        sum(level.quarantine for level in levels),
        free,
        waiting,
        item.closed,
        item.level,
        policy.safety_stock,
        {channel: sellable(free, policy, channel, closed=item.closed) for channel in channels},
        levels,
        item,
    )


def _policy(connection: sa.Connection, seller: str) -> StockPolicy:
    sellers = SQL["sellers"]
    kept = connection.execute(sa.select(sellers.c.stock_policy).where(sellers.c.seller_id == seller)).scalar()
    return StockPolicy.model_validate_json(kept) if kept else STOCK_STD


def _channels(connection: sa.Connection, seller: str, policy: StockPolicy) -> tuple[str, ...]:
    orders = SQL["order_status"]
    sold_on = connection.execute(sa.select(orders.c.channel).where(orders.c.seller_id == seller).distinct())
    return tuple(sorted({*sold_on.scalars(), *policy.channel_shares}))


def _waiting(connection: sa.Connection, seller: str, sku: str | None) -> dict[str, int]:
    queue = SQL["backorders"]
    asked = sa.select(queue.c.sku, sa.func.sum(queue.c.waiting)).where(
        *same(queue, seller_id=seller, sku=sku)
    )
    return {name: int(pieces) for name, pieces in connection.execute(asked.group_by(queue.c.sku))}


def net_units(connection: sa.Connection, seller: str, *, best: int = 5, worst: int = 0) -> list[NetUnits]:
    """The `best` SKUs by net units, most first, or the `worst`, least first; ties by name."""
    items = SQL["stock_items"]
    order = items.c.net_units if worst else items.c.net_units.desc()
    asked = sa.select(items.c.sku, items.c.net_units).where(items.c.seller_id == seller)
    found = connection.execute(asked.order_by(order, items.c.sku).limit(worst or best))
    return [NetUnits(sku, units) for sku, units in found]


def distinct_skus(connection: sa.Connection, seller: str) -> int:
    items = SQL["stock_items"]
    asked = sa.select(sa.func.count()).select_from(items).where(items.c.seller_id == seller)
    return connection.execute(asked).scalar() or 0
