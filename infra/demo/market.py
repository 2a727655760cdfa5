"""Simulates sellers, their stock and their orders: paid, packed, shipped, cancelled, lost, returned."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from infra.demo.messages import MessageCollector

SELLERS: Final = ("seoul-home", "busan-sport", "jeju-tea", "daegu-books", "incheon-toys")
SHARES: Final = (0.5, 0.25, 0.13, 0.06, 0.06)
"""The approximate share of the orders of each seller."""
CHANNELS: Final = ("naver", "coupang", "shopify")
AN_ORDER: Final = "N-000042"
SHOWN: Final = (
    "processing_time",
    "delivery_time",
    "on_time_shipment",
    "on_time_delivery",
    "cancel_rate",
    "cancel_rate:seller",
    "out_of_stock_cancel_rate",
    "unit_fill_rate",
    "order_fill_rate",
    "return_rate",
    "refund_cycle_time",
    "satisfaction",
)
"""The KPIs that the demo prints."""

BEGIN: Final = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)
"""Midnight of 2026-03-02 in Seoul, a public holiday."""
DAYS: Final = 28
SKUS: Final = 40
SCARCE: Final = 3
"""The number of SKUs of each seller, the first ones, that sometimes run out."""
HOUR: Final = timedelta(hours=1)
PRICES: Final = (4_900, 12_000, 19_900, 34_500, 79_000)
REASONS: Final = (
    "changed_mind",
    "changed_mind",
    "wrong_option_chosen",
    "defect",
    "damaged",
    "not_as_described",
)


def expected(orders: int) -> int:
    """The approximate number of messages for this many orders, for the progress bar."""
    return int(orders * 7.7) + 1_900


def messages(orders: int, seed: int) -> list[bytes]:
    """All messages of the marketplace, in the order of their arrival."""
    market = _Market(Random(seed))
    market.open(orders)
    for number in range(orders):
        market.live(number, orders)
    market.pass_time()
    return list(market.disturbed())


class _Market:
    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.messages = MessageCollector()
        self.weekly: dict[str, int] = {}
        """Pieces of a SKU that a seller receives each week."""

    def open(self, orders: int) -> None:
        """The sellers, and the stock that they receive each week."""
        for seller in SELLERS:
            how = {"zone": "Asia/Seoul", "currency": "KRW", "mode": "live"}
            self.messages.add("seller-open-requested", seller, BEGIN, how, actor=f"owner:{seller}")
        for share, seller in zip(SHARES, SELLERS, strict=True):
            enough = self.weekly[seller] = 8 + int(orders * share / (4 * SKUS) * 3.4)
            for week in range(4):
                for sku in range(SKUS):
                    pieces = enough if sku >= SCARCE else enough * 3 // 4
                    self._receive(seller, sku, pieces, BEGIN + timedelta(days=7 * week), f"week{week}")
        self._hold_unpaid(SELLERS[2])

    def _hold_unpaid(self, seller: str) -> None:
        """The policy of a seller who reserves stock for a day, until the bank transfer arrives."""
        policy = {
            "kind": "stock_policy",
            "id": "hold-a-day",
            "version": 1,
            "valid_from": "2026-03-01",
            "region": "KR",
            "source": "demo",
            "confidence": "high",
            "safety_stock": 2,
            "low_stock": {"units": 10, "clear_at": 15},
            "channel_shares": {"shopify": "0.8"},
            "hold_unpaid_minutes": 1_440,
        }
        self.messages.add(
            "policy-adoption-requested", seller, BEGIN, {"policy": policy}, actor=f"owner:{seller}"
        )

    def _receive(self, seller: str, sku: int, pieces: int, at: datetime, name: str) -> None:
        receipt = f"receipt-{seller}-{sku}-{name}"
        data = {"sku": _sku(sku), "receipt_id": receipt, "pieces": pieces}
        self.messages.add("stock-received", seller, at, data, message_id=receipt, source="warehouse")

    def live(self, number: int, orders: int) -> None:
        """One order, from its placement to its end."""
        life = _Life(self, number, BEGIN + timedelta(days=DAYS) * number / orders)
        life.place()
        if life.paid:
            life.fulfil()

    def pass_time(self) -> None:
        for hours in range(24 * (DAYS + 14)):
            self.messages.tick(BEGIN + hours * HOUR)

    def disturbed(self) -> Iterator[bytes]:
        """The messages as they arrive: with some duplicates and some unreadable ones."""
        for line in self.messages.lines():
            yield line
            if self.chance.random() < 0.02:
                yield line
            if self.chance.random() < 0.005:
                yield _garbage(self.chance, line)


def _garbage(chance: Random, line: bytes) -> bytes:
    cut = chance.randrange(len(line))
    broken = (
        line[:cut],
        b"\xff\xfe" + line[cut:],
        line.replace(b'"pieces": ', b'"pieces": -'),
        line.replace(b'"sellerid"', b'"selerid"'),
        b"<html>502 Bad Gateway</html>",
    )
    garbage = chance.choice(broken)
    return garbage if garbage != line else b"{}"


def _sku(number: int) -> str:
    return f"SKU-{number:03}"


class _Life:
    """What happens to one order.  Random numbers are drawn in a fixed order: the seed determines all."""

    def __init__(self, market: _Market, number: int, at: datetime) -> None:
        self.market, self.at, self.chance = market, at, market.chance
        self.seller = SELLERS[min(int(self.chance.expovariate(0.7)), len(SELLERS) - 1)]
        self.channel = self.chance.choice(CHANNELS)
        self.key = {"channel": self.channel, "order_id": f"{self.channel[0].upper()}-{number:06}"}
        if number == 42:  # the order that the demo suggests looking at
            self.channel = "naver"
            self.key = {"channel": "naver", "order_id": AN_ORDER}
        count = self.chance.choice((1, 1, 1, 2, 2, 3))
        skus = self.chance.sample(range(SKUS), count)
        self.lines = [(str(i), sku, self.chance.choice((1, 1, 1, 2, 3))) for i, sku in enumerate(skus, 1)]
        self.total = sum(PRICES[sku % len(PRICES)] * pieces for _, sku, pieces in self.lines)
        self.paid = self.chance.random() > 0.02
        self.near = self.chance.random() < 0.05
        """Whether the buyer lives near enough for a delivery on the same day."""

    def _add(self, kind: str, at: datetime, data: dict[str, Any], **how: Any) -> None:
        self.market.messages.add(kind, self.seller, at, {**self.key, **data}, **how)

    def _pieces(self) -> list[dict[str, Any]]:
        return [{"line": line, "pieces": pieces} for line, _, pieces in self.lines]

    def place(self) -> None:
        lines = [
            {
                "line": line,
                "sku": _sku(sku),
                "pieces": pieces,
                "unit_price": str(PRICES[sku % len(PRICES)]),
                **({"note": "문 앞에 놓아 주세요"} if self.chance.random() < 0.1 else {}),
            }
            for line, sku, pieces in self.lines
        ]
        zone = "metro" if self.near else self.chance.choice(("metro", "metro", "remote"))
        where = {"country": "KR", "zone": zone, "distance_km": 8 if self.near else 180}
        data = {
            "currency": "KRW",
            "lines": lines,
            "destination": where,
            "buyer": f"buyer {self.key['order_id']}",
        }
        self._add("order-placed", self.at, data, source=self.channel)
        if self.paid:
            early = timedelta(minutes=-2) if self.chance.random() < 0.02 else timedelta(0)
            payment = {"payment_id": f"pay-{self.key['order_id']}", "amount": self.total}
            self._add("order-paid", self.at + timedelta(minutes=1), payment, source=self.channel, delay=early)

    def fulfil(self) -> None:
        turn = self.chance.random()
        seen = self.at + timedelta(hours=self.chance.uniform(0.3, 1.5))
        self._add("order-acknowledged", seen, {}, source=self.channel)
        scarce = next((line for line in self.lines if line[1] < SCARCE), None)
        if scarce is not None and turn < 0.06:
            self._out_of_stock(scarce, seen + HOUR)
            return
        if 0.06 <= turn < 0.09:
            self._buyer_cancels(seen + HOUR)
            return
        slow = self.chance.random() < 0.015
        packed = seen + timedelta(hours=self.chance.uniform(50, 140) if slow else self.chance.uniform(0.5, 4))
        self._ship(packed)

    def _out_of_stock(self, scarce: tuple[str, int, int], at: datetime) -> None:
        """The picker finds too few: the seller cancels a piece, and nobody may sell the SKU until a count."""
        line, sku, _ = scarce
        cancel = {
            "cancellation_id": f"oos-{self.key['order_id']}",
            "lines": [{"line": line, "pieces": 1}],
            "reason": "out_of_stock",
        }
        self._add("cancellation-requested", at, cancel, actor="operator:park")
        count = f"count-{self.seller}-{sku}-{self.key['order_id']}"
        on_hand = self.market.weekly[self.seller] * self.chance.choice((2, 4, 6, 8)) // 10
        counted = {"sku": _sku(sku), "count_id": count, "counted": on_hand}
        later = at + timedelta(hours=3)
        self.market.messages.add(
            "stock-counted", self.seller, later, counted, message_id=count, source="warehouse"
        )

    def _buyer_cancels(self, at: datetime) -> None:
        request = f"req-{self.key['order_id']}"
        line = self.lines[0][0]
        wish = {"request_id": request, "lines": [{"line": line, "pieces": 1}], "words": "마음이 바뀌었어요"}
        self._add("cancel-requested", at, wish, source=self.channel)
        if self.chance.random() < 0.7:
            answer = {"request_id": request, "approve": True}
            self._add("cancel-decision-requested", at + HOUR, answer, actor="operator:lee")
            refund = {"refund_id": f"ref-{request}", "amount": 4_900, "cause": "cancel"}
            self._add("refund-recorded", at + 20 * HOUR, refund, source="payments")
        else:
            self._ship(at + 3 * HOUR, override=True)

    def _ship(self, at: datetime, *, override: bool = False) -> None:
        passed = [True] if self.chance.random() > 0.01 else [False, True]
        for minutes, good in enumerate(passed):
            checked = {"passed": good, "by": "packer:choi"}
            pack = {"shipment_id": "1", "lines": self._pieces(), "quality_check": checked}
            when = at + timedelta(minutes=20 * minutes)
            self._add("pack-requested", when, pack, actor="packer:choi", source="warehouse")
        number = f"{self.chance.randrange(10**11):012}"
        leave: dict[str, Any] = {"shipment_id": "1", "carrier": "CJGLS", "tracking_number": number}
        if override:
            leave["override"] = {"operator": "operator:lee", "reason": "already with the courier"}
        self._add("dispatch-requested", at + HOUR, leave, actor="packer:choi", source="warehouse")
        self._travel(at + 3 * HOUR)

    def _travel(self, at: datetime) -> None:
        """The carrier's scans: some arrive late or in the wrong order, and some parcels are lost."""
        self._add("shipment-tracked", at, {"shipment_id": "1", "status": "picked_up"}, source="carrier")
        slow = self.chance.random() < 0.04
        hours = self.chance.uniform(30, 70) if slow else self.chance.uniform(9, 24)
        came = at + timedelta(hours=self.chance.uniform(1, 4) if self.near else hours)
        if self.chance.random() < 0.004:
            self._add("shipment-tracked", came, {"shipment_id": "1", "status": "lost"}, source="carrier")
            return
        late = timedelta(hours=self.chance.uniform(24, 96)) if self.chance.random() < 0.05 else timedelta(0)
        done = {"shipment_id": "1", "status": "delivered", "raw_code": "91"}
        self._add("shipment-tracked", came, done, source="carrier", delay=late)
        if self.chance.random() < 0.3:
            out = {"shipment_id": "1", "status": "out_for_delivery", "raw_code": "82"}
            self._add("shipment-tracked", came - 4 * HOUR, out, source="carrier", delay=5 * HOUR)
        if self.chance.random() < 0.35:
            score = self.chance.choice((5, 5, 5, 4, 4, 3, 1))
            review = {"review_id": f"rev-{self.key['order_id']}", "score": score, "text": "잘 받았습니다"}
            self._add("review-posted", came + 30 * HOUR, review, source=self.channel)
        if self.chance.random() < 0.08:
            self._return(came + timedelta(hours=self.chance.uniform(10, 100)))

    def _return(self, at: datetime) -> None:
        name = f"ret-{self.key['order_id']}"
        line, sku, _ = self.lines[0]
        wish = {
            "return_id": name,
            "lines": [{"line": line, "pieces": 1}],
            "reason": self.chance.choice(REASONS),
        }
        self._add("return-requested", at, wish, source=self.channel, actor="buyer")
        add, seller = self.market.messages.add, self.seller
        agreed = {"return_id": name, "approve": True}
        add("return-decision-requested", seller, at + HOUR, agreed, actor="operator:lee")
        add("return-collected", seller, at + 24 * HOUR, {"return_id": name}, source="carrier")
        add("return-received", seller, at + 50 * HOUR, {"return_id": name}, source="warehouse")
        fine = self.chance.random() < 0.75
        unit = {
            "line": line,
            "pieces": 1,
            "condition": "new" if fine else "damaged",
            "disposition": "restock" if fine else "scrap",
        }
        inspection = {"return_id": name, "inspection_id": name, "units": [unit]}
        add("return-inspected", seller, at + 55 * HOUR, inspection, source="warehouse")
        if self.chance.random() < 0.9:
            amount = PRICES[sku % len(PRICES)]
            refund = {"refund_id": f"ref-{name}", "amount": amount, "cause": "return", "return_id": name}
            self._add("refund-recorded", at + 70 * HOUR, refund, source="payments")
