"""Finds the relations between the objects of the OCEL log: items, orders, packages, products."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.imports.messages import Message, Row
from consumers.imports.texts import cleaned, price

PLACE: Final = "place order"
PACK: Final = "create package"
LONE: Final = "item-"
"""Prefix of the id of a placeholder order, for an item whose order is unknown."""
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def listed(text: str | None) -> list[str]:
    """The ids in a column such as `['880001','880004']`, in order, without repeats; a bare id gives one."""
    if text is None or not (text := text.strip()):
        return []
    ids = [single_quoted or double_quoted for single_quoted, double_quoted in _QUOTED.findall(text)] or [
        part.strip() for part in text.strip("[]{}()").split(",")
    ]
    return list(dict.fromkeys(cleaned(part) for part in ids if part.strip()))


def name_of(row: Row) -> str:
    """An event's own name: `12.0` is 12."""
    return cleaned(row["ocel:eid"].removesuffix(".0"))


@dataclass(slots=True)
class Items:
    """The order, product and price of each item, and the contents of each package."""

    order: dict[str, str] = field(default_factory=dict[str, str])
    of_order: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    package: dict[str, dict[str, list[str]]] = field(default_factory=dict[str, dict[str, list[str]]])
    """The items in each package, by order."""
    product: dict[str, str] = field(default_factory=dict[str, str])
    price: dict[str, str] = field(default_factory=dict[str, str])
    placed: set[str] = field(default_factory=set[str])
    """Orders whose beginning is in the log."""

    def learn(self, rows: Sequence[Row]) -> None:
        """Reads the relations from the whole log first, because an event may refer to a later one."""
        placing = [row for row in rows if row["ocel:activity"] == PLACE]
        others = [row for row in rows if row["ocel:activity"] != PLACE]
        for row in placing:
            self.placed.update(listed(row["ocel:type:orders"]))
            self._assign_items(row)
        for row in others:
            if not self.placed.intersection(listed(row["ocel:type:orders"])):
                self._assign_items(row)
            self._learn_price(row)
        for row in others:
            if row["ocel:activity"] == PACK:
                for package in listed(row["ocel:type:packages"]):
                    self.package.setdefault(package, self.by_order(row))

    def _assign_items(self, row: Row) -> None:
        orders = listed(row["ocel:type:orders"])
        for item in listed(row["ocel:type:items"]) if len(orders) == 1 else ():
            if item not in self.order:
                self.order[item] = orders[0]
                self.of_order.setdefault(orders[0], []).append(item)

    def _learn_price(self, row: Row) -> None:
        """Takes product and price from events about one item alone.

        In events with several items the lists are not in the same order, so nothing pairs item and product.
        """
        items = listed(row["ocel:type:items"])
        if len(items) != 1 or listed(row["ocel:type:packages"]):
            return
        products = listed(row.get("ocel:type:products"))
        if len(products) == 1:
            self.product.setdefault(items[0], products[0])
        if item_price := (row.get("price") or "").strip():
            self.price.setdefault(items[0], price(item_price))

    def by_order(self, row: Row) -> dict[str, list[str]]:
        """The orders that an event is about, each with its items that the event names."""
        items_by_order: dict[str, list[str]] = {}
        for item in listed(row["ocel:type:items"]):
            items_by_order.setdefault(self.order.get(item, LONE + item), []).append(item)
        orders = listed(row["ocel:type:orders"])
        if not items_by_order and not orders:
            for package in listed(row["ocel:type:packages"]):
                orders += self.package.get(package) or [f"package-{package}"]
            orders = list(dict.fromkeys(orders))
        if not items_by_order and not orders:
            orders = [f"event-{name_of(row)}"]
        return items_by_order or {order: [] for order in orders}

    def lines(self, order: str) -> list[Message]:
        """Each item of an order as a line of one piece."""
        items = self.of_order.get(order) or [
            order.removeprefix("item-") for _ in (0,) if order.startswith("item-")
        ]
        return [
            {
                "line": item,
                "sku": self.product.get(item, item),
                "pieces": 1,
                "unit_price": self.price.get(item, "0"),
            }
            for item in items
        ]
