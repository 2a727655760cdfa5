"""An object-centric event log of orders, items and packages as messages.

| activity                          | message                                                       |
|-----------------------------------|---------------------------------------------------------------|
| place order                       | order-placed: each item a line; before it stock-received,     |
|                                   | inferred: the pieces must have been there                     |
| confirm order, pay order          | order-acknowledged, order-paid                                |
| pick item, item out of stock,     | order-noted: picked, stock_missing, reordered,                |
| reorder item, payment reminder    | payment_reminded                                              |
| create package, send package      | shipment-packed, shipment-dispatched                          |
| failed delivery, package delivered | shipment-tracked: delivery_attempt_failed, delivered         |

An event about several orders is one outside fact: a message to each, part k of n.  Most events name items or
packages only; they find their orders through `place order` and `create package`.  Where the log was cut and
the order's beginning is missing, a placeholder is placed, inferred, at its first event: under the order's own
name where an event gives it, else under `item-<id>` or `package-<id>`, because what else it held is unknown.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from consumers.imports.messages import WHOLE, Market, Message, Part, Row, Tables, TimedMessage
from consumers.imports.ocel_items import PACK, PLACE, Items, listed, name_of
from consumers.imports.texts import Unusable, decimal

OCEL: Final = Market("ocel", "UTC", UTC, "EUR")
SELLER: Final = "ocel"
TABLES: Final = {
    "events": frozenset({
        "ocel:eid", "ocel:activity", "ocel:timestamp", "ocel:type:items", "ocel:type:orders",
        "ocel:type:packages",
    })
}  # fmt: skip

_NOTES: Final = {
    "pick item": "picked",
    "item out of stock": "stock_missing",
    "reorder item": "reordered",
    "payment reminder": "payment_reminded",
}
_PARCELS: Final = {PACK: "shipment-packed", "send package": "shipment-dispatched"}
_MILESTONES: Final = {"failed delivery": "delivery_attempt_failed", "package delivered": "delivered"}


def messages(tables: Tables) -> Iterator[Message]:
    """The messages of the set, sorted by time; events of one instant in the order of the file."""
    rows = sorted(
        ((OCEL.must_be_at(row["ocel:timestamp"]), row) for row in tables["events"]), key=lambda pair: pair[0]
    )
    log = _Log()
    log.items.learn([row for _, row in rows])
    return OCEL.clocked(told for at, row in rows for told in log.event(at, row))


@dataclass(slots=True)
class _Log:
    """What has been told so far, and how the objects of the whole log belong together."""

    items: Items = field(default_factory=Items)
    placed: set[str] = field(default_factory=set[str])
    named: Counter[str] = field(default_factory=Counter[str])

    def event(self, at: datetime, row: Row) -> Iterator[TimedMessage]:
        name, activity = self._name(row), row["ocel:activity"]
        if activity == PLACE:
            yield from self._placing(at, name, listed(row["ocel:type:orders"]) or [f"event-{name}"])
            return
        orders = self.items.by_order(row)
        for order in orders:
            if order not in self.placed and order not in self.items.placed:
                yield from self._placed(at, order, order, inferred=True)
        packages = listed(row["ocel:type:packages"]) or [f"event-{name}"]
        about = [(order, package) for order in orders for package in packages]
        for part, (order, package) in enumerate(about, 1):
            packed = self.items.package.get(package, {}).get(order, [])
            kind, data = _said(name, row, package, orders[order] or packed)
            data = {"channel": OCEL.name, "order_id": order, **data}
            yield OCEL.tell(kind, SELLER, at, f"{name}/{part}", data, part=(part, len(about)))

    def _name(self, row: Row) -> str:
        """The event's own; told apart where several files count from one again."""
        name = name_of(row)
        self.named[name] += 1
        return name if self.named[name] == 1 else f"{name}~{self.named[name]}"

    def _placing(self, at: datetime, name: str, orders: list[str]) -> Iterator[TimedMessage]:
        for part, order in enumerate(orders, 1):
            yield from self._placed(at, order, f"{name}/{part}", part=(part, len(orders)))

    def _placed(
        self, at: datetime, order: str, name: str, *, inferred: bool = False, part: Part = WHOLE
    ) -> Iterator[TimedMessage]:
        self.placed.add(order)
        lines = self.items.lines(order)
        for sku, pieces in Counter(line["sku"] for line in lines).items():
            yield from OCEL.receipts(SELLER, at, order, sku, pieces)
        placed: Message = {
            "channel": OCEL.name,
            "order_id": order,
            "currency": OCEL.currency,
            "lines": lines,
        }
        yield OCEL.tell("order-placed", SELLER, at, name, placed, inferred=inferred, part=part)


def _said(name: str, row: Row, package: str, items: list[str]) -> tuple[str, Message]:
    """The kind of message that an event becomes, and what it says beside the order's name."""
    match row["ocel:activity"]:
        case "confirm order":
            return "order-acknowledged", {}
        case "pay order":
            amount = max(0, OCEL.minor(decimal(row.get("price", ""))))
            return "order-paid", {"payment_id": name, "amount": amount}
        case activity if activity in _NOTES:
            return "order-noted", {"note_id": name, "kind": _NOTES[activity], "lines": items}
        case activity if activity in _PARCELS:
            lines = [{"line": item, "pieces": 1} for item in items]
            return _PARCELS[activity], {"shipment_id": package, "lines": lines}
        case activity if activity in _MILESTONES:
            status: Message = {"shipment_id": package, "status": _MILESTONES[activity]}
            return "shipment-tracked", {**status, "raw_code": activity}
        case activity:
            msg = f"event {name} is of an unknown activity: {activity[:40]!r}"
            raise Unusable(msg)
