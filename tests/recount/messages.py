"""Makes up what a seller's channels, warehouse and carriers send: raw messages in their order of arrival.

In half of the histories everything arrives as it happens: stock is scarce, operators have wishes, buyers
return goods.  In the other half the facts of orders arrive in any order, some of them twice.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

Raw = dict[str, Any]
"""A message: `type`, `id`, `time` and `data`, some with `actor` or `reportedat`."""
Lines = dict[str, int]
"""Pieces by line."""

SEOUL: Final = timezone(timedelta(hours=9))
ACCOUNTS: Final = (("naver", "main"), ("naver", "second"), ("coupang", "main"))
ORDERS: Final = tuple((*account, f"O{number}") for account in ACCOUNTS for number in range(1, 4))
PLACES: Final = {"CHAIR": "main", "DESK": "busan", "LAMP": "main"}
"""Where each SKU is kept."""
BEGIN: Final = datetime(2026, 2, 6, tzinfo=SEOUL)
"""A Friday ten days before the new year's holidays."""
LATER: Final = "2099-03-05T10:00:00+09:00"


def history(seed: int) -> list[Raw]:
    chance = Random(seed)
    as_it_happens = seed % 2 == 0
    stock = list(_stock(chance, scarce=as_it_happens))
    messages = stock[len(PLACES) :]
    for head in chance.sample(ORDERS, chance.randint(2, 6)):
        messages += Story(chance, *head, as_it_happens=as_it_happens).messages
    messages.sort(key=lambda message: str(message["time"]))
    if as_it_happens:
        for _ in range(chance.randint(0, 2)):
            messages.insert(chance.randint(0, len(messages)), _count(chance, messages))
    else:
        chance.shuffle(messages)
    first = [*_policies(chance), *stock[: len(PLACES)]]
    for number, message in enumerate(messages):
        message["id"] = f"m-{number}"
    if as_it_happens and chance.random() < 0.3:
        _claim_the_future(chance, messages)
    for number in range(chance.randint(0, 5)):
        index = chance.randrange(len(messages))
        messages.insert(chance.randint(index + 1, len(messages)), _repeat(messages[index], number))
    return first + messages


def _repeat(message: Raw, number: int) -> Raw:
    """The same message again; every other one of a fact comes under another id."""
    if number % 2 or message["type"].endswith("-requested"):
        return {**message}
    return {**message, "id": f"again-{number}"}


def _claim_the_future(chance: Random, messages: list[Raw]) -> None:
    scans = [message for message in messages if message["type"] in ("shipment-tracked", "review-posted")]
    if scans:
        chance.choice(scans)["time"] = LATER


def _policies(chance: Random) -> Iterator[Raw]:
    if chance.random() < 0.5:
        head = {"kind": "stock_policy", "id": "shared", "version": 2, "region": "KR", "source": "the owner"}
        shares = {"coupang": "0.5", "naver": "1"}
        policy = {**head, "valid_from": "2026-01-01", "confidence": "high", "safety_stock": 2}
        data = {"policy": {**policy, "channel_shares": shares}}
        yield {
            "type": "policy-adoption-requested", "id": "p", "time": BEGIN.isoformat(), "data": data,
            "actor": "operator:kim",
        }  # fmt: skip


def _stock(chance: Random, *, scarce: bool) -> Iterator[Raw]:
    """A receipt of each SKU at first, and then some more facts of the warehouse."""
    for number in range(len(PLACES) + chance.randint(0, 5)):
        sku = [*PLACES][number % len(PLACES)]
        at = BEGIN + timedelta(minutes=chance.randrange(60 * 24 * 40) if number >= len(PLACES) else 0)
        head = {"sku": sku, "location": PLACES[sku]}
        if number < len(PLACES) or chance.random() < 0.6:
            pieces = chance.randint(1, 8) if scarce else 200
            data = {**head, "receipt_id": f"in-{number}", "pieces": pieces}
            yield {"type": "stock-received", "id": f"in-{number}", "time": at.isoformat(), "data": data}
        else:
            data = {**head, "adjustment_id": f"ad-{number}", "delta": chance.choice((-3, -1, 2))}
            data["reason"] = "damaged"
            yield {"type": "stock-adjusted", "id": f"ad-{number}", "time": at.isoformat(), "data": data}


