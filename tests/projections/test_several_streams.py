"""An example read model: a new one needs only a module, and its fold may use several kinds of stream."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from domain.order.place import OrderPlaced, PlaceOrder
from domain.stock.book import ReceiveStock
from domain.stock.state import StockReceived
from domain.streams import StreamId
from projections import sellers
from projections.fold import Fold, Group, Recorded, Rows, when
from projections.projection import Projection
from projections.tables import Column, Stored, Table
from tests.projections.story import Story, at, parsed, together


@dataclass(slots=True)
class Shop:
    """One row per seller: the pieces ordered and the pieces received."""

    seller_id: Annotated[str, Column("The seller")]
    ordered: Annotated[int, Column("Pieces ordered", "pieces")] = 0
    received: Annotated[int, Column("Pieces received", "pieces")] = 0
    position: Annotated[int, Column("Ledger position of the last event that changed it")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded")] = 0


SHOPS: Table[Shop] = Table("shops", Shop, ("seller_id",), 1)


class Shops(Fold[Shop]):
    """One view per seller, from all orders and all SKUs of the seller."""

    kinds = frozenset({"order", "stock"})
    several_streams = True
    tables = (SHOPS,)

    def group(self, stream: str) -> Group:
        return (StreamId(stream).seller,)

    def opened(self, group: Group, rows: Rows) -> Shop:
        shops = rows.get("shops")
        return shops[0] if shops else Shop(group[0])

    def rows(self, view: Shop) -> Iterable[tuple[Table[Any], Any]]:
        yield SHOPS, view

    @when
    def placed(self, view: Shop, event: OrderPlaced, at: int) -> None:
        del at
        view.ordered += sum(line.pieces for line in event.lines)

    @when
    def received(self, view: Shop, event: StockReceived, at: int) -> None:
        del at
        view.received += event.pieces


class Kept:
    """Keeps rows as a database does, and loads them by group."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Stored, Stored]] = {}

    def load(self, tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
        rows_by_group: dict[Group, dict[str, list[Any]]] = {}
        for table in tables:
            for key, row in self.rows.get(table.name, {}).items():
                if key[: table.group] in groups:
                    rows_by_group.setdefault(key[: table.group], {}).setdefault(table.name, []).append(
                        table.read(row)
                    )
        return rows_by_group

    def keep(self, projection: Projection, batch: Sequence[Recorded]) -> None:
        tables = {table.name: table for table in (SHOPS, sellers.SELLERS)}
        for name, row in projection.fold(batch).rows():
            self.rows.setdefault(name, {})[tables[name].key_of(row)] = row


def placed(order: str, pieces: int) -> PlaceOrder:
    lines = [{"line": "1", "sku": "CHAIR", "pieces": pieces, "unit_price": "1"}]
    return parsed(PlaceOrder, channel="naver", order_id=order, currency="KRW", lines=lines)


def received(receipt: str, sku: str, pieces: int) -> ReceiveStock:
    return parsed(ReceiveStock, receipt_id=receipt, sku=sku, location="main", pieces=pieces)


def two_shops() -> list[Recorded]:
    acme, bee = Story("acme"), Story("bee")
    acme.handle(received("r1", "CHAIR", 10), at()).handle(placed("1", 2), at()).handle(placed("2", 3), at())
    acme.handle(received("r2", "DESK", 4), at())
    bee.handle(placed("1", 1), at())
    return together([acme, bee])


@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
@pytest.mark.parametrize("kept", [0, 1_000])
def test_one_row_is_folded_from_orders_and_stock_with_any_batch_size_and_cache_size(
    size: int, kept: int
) -> None:
    events, stored = two_shops(), Kept()
    projection = Projection(stored.load, [sellers.READ_MODEL, Shops()])
    for begin in range(0, len(events), size):
        stored.keep(projection, events[begin : begin + size])
        projection.forget(kept)
    shops = {key: SHOPS.read(row) for key, row in stored.rows["shops"].items()}
    assert {shop.seller_id: (shop.ordered, shop.received) for shop in shops.values()} == {
        "acme": (5, 14),
        "bee": (1, 0),
    }


def test_its_position_is_that_of_the_last_event_that_it_folded_from_any_stream() -> None:
    events, stored = two_shops(), Kept()
    stored.keep(Projection(stored.load, [sellers.READ_MODEL, Shops()]), events)
    last = max(
        one.position for one in events if one.seller_id == "acme" and isinstance(one.event, StockReceived)
    )
    assert SHOPS.read(stored.rows["shops"]["acme",]).position == last
