"""Two hundred buyers of four accounts want the same fifty chairs: their messages, in any interleaving."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from consumers.ports import Ledger
from domain.order.state import Order
from domain.stock.state import StockItem
from domain.streams import order_stream, stock_stream
from tests.messages import message, tick

SELLER: Final = "acme"
SKU: Final = "CHAIR"
PIECES: Final = 50
BUYERS: Final = 200
ACCOUNTS: Final = (("naver", "main"), ("coupang", "main"), ("shopify", "main"), ("shopify", "second"))
BEGIN: Final = datetime.fromisoformat("2026-03-09T10:00:00+09:00")
HOLD_MINUTES: Final = 30
Buyer = dict[str, Any]
"""Channel, account and order id.  Buyers of several accounts have orders of the same id."""
Wish = tuple[str, dict[str, Any]]
"""The kind and the data of a message."""


def buyers() -> list[Buyer]:
    return [
        {"channel": channel, "account": account, "order_id": f"O{number // len(ACCOUNTS)}"}
        for number in range(BUYERS)
        for channel, account in [ACCOUNTS[number % len(ACCOUNTS)]]
    ]


class Rush:
    """The messages of one interleaving.  A buyer wants one to three chairs: pays, hesitates or cancels."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._at = BEGIN
        self._number = 0

    def opening(self) -> list[bytes]:
        """Unpaid orders are held for half an hour; there are fifty chairs."""
        policy = {
            "kind": "stock_policy",
            "id": "holds",
            "version": 2,
            "valid_from": "2026-01-01",
            "region": "KR",
            "source": "the owner",
            "confidence": "high",
            "safety_stock": 0,
            "hold_unpaid_minutes": HOLD_MINUTES,
        }
        receipt = {"sku": SKU, "receipt_id": "in", "pieces": PIECES}
        return [
            self._message("policy-adoption-requested", {"policy": policy}),
            self._message("stock-received", receipt),
        ]

    def rush(self) -> list[bytes]:
        """All buyers at once: each one's own messages stay in their order.  At the end all holds are over."""
        waiting = [deque(self._wishes(buyer)) for buyer in buyers()]
        lines: list[bytes] = []
        while waiting:
            queue = self._chance.choice(waiting)
            kind, data = queue.popleft()
            if not queue:
                waiting.remove(queue)
            self._at += timedelta(seconds=self._chance.randrange(20))
            lines.append(self._message(kind, data))
            if self._chance.random() < 0.1:
                lines.append(lines[self._chance.randrange(len(lines))])  # a message again
            if self._chance.random() < 0.03:
                lines.append(tick(self._at.isoformat()))
        self._at += timedelta(minutes=HOLD_MINUTES)
        return [*lines, tick(self._at.isoformat())]

    def _wishes(self, buyer: Buyer) -> Sequence[Wish]:
        pieces = self._chance.choice((1, 1, 1, 2, 3))
        line = {"line": "1", "sku": SKU, "pieces": pieces, "unit_price": "1000"}
        placed: Wish = ("order-placed", {**buyer, "currency": "KRW", "lines": [line]})
        paid: Wish = ("order-paid", {**buyer, "payment_id": "p", "amount": pieces * 1000})
        cancelled: Wish = ("order-cancelled", {**buyer, "cancellation_id": "c", "reason": "customer_request"})
        pays = [placed, paid]
        ways = ([placed], [placed, cancelled], [placed, paid, cancelled], pays, pays, pays, pays)
        return self._chance.choice(ways)

    def warehouse(self, reserved: Sequence[tuple[Buyer, int]]) -> list[bytes]:
        """Packs and hands over what is reserved, by (buyer, pieces)."""
        lines: list[bytes] = []
        for buyer, pieces in reserved:
            check = {"passed": True, "by": "choi"}
            packed = {**buyer, "lines": [{"line": "1", "pieces": pieces}], "quality_check": check}
            lines.append(self._message("pack-requested", {**packed, "shipment_id": "s"}))
            lines.append(self._message("dispatch-requested", {**buyer, "shipment_id": "s"}))
        return lines

    def sold_out(self, waiting: Sequence[tuple[Buyer, int]]) -> list[bytes]:
        """The seller cancels what is out of stock."""
        return [
            self._message(
                "cancellation-requested",
                {
                    **buyer,
                    "cancellation_id": "w",
                    "reason": "out_of_stock",
                    "lines": [{"line": "1", "pieces": pieces}],
                },
            )
            for buyer, pieces in waiting
        ]

    def _message(self, kind: str, data: dict[str, Any]) -> bytes:
        self._number += 1
        actor = "operator:kim" if kind.endswith("-requested") else None
        return message(kind, data, id=f"m-{self._number}", at=self._at.isoformat(), actor=actor)


def pieces_in(ledger: Ledger, *states: str) -> list[tuple[Buyer, int]]:
    """The buyers with pieces in these states, and how many."""
    streams = {order_stream(SELLER, one["channel"], one["account"], one["order_id"]): one for one in buyers()}
    counts: list[tuple[Buyer, int]] = []
    for stream, loaded in ledger.load(list(streams)).items():
        order: Order = loaded.state
        units = order.lines["1"].units
        if count := sum(pieces for state, pieces in units.items() if state in states):
            counts.append((streams[stream], count))
    return counts


def chairs(ledger: Ledger) -> StockItem:
    stream = stock_stream(SELLER, SKU)
    item: StockItem = ledger.load([stream])[stream].state
    return item


def total(counts: Sequence[tuple[Buyer, int]]) -> int:
    return sum(count for _, count in counts)
