"""Ranks SKUs by net units: pieces shipped, less returns and write-offs."""

from dataclasses import dataclass

from projections.questions.rows import RowReader, count, equal
from projections.stock import STOCK_ITEMS


@dataclass(frozen=True, slots=True)
class NetUnits:
    """One SKU with shipped - returned in - written off.  Unit: pieces."""

    sku: str
    net_units: int


def net_units(rows: RowReader, seller: str, *, best: int = 5, worst: int = 0) -> list[NetUnits]:
    """The `best` SKUs with most net units first, or the `worst` with least first; ties are sorted by SKU."""
    order = ("net_units" if worst else "-net_units", "sku")
    items = rows.select(STOCK_ITEMS, equal(seller_id=seller), order=order, limit=worst or best)
    return [NetUnits(item.sku, item.net_units) for item in items]


def distinct_skus(rows: RowReader, seller: str) -> int:
    ((skus,),) = rows.aggregate(STOCK_ITEMS, [count()], equal(seller_id=seller))
    return int(skus)
