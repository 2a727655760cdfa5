"""Generates the same orders for both sides: bytes of messages for Jumun, plain arguments for the aggregates.

Each order has two lines of two pieces.  A batch holds one step of each of five groups of orders, so that
orders in all stages are open at once.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from benchmarks.naive import Order, StockItem
from benchmarks.shop import KINDS, Step

BATCH = 500
GROUP = BATCH // len(KINDS)
PIECES = 2
BEGAN = datetime(2026, 3, 9, 1, tzinfo=UTC)
ON_HAND = 10_000_000


class Market(NamedTuple):
    """A number of orders and of SKUs.  If `skus` is even, the two lines of an order have different SKUs.

    The cost of the library's aggregates grows with the history of each SKU.
    """

    orders: int
    skus: int

    def names(self) -> list[str]:
        return [sku(number) for number in range(self.skus)]

    def skus_of(self, number: int) -> tuple[str, str]:
        return sku(number % self.skus), sku((number * 7 + 1) % self.skus)

    def receipts(self) -> list[bytes]:
        return [receipt(name) for name in self.names()]

    def messages(self, kinds: Sequence[str] = KINDS) -> list[list[bytes]]:
        return [
            [message(kind, number, self.skus_of(number)) for kind, number in wave]
            for wave in waves(self.orders, kinds)
        ]

    def steps(self, kinds: Sequence[str] = KINDS) -> list[list[Step]]:
        return [
            [step(kind, number, self.skus_of(number)) for kind, number in wave]
            for wave in waves(self.orders, kinds)
        ]


def sku(number: int) -> str:
    return f"SKU-{number:03}"


def key_of(number: int) -> str:
    return f"naver:main:2026030900{number:06}"


def at(number: int, kind: str) -> datetime:
    return BEGAN + timedelta(seconds=number, hours=KINDS.index(kind))


def waves(orders: int, kinds: Sequence[str] = KINDS) -> Iterator[list[tuple[str, int]]]:
    """Batches of (step, order).  Each batch holds at most one step of an order."""
    groups = [range(first, min(first + GROUP, orders)) for first in range(0, orders, GROUP)]
    for wave in range(len(groups) + len(kinds) - 1):
        yield [
            (kind, number)
            for late, kind in enumerate(kinds)
            if 0 <= wave - late < len(groups)
            for number in groups[wave - late]
        ]


def step(kind: str, number: int, skus: Sequence[str]) -> Step:
    key = key_of(number)
    lines = tuple((str(line), name, StockItem.create_id(name), PIECES) for line, name in enumerate(skus, 1))
    return Step(kind, key, Order.create_id(key), lines, at(number, kind))


def message(kind: str, number: int, skus: Sequence[str]) -> bytes:
    """One inbound CloudEvent."""
    name, data = _CONTENT[kind](number, skus)
    data |= {"channel": "naver", "order_id": f"2026030900{number:06}"}
    return cloud_event(name, f"{kind}-{number}", data, at(number, kind))


def cloud_event(name: str, identity: str, data: dict[str, Any], when: datetime = BEGAN) -> bytes:
    whole = {
        "specversion": "1.0",
        "id": identity,
        "source": "shop",
        "type": f"jumun.inbound.{name}.v1",
        "time": when.isoformat(),
        "sellerid": "acme",
        "actor": "choi",
        "data": data,
    }
    return json.dumps(whole).encode()


def receipt(name: str) -> bytes:
    data = {"receipt_id": f"in-{name}", "sku": name, "pieces": ON_HAND}
    return cloud_event("stock-received", f"in-{name}", data)


def _place(_: int, skus: Sequence[str]) -> tuple[str, dict[str, Any]]:
    lines = [
        {"line": str(line), "sku": name, "pieces": PIECES, "unit_price": "1000"}
        for line, name in enumerate(skus, 1)
    ]
    return "order-placed", {"currency": "KRW", "lines": lines}


def _pay(number: int, skus: Sequence[str]) -> tuple[str, dict[str, Any]]:
    return "order-paid", {"payment_id": f"pay-{number}", "amount": 2_000 * len(skus)}


def _pack(_: int, skus: Sequence[str]) -> tuple[str, dict[str, Any]]:
    lines = [{"line": str(line), "pieces": PIECES} for line, _ in enumerate(skus, 1)]
    checked = {"passed": True, "by": "choi"}
    return "pack-requested", {"shipment_id": "s1", "lines": lines, "quality_check": checked}


def _ship(_: int, __: Sequence[str]) -> tuple[str, dict[str, Any]]:
    return "dispatch-requested", {"shipment_id": "s1", "carrier": "CJGLS", "tracking_number": "1"}


def _deliver(_: int, __: Sequence[str]) -> tuple[str, dict[str, Any]]:
    return "shipment-tracked", {"shipment_id": "s1", "status": "delivered"}


_CONTENT = {"place": _place, "pay": _pay, "pack": _pack, "ship": _ship, "deliver": _deliver}
