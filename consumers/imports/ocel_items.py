"""How the objects of the OCEL log belong together: items, orders, packages, products."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.imports.messages import Message, Row
from consumers.imports.texts import cleaned, price

PLACE: Final = "place order"
PACK: Final = "create package"
LONE: Final = "item-"
"""Begins the name of the placeholder of an item that no order is known of."""
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def listed(text: str | None) -> list[str]:
    """The ids of a column such as `['880001','880004']`, each once, in order; a bare id is a list of one."""
    if text is None or not (text := text.strip()):
        return []
    found = [one or other for one, other in _QUOTED.findall(text)] or [
        part.strip() for part in text.strip("[]{}()").split(",")
    ]
    return list(dict.fromkeys(cleaned(part) for part in found if part.strip()))


def name_of(row: Row) -> str:
    """An event's own name: `12.0` is 12."""
    return cleaned(row["ocel:eid"].removesuffix(".0"))


@dataclass(slots=True)
class Items:
    """Which order each item belongs to, its product and its price; and what each package holds."""

    order: dict[str, str] = field(default_factory=dict[str, str])
    of_order: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    package: dict[str, dict[str, list[str]]] = field(default_factory=dict[str, dict[str, list[str]]])
    """What is in each: items by order."""
    product: dict[str, str] = field(default_factory=dict[str, str])
    price: dict[str, str] = field(default_factory=dict[str, str])
    placed: set[str] = field(default_factory=set[str])
    """Orders whose beginning is in the log."""

    def learn(self, rows: Sequence[Row]) -> None:
        """From the whole log at once: an event may stand before the one that explains it."""
        placing = [row for row in rows if row["ocel:activity"] == PLACE]
        others = [row for row in rows if row["ocel:activity"] != PLACE]
        for row in placing:
            self.placed.update(listed(row["ocel:type:orders"]))
            self._belong(row)
        for row in others:
            if not self.placed.intersection(listed(row["ocel:type:orders"])):
                self._belong(row)
            self._worth(row)
        for row in others:
            if row["ocel:activity"] == PACK:
                for package in listed(row["ocel:type:packages"]):
                    self.package.setdefault(package, self.by_order(row))

    def _belong(self, row: Row) -> None:
        orders = listed(row["ocel:type:orders"])
        for item in listed(row["ocel:type:items"]) if len(orders) == 1 else ():
            if item not in self.order:
                self.order[item] = orders[0]
                self.of_order.setdefault(orders[0], []).append(item)

    def _worth(self, row: Row) -> None:
        """Events about one item alone tell its product and price; longer lists are in no order that pairs."""
        items = listed(row["ocel:type:items"])
        if len(items) != 1 or listed(row["ocel:type:packages"]):
            return
        products = listed(row.get("ocel:type:products"))
        if len(products) == 1:
            self.product.setdefault(items[0], products[0])
        if worth := (row.get("price") or "").strip():
            self.price.setdefault(items[0], price(worth))

    def by_order(self, row: Row) -> dict[str, list[str]]:
        """The orders that an event is about, each with the items that it names of them."""
        found: dict[str, list[str]] = {}
        for item in listed(row["ocel:type:items"]):
            found.setdefault(self.order.get(item, LONE + item), []).append(item)
        orders = listed(row["ocel:type:orders"])
        if not found and not orders:
            for package in listed(row["ocel:type:packages"]):
                orders += self.package.get(package) or [f"package-{package}"]
            orders = list(dict.fromkeys(orders))
        if not found and not orders:
            orders = [f"event-{name_of(row)}"]
        return found or {order: [] for order in orders}

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