def _count(chance: Random, messages: list[Raw]) -> Raw:
    sku = chance.choice([*PLACES])
    data = {"sku": sku, "location": PLACES[sku], "count_id": f"ct-{chance.random()}"}
    at = chance.choice(messages)["time"] if messages else BEGIN.isoformat()
    return {
        "type": "stock-counted", "id": "", "time": at, "data": {**data, "counted": chance.randint(0, 9)}
    }  # fmt: skip


class Story:
    """What happens to one order."""

    def __init__(
        self, chance: Random, channel: str, account: str, order: str, *, as_it_happens: bool
    ) -> None:
        self._chance = chance
        self._channel = channel
        self._head = {"channel": channel, "account": account, "order_id": order}
        self._as_it_happens = as_it_happens
        self.messages: list[Raw] = []
        self._placed = BEGIN + timedelta(minutes=chance.randrange(60, 60 * 24 * 40))
        self._left = self._places()
        self._pays()
        sent = [parcel for number in (1, 2) if (parcel := self._sends(f"s{number}")) is not None]
        self._cancels()
        delivered = [parcel for parcel in sent if self._tracks(*parcel)]
        if as_it_happens and delivered and chance.random() < 0.7:
            self._returns(*chance.choice(delivered))
        self._mentions()

    def _send(self, kind: str, at: datetime, data: Raw, **attributes: str) -> None:
        if kind.endswith("-requested") and kind != "cancel-requested":
            attributes["actor"] = "operator:kim"
        self.messages.append({"type": kind, "id": "", "time": at.isoformat(), "data": data, **attributes})

    def _of_order(self, kind: str, at: datetime, **data: Any) -> None:
        self._send(kind, at, {**self._head, **data})

    def _after(self, at: datetime, days: float) -> datetime:
        """Some time after that instant; often enough at the very limit of a day, or of a cut-off."""
        later = at + timedelta(minutes=self._chance.randrange(1, int(days * 24 * 60)))
        if self._chance.random() < 0.3:
            hour = self._chance.choice((0, 13, 15, 17))
            later = later.replace(hour=hour, minute=0) + timedelta(days=1)
        return later

    def _maybe(self, share: float) -> bool:
        return self._chance.random() < share

    def _places(self) -> Lines:
        chance = self._chance
        lines = [
            {
                "line": str(number), "sku": chance.choice([*PLACES]), "pieces": chance.randint(1, 3),
                "unit_price": chance.choice(("10000", "3333")),
            }
            for number in range(1, chance.randint(1, 3) + 1)
        ]  # fmt: skip
        data: Raw = {"currency": "KRW", "lines": lines, "shipping_fee": chance.choice((0, 0, 3000))}
        if self._maybe(0.15):
            data["dispatch_type"] = "preorder"
            for line in lines:
                if self._maybe(0.8):
                    line["ship_by"] = self._after(self._placed, 9).isoformat()
        elif self._channel == "naver" and self._maybe(0.3):
            data["dispatch_type"] = "same_day"
        if self._maybe(0.7):
            zone = chance.choice(("metro", "remote"))
            near = {"distance_km": 12} if zone == "metro" and self._maybe(0.4) else {}
            data["destination"] = {"country": "KR", "zone": zone, **near}
        if self._maybe(0.2):
            data["promise_at"] = self._after(self._placed, 6).isoformat()
        self._of_order("order-placed", self._placed, **data)
        self._price = sum(int(str(line["unit_price"])) * int(str(line["pieces"])) for line in lines)
        self._price += data["shipping_fee"]
        return {str(line["line"]): int(str(line["pieces"])) for line in lines}

    def _pays(self) -> None:
        half = self._price // 2
        amounts = self._chance.choice(
            ((), (self._price,), (self._price,), (self._price,), (half, self._price - half), (half,),
             (self._price, 5_000), (self._price, self._price))
        )  # fmt: skip
        for number, amount in enumerate(amounts):
            at = self._after(self._placed, 1.5)
            self._of_order("order-paid", at, payment_id=f"p{number}", amount=amount)
            if self._as_it_happens and self._maybe(0.1):
                self._of_order("order-paid", self._after(at, 1), payment_id=f"p{number}", amount=amount + 7)

    def _part(self) -> Lines:
        """Takes some pieces of what is left."""
        every = self._maybe(0.5)
        part = {name: left if every else self._chance.randint(0, left) for name, left in self._left.items()}
        self._left = {name: left - part[name] for name, left in self._left.items()}
        return {name: pieces for name, pieces in part.items() if pieces}

    def _claims(self, kind: str, at: datetime, part: Lines, **data: Any) -> datetime:
        """Reports the pieces at once, line by line, or some of them at first and all later."""
        way = self._chance.random()
        if way < 0.6:
            self._of_order(kind, at, lines=asked(part), **data)
        elif way < 0.8 or not self._as_it_happens:
            for name, pieces in part.items():
                self._of_order(kind, at, lines=asked({name: pieces}), **data)
        else:
            self._of_order(kind, at, lines=asked(dict.fromkeys(part, 1)), **data)
            at = self._after(at, 0.5)
            self._of_order(kind, at, lines=asked(part), **data)
        return at

    def _sends(self, name: str) -> tuple[str, Lines, datetime] | None:
        """Returns the parcel, its contents and when it left, if a carrier may scan it."""
        part = self._part() if self._maybe(0.8) else {}
        if not part:
            return None
        at = self._after(self._placed, self._chance.choice((2, 12)))
        if self._as_it_happens and self._maybe(0.25):
            self._of_order("shipment-packed", at, shipment_id=name, lines=asked(part))
            self._of_order("dispatch-requested", self._after(at, 2), shipment_id=name)
            return None
        if self._as_it_happens and self._maybe(0.15):
            self._of_order("shipment-dispatched", at, shipment_id=f"{name}-voided", lines=asked(part))
            at = self._after(at, 1)
            self._of_order("shipment-tracked", at, shipment_id=f"{name}-voided", status="cancelled")
            at = self._after(at, 1)
        return name, part, self._claims("shipment-dispatched", at, part, shipment_id=name)

    def _cancels(self) -> None:
        way = self._chance.random()
        if way < 0.4:
            for number in (1, 2):
                if part := self._part() if self._maybe(0.6) else {}:
                    self._cancels_at_the_channel(f"c{number}", part)
        elif way < 0.7 and self._as_it_happens and (part := self._part()):
            at = self._after(self._placed, 8)
            reason = self._chance.choice(("out_of_stock", "customer_request", "price_error"))
            if way < 0.55:
                fields = {"lines": asked(part), "reason": reason}
                self._of_order("cancellation-requested", at, cancellation_id="w", **fields)
                return
            self._of_order("cancel-requested", at, request_id="q", lines=asked(part))
            if self._maybe(0.8):
                approve = self._maybe(0.7)
                data: Raw = {"request_id": "q", "approve": approve}
                if approve and self._maybe(0.4):
                    data["true_reason"] = reason
                self._of_order("cancel-decision-requested", self._after(at, 2), **data)

    def _cancels_at_the_channel(self, name: str, part: Lines) -> None:
        reason = self._chance.choice(("out_of_stock", "customer_request", "customer_request", "fraud"))
        data: Raw = {"cancellation_id": name, "reason": reason}
        data["initiator"] = self._chance.choice(("seller", "customer", "channel"))
        if self._maybe(0.3):
            data["fault"] = self._chance.choice(("seller", "carrier", "platform", "platform"))
        self._claims("order-cancelled", self._after(self._placed, 8), part, **data)

    def _tracks(self, name: str, part: Lines, left: datetime) -> bool:
        """Returns whether the parcel was delivered at last."""
        del part
        scans = self._chance.choice(
            (("in_transit",), ("delivered",), ("in_transit", "delivered"), ("in_transit", "delivered"),
             ("delivered", "unknown"), ("delivered", "delivered"), ("lost",), ("lost", "delivered"),
             ("in_transit", "return_to_sender"), ("return_to_sender", "delivered"), ())
        )  # fmt: skip
        at = left
        for status in scans:
            at = self._after(at, 3)
            reported = (
                {"reportedat": (at + timedelta(minutes=self._chance.randint(0, 90))).isoformat()}
                if self._maybe(0.5)
                else {}
            )
            data = {**self._head, "shipment_id": name, "status": status}
            self._send("shipment-tracked", at, data, **reported)
        return "delivered" in scans or "return_to_sender" in scans

    def _returns(self, name: str, part: Lines, left: datetime) -> None:
        del name
        wanted = {line: self._chance.randint(1, pieces) for line, pieces in part.items() if self._maybe(0.8)}
        if not wanted:
            return
        chance, at = self._chance, self._after(left + timedelta(days=4), 8)
        back = f"R{self._head['order_id']}"  # other accounts use the same ids
        head = {"channel": self._head["channel"], "account": self._head["account"], "return_id": back}
        data: Raw = {"return_id": back, "lines": asked(wanted)}
        data["reason"] = chance.choice(("changed_mind", "defect"))
        self._of_order("return-requested", at, **data)
        if self._maybe(0.15):
            decision = chance.choice(("rejected", "withdrawn"))
            self._send("return-decided", self._after(at, 2), {**head, "decision": decision})
            return
        if self._maybe(0.7):
            at = self._after(at, 2)
            self._send("return-collected", at, head)
        if self._maybe(0.8):
            at = self._after(at, 3)
            came = {line: chance.randint(1, pieces) for line, pieces in wanted.items()}
            some = {"lines": asked(came)} if self._maybe(0.4) else {}
            self._send("return-received", at, {**head, "receipt_id": "b1", **some})
            if self._maybe(0.8):
                at = self._after(at, 6)
                units = self._units(came)
                self._send("return-inspected", at, {**head, "inspection_id": "i1", "units": units})
        if self._maybe(0.6):
            at = self._after(at, 5)
            refund = {"amount": 3333, "cause": "return", "return_id": back}
            self._of_order("refund-recorded", at, refund_id="b", **refund)

    def _units(self, came: Lines) -> list[Raw]:
        """One entry per line, at times for more pieces than came back."""
        return [
            {
                "line": line, "pieces": pieces + (self._maybe(0.1)),
                "condition": self._chance.choice(("new", "used", "damaged")),
                "disposition": self._chance.choice(("restock", "restock", "scrap", "quarantine")),
            }
            for line, pieces in came.items()
        ]  # fmt: skip

    def _mentions(self) -> None:
        """Refunds and ratings."""
        if self._maybe(0.25):
            for number in range(self._chance.randint(1, 2)):
                amount = self._chance.choice((3_333, 10_000, 100_000))
                data = {"refund_id": f"r{number}", "amount": amount, "cause": "goodwill"}
                self._of_order("refund-recorded", self._after(self._placed, 20), **data)
        if self._maybe(0.3):
            for number in range(self._chance.randint(1, 2)):
                score = self._chance.randint(1, 5)
                at = self._after(self._placed, 20)
                self._of_order("review-posted", at, review_id=f"v{number}", score=score)


def asked(part: Lines) -> list[Raw]:
    return [{"line": line, "pieces": pieces} for line, pieces in part.items()]


def last_day(messages: list[Raw]) -> date:
    """The last day on which something happened."""
    times = [datetime.fromisoformat(message["time"]) for message in messages if message["time"] != LATER]
    return max(times).astimezone(SEOUL).date()
