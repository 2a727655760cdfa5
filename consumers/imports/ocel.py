"""Converts an object-centric event log (OCEL) of orders, items and packages to messages.

| activity                          | message                                                       |
|-----------------------------------|---------------------------------------------------------------|
| place order                       | order-placed: each item a line; before it stock-received,     |
|                                   | inferred: the pieces must have been there                     |
| confirm order, pay order          | order-acknowledged, order-paid                                |
| pick item, item out of stock,     | order-noted: picked, stock_missing, reordered,                |
| reorder item, payment reminder    | payment_reminded                                              |
| create package, send package      | shipment-packed, shipment-dispatched                          |
| failed delivery, package delivered | shipment-tracked: delivery_attempt_failed, delivered         |

An event about several orders is one outside fact: each order gets a message, part k of n.  Most events name
only items or packages; their orders are looked up from the `place order` and `create package` events.  If
the log is cut and the beginning of an order is missing, an inferred placeholder order is placed at its
first event.  It has the order's own id if an event gives it, else `item-<id>` or `package-<id>`, because
its other items are unknown.
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
    """The messages of the data set, sorted by time; events of the same instant keep the order of the file."""
    rows = sorted(
        ((OCEL.must_be_at(row["ocel:timestamp"]), row) for row in tables["events"]), key=lambda pair: pair[0]
    )
    event_log = _Log()
    event_log.items.learn([row for _, row in rows])
    return OCEL.with_clocks(timed for at, row in rows for timed in event_log.event(at, row))


@dataclass(slots=True)
class _Log:
    """The orders placed and the event names used so far, and the relations between the objects of the log."""

    items: Items = field(default_factory=Items)
    placed: set[str] = field(default_factory=set[str])
    named: Counter[str] = field(default_factory=Counter[str])

    def event(self, at: datetime, row: Row) -> Iterator[TimedMessage]:
        name, activity = self._name(row), row["ocel:activity"]
        if activity == PLACE:
            yield from self._order_placed(at, name, listed(row["ocel:type:orders"]) or [f"event-{name}"])
            return
        orders = self.items.by_order(row)
        for order in orders:
            if order not in self.placed and order not in self.items.placed:
                yield from self._order_messages(at, order, order, inferred=True)
        packages = listed(row["ocel:type:packages"]) or [f"event-{name}"]
        targets = [(order, package) for order in orders for package in packages]
        for part, (order, package) in enumerate(targets, 1):
            packed = self.items.package.get(package, {}).get(order, [])
            kind, data = _content_of(name, row, package, orders[order] or packed)
            data = {"channel": OCEL.name, "order_id": order, **data}
            yield OCEL.timed_message(kind, SELLER, at, f"{name}/{part}", data, part=(part, len(targets)))

    def _name(self, row: Row) -> str:
        """The event's own name, with a suffix if several files number their events from 1."""
        name = name_of(row)
        self.named[name] += 1
        return name if self.named[name] == 1 else f"{name}~{self.named[name]}"

    def _order_placed(self, at: datetime, name: str, orders: list[str]) -> Iterator[TimedMessage]:
        for part, order in enumerate(orders, 1):
            yield from self._order_messages(at, order, f"{name}/{part}", part=(part, len(orders)))

    def _order_messages(
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
        yield OCEL.timed_message("order-placed", SELLER, at, name, placed, inferred=inferred, part=part)


def _content_of(name: str, row: Row, package: str, items: list[str]) -> tuple[str, Message]:
    """The kind and the data of an event's message, without the order id."""
    match row["ocel:activity"]:
        case "confirm order":
            return "order-acknowledged", {}
        case "pay order":
            amount = max(0, OCEL.minor(decimal(row.get("price", ""))))
            return "order-paid", {"payment_id": name, "amount": amount, "in_full": True}
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
