"""Folds the events of stock into `stock_levels` (per location) and `stock_items` (per SKU)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from domain.stock.state import (
    CORRECTION,
    COUNTED_SINCE,
    SETTLED,
    LowStockDetected,
    ReturnQuarantined,
    ReturnRestocked,
    ReturnScrapped,
    SaleClosed,
    SaleResumed,
    SoldOutDetected,
    StockAdjusted,
    StockCounted,
    StockQuarantined,
    StockReceived,
    StockRecovered,
    StockReleased,
    StockReserved,
    StockShipped,
)
from domain.streams import StreamId
from projections.fold import Fold, Group, Rows, when
from projections.orders.rows import Maybe, Seller
from projections.orders.view import latest
from projections.tables import INSTANT, Column, Table

_LEVELS: Final = {LowStockDetected: "low", SoldOutDetected: "sold_out", StockRecovered: "ok"}


@dataclass(slots=True)
class StockLevel:
    """One row per seller, SKU and location."""

    seller_id: Seller
    sku: Annotated[str, Column("The seller's SKU")]
    location: Annotated[str, Column("The location")]
    on_hand: Annotated[int, Column("Pieces at the location that are fit for sale", "pieces")] = 0
    reserved: Annotated[int, Column("Pieces on hand that are reserved for orders", "pieces")] = 0
    quarantine: Annotated[int, Column("Pieces at the location that cannot be sold for now", "pieces")] = 0


@dataclass(slots=True)
class StockItemRow:
    """One row per seller and SKU: whether it can be sold, and the sums of all its stock movements.

    received + counted + adjusted + corrected + returned_in = on hand + quarantine + shipped + scrapped.
    """

    seller_id: Seller
    sku: Annotated[str, Column("The seller's SKU")]
    closed: Annotated[
        bool, Column("Whether it is closed for sale on every channel until counted or received")
    ] = False
    level: Annotated[str, Column("ok, low or sold_out, by the latest event")] = "ok"
    received: Annotated[int, Column("Pieces received", "pieces")] = 0
    counted: Annotated[
        int, Column("Sum of the changes by counts, less moves that were reported after them", "pieces")
    ] = 0
    adjusted: Annotated[
        int, Column("Sum of the changes by adjustments; write-offs are negative", "pieces")
    ] = 0
    written_off: Annotated[int, Column("Pieces removed by adjustments", "pieces")] = 0
    corrected: Annotated[
        int, Column("Pieces that left although the book had none, until a receipt explains them", "pieces")
    ] = 0
    shipped: Annotated[int, Column("Pieces shipped", "pieces")] = 0
    returned_in: Annotated[int, Column("Returned pieces that arrived", "pieces")] = 0
    restocked: Annotated[int, Column("Returned pieces put back on sale", "pieces")] = 0
    scrapped: Annotated[int, Column("Returned pieces thrown away", "pieces")] = 0
    net_units: Annotated[int, Column("shipped - returned_in - written_off", "pieces")] = 0
    moved_at: Annotated[Maybe, Column("When pieces last moved", INSTANT)] = None
    position: Annotated[int, Column("Ledger position of the last event that changed it")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded", INSTANT)] = 0


STOCK_LEVELS: Final = Table("stock_levels", StockLevel, ("seller_id", "sku", "location"), 2)
STOCK_ITEMS: Final = Table("stock_items", StockItemRow, ("seller_id", "sku"), 2)


@dataclass(slots=True)
class SkuView:
    item: StockItemRow
    levels: dict[str, StockLevel] = field(default_factory=dict[str, StockLevel])

    def at(self, location: str) -> StockLevel:
        level = self.levels.get(location)
        if level is None:
            level = self.levels[location] = StockLevel(self.item.seller_id, self.item.sku, location)
        return level


class Stock(Fold[SkuView]):
    """One view per SKU."""

    kinds = frozenset({"stock"})
    tables = (STOCK_ITEMS, STOCK_LEVELS)

    def group(self, stream: str) -> Group:
        _, seller, sku = StreamId(stream).parts
        return seller, sku

    def opened(self, group: Group, rows: Rows) -> SkuView:
        seller, sku = group
        item = rows.get("stock_items")
        return SkuView(
            item[0] if item else StockItemRow(seller, sku),
            {row.location: row for row in rows.get("stock_levels", ())},
        )

    def head(self, view: SkuView) -> StockItemRow:
        return view.item

    def finish(self, view: SkuView) -> None:
        item = view.item
        item.net_units = item.shipped - item.returned_in - item.written_off

    def rows(self, view: SkuView) -> Iterable[tuple[Table[Any], Any]]:
        yield STOCK_ITEMS, view.item
        for level in view.levels.values():
            yield STOCK_LEVELS, level

    @when
    def received(self, view: SkuView, event: StockReceived, at: int) -> None:
        view.at(event.location).on_hand += event.pieces
        view.item.received += event.pieces
        view.item.moved_at = latest(view.item.moved_at, at)

    @when
    def reserved(self, view: SkuView, event: StockReserved, at: int) -> None:
        del at
        for part in event.locations:
            view.at(part.location).reserved += part.pieces

    @when
    def released(self, view: SkuView, event: StockReleased, at: int) -> None:
        del at
        for part in event.locations:
            view.at(part.location).reserved -= part.pieces

    @when
    def shipped(self, view: SkuView, event: StockShipped, at: int) -> None:
        for part in event.locations:
            level = view.at(part.location)
            level.on_hand -= part.pieces
            level.reserved -= part.reserved
        view.item.shipped += sum(part.pieces for part in event.locations)
        view.item.moved_at = latest(view.item.moved_at, at)

    @when
    def counted(self, view: SkuView, event: StockCounted, at: int) -> None:
        view.at(event.location).on_hand += event.delta
        view.item.counted += event.delta
        view.item.moved_at = latest(view.item.moved_at, at)

    @when
    def adjusted(self, view: SkuView, event: StockAdjusted, at: int) -> None:
        item = view.item
        view.at(event.location).on_hand += event.delta
        item.moved_at = latest(item.moved_at, at)
        if event.reason in {CORRECTION, SETTLED}:
            item.corrected += event.delta
        elif event.reason == COUNTED_SINCE:
            item.counted += event.delta
        else:
            item.adjusted += event.delta
            item.written_off += max(0, -event.delta)

    @when
    def quarantined(self, view: SkuView, event: StockQuarantined, at: int) -> None:
        level = view.at(event.location)
        level.on_hand -= event.pieces
        level.quarantine += event.pieces
        view.item.moved_at = latest(view.item.moved_at, at)

    @when
    def came_back(self, view: SkuView, event: ReturnQuarantined, at: int) -> None:
        view.at(event.location).quarantine += event.pieces
        view.item.returned_in += event.pieces
        view.item.moved_at = latest(view.item.moved_at, at)

    @when
    def restocked(self, view: SkuView, event: ReturnRestocked, at: int) -> None:
        level = view.at(event.location)
        level.on_hand += event.pieces
        level.quarantine -= event.pieces
        view.item.restocked += event.pieces
        view.item.moved_at = latest(view.item.moved_at, at)

    @when
    def scrapped(self, view: SkuView, event: ReturnScrapped, at: int) -> None:
        view.at(event.location).quarantine -= event.pieces
        view.item.scrapped += event.pieces
        view.item.moved_at = latest(view.item.moved_at, at)

    @when
    def sale_changed(self, view: SkuView, event: SaleClosed | SaleResumed, at: int) -> None:
        del at
        view.item.closed = isinstance(event, SaleClosed)

    @when
    def announced(
        self, view: SkuView, event: LowStockDetected | SoldOutDetected | StockRecovered, at: int
    ) -> None:
        del at
        view.item.level = _LEVELS[type(event)]


READ_MODEL: Final = Stock()
