"""A slow recount of raw messages, from the rules as people state them.  It imports nothing of ours.

One message after the other changes plain counters: no events, no folds, no cascade.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

Raw = dict[str, Any]
Lines = dict[str, int]
"""Pieces by line."""
OrderKey = tuple[str, str, str]
"""Channel, account, order id."""

SEOUL: Final = timezone(timedelta(hours=9))
CALENDAR: Final = Path(__file__).parents[2] / "domain/policies/calendars/kr-public-2026a.json"
HOLIDAYS: Final = set(json.loads(CALENDAR.read_text("utf-8"))["holidays"])
TODAY: Final = datetime(2027, 1, 1, tzinfo=SEOUL)
FAULTS: Final = {"out_of_stock": "seller", "price_error": "seller"}
"""Who is at fault for a cancel; the customer for all other reasons."""
BEFORE: Final = ("open", "backordered", "allocated", "packed")
"""Where pieces are before they leave."""
ENDS: Final = ("delivered", "lost", "return_to_sender")
RANK: Final = ("unknown", "in_transit", "cancelled", "lost", "return_to_sender", "delivered")


def business_day_after(day: date, number: int) -> date:
    """The `number`-th business day after that day."""
    while number:
        day += timedelta(days=1)
        number -= is_business_day(day)
    return day


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day.isoformat() not in HOLIDAYS


def clock(day: date, hour: int) -> datetime:
    """24: the end of the day."""
    return datetime(day.year, day.month, day.day, tzinfo=SEOUL) + timedelta(hours=hour)


def day_of(at: datetime) -> date:
    return at.astimezone(SEOUL).date()


@dataclass
class Line:
    sku: str
    ordered: int
    price: int
    ship_by: datetime | None
    where: Counter[str]
    """Pieces by `BEFORE`, `sent` and `cancelled`."""
    waited: int = 0
    sent_at: list[datetime] = field(default_factory=list[datetime])
    cancels: list[tuple[datetime, int, str, str]] = field(
        default_factory=list[tuple[datetime, int, str, str]]
    )
    """(when, pieces, reason, fault)."""
    return_open: int = 0
    back: Counter[str] = field(default_factory=Counter[str])
    """Returned pieces by reason."""
    back_at: datetime | None = None

    @property
    def waiting(self) -> int:
        return sum(self.where[place] for place in BEFORE)

    def cancelled_by(self, at: datetime) -> int:
        return sum(pieces for when, pieces, _, _ in self.cancels if when <= at)

    def cancelled(self, fault: str = "", reason: str = "") -> int:
        return sum(n for _, n, why, who in self.cancels if fault in ("", who) and reason in ("", why))


@dataclass
class Parcel:
    contents: Counter[str] = field(default_factory=Counter[str])
    packed: Counter[str] = field(default_factory=Counter[str])
    sent_at: datetime | None = None
    scans: list[tuple[datetime, int, str, datetime | None]] = field(
        default_factory=list[tuple[datetime, int, str, datetime | None]]
    )
    """(when, rank, status, reported at)."""

    def milestone(self) -> tuple[str, datetime | None, datetime | None]:
        """(status, when, reported at) that holds.

        `unknown` says nothing, the first of several deliveries counts, and a parcel that goes back to its
        sender ends there.
        """
        status: str = ""
        at: datetime | None = None
        reported: datetime | None = None
        for when, _, scanned, reported_at in sorted(self.scans, key=lambda scan: scan[:2]):
            if status and (scanned == "unknown" or (scanned == status and status in ENDS)):
                continue
            if status == "return_to_sender" and scanned != "lost":
                continue
            status, at, reported = scanned, when, reported_at
        return status, at, reported


@dataclass
class Order:
    key: OrderKey
    placed_at: datetime
    lines: dict[str, Line]
    kind: str
    zone: str | None
    near: bool
    promise: datetime | None
    fee: int
    payments: list[tuple[datetime, int]] = field(default_factory=list[tuple[datetime, int]])
    paid_at: datetime | None = None
    parcels: dict[str, Parcel] = field(default_factory=dict[str, Parcel])
    requests: dict[str, tuple[Lines, str]] = field(default_factory=dict[str, tuple[Lines, str]])
    stated: dict[str, Lines] = field(default_factory=dict[str, Lines])
    """What was stated under the id of each fact."""
    refunded: int = 0
    reviews: dict[str, tuple[datetime, int]] = field(default_factory=dict[str, tuple[datetime, int]])

    @property
    def mentions(self) -> tuple[int, int]:
        """(reviews, scans)"""
        return len(self.reviews), sum(len(parcel.scans) for parcel in self.parcels.values())

    def captured(self) -> int:
        return sum(amount for _, amount in self.payments)

    def covered_at(self) -> datetime | None:
        """When the payments covered what the order cost, by the own times of payments and cancels."""
        if not self.payments:
            return None
        first = min(at for at, _ in self.payments)
        cancels = {at for line in self.lines.values() for at, *_ in line.cancels if at > first}
        for at in sorted(cancels | {at for at, _ in self.payments}):
            captured = sum(amount for when, amount in self.payments if when <= at)
            if captured >= self.cost_at(at):
                return at
        return None

    def cost_at(self, at: datetime) -> int:
        """Nobody pays what is cancelled; but a cancel of everything pays for nothing."""
        left = {name: line.ordered - line.cancelled_by(at) for name, line in self.lines.items()}
        if not any(left.values()):
            left = {name: line.ordered for name, line in self.lines.items()}
        return self.fee + sum(self.lines[name].price * pieces for name, pieces in left.items())

    def owed(self) -> int:
        """What the buyer owes for the pieces that are neither cancelled nor returned."""
        if all(line.where["cancelled"] == line.ordered for line in self.lines.values()):
            return 0
        return self.fee + sum(
            line.price * (line.ordered - line.where["cancelled"] - line.back.total())
            for line in self.lines.values()
        )

    def ship_by(self) -> datetime | None:
        """Naver: 3 business days after the payment.  Else by the cut-off of the shop, 13:00."""
        if self.paid_at is None or self.kind == "preorder":
            return None
        day = day_of(self.paid_at)
        early = is_business_day(day) and self.paid_at < clock(day, 13)
        if self.key[0] == "naver":
            number = 3 if self.kind != "same_day" else 0 if early else 1
            return clock(business_day_after(day, number), 24)
        if self.near and early:
            return clock(day, 15)
        return clock(day if early else business_day_after(day, 1), 17)

    def promised(self) -> tuple[datetime, date] | None:
        """(limit, last day) of the delivery.  The day of a channel's promise still keeps it."""
        if self.promise is not None:
            return self.promise, day_of(self.promise)
        ship_by = self.ship_by()
        if ship_by is None or self.key[0] == "naver" or self.zone is None:
            return None
        days = 0 if ship_by == clock(day_of(ship_by), 15) else {"metro": 1, "remote": 3}[self.zone]
        day = business_day_after(day_of(ship_by), days)
        return clock(day, 24), day

    def limit_of(self, line: Line) -> datetime | None:
        """When a line must have left: only if it is paid for, or has left before."""
        if self.paid_at is None and not line.sent_at:
            return None
        return line.ship_by or self.ship_by()

    def in_state(self, name: str, status: str) -> int:
        """Pieces of a line in parcels of that milestone."""
        return sum(one.contents[name] for one in self.parcels.values() if one.milestone()[0] == status)

    def delivered_at(self, name: str | None = None) -> datetime | None:
        """The last delivery of the order, or of a line."""
        times = [
            at
            for one in self.parcels.values()
            for status, at, _ in [one.milestone()]
            if status == "delivered" and at is not None and one.sent_at is not None
            if name is None or one.contents[name]
        ]
        return max(times, default=None)

    def left_at(self) -> datetime | None:
        return min((one.sent_at for one in self.parcels.values() if one.sent_at), default=None)


@dataclass
class Sku:
    place: str
    on_hand: int = 0
    quarantine: int = 0
    closed: bool = False
    uncounted: bool = False
    closed_at: datetime | None = None
    counted_at: datetime | None = None
    moves: list[tuple[datetime, int]] = field(default_factory=list[tuple[datetime, int]])
    """What really came and left, since the latest count."""
    missing: list[tuple[datetime, int]] = field(default_factory=list[tuple[datetime, int]])
    """What left although nothing was there, and nobody has explained."""
    reserved: Counter[tuple[OrderKey, str]] = field(default_factory=Counter[tuple[OrderKey, str]])
    queue: list[tuple[OrderKey, str]] = field(default_factory=list[tuple[OrderKey, str]])
    """Lines that wait, one entry for each piece, the oldest first."""

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved.total()

    def was_counted_after(self, at: datetime) -> bool:
        return self.counted_at is not None and at < self.counted_at

    def come(self, at: datetime, pieces: int, *, receipt: bool = False) -> None:
        """A receipt explains what left before it was booked; other pieces only if they came before that."""
        if self.was_counted_after(at):
            return
        self.moves.append((at, pieces))
        self.on_hand += self._explain(pieces, None if receipt else at)

    def _explain(self, pieces: int, since: datetime | None) -> int:
        """The pieces that are left of these after they explained what is missing."""
        open_still: list[tuple[datetime, int]] = []
        for at, count in sorted(self.missing):
            explained = min(pieces, count) if since is None or since <= at else 0
            pieces -= explained
            if explained < count:
                open_still.append((at, count - explained))
        self.missing = open_still
        return pieces

    def leave(self, at: datetime, pieces: int) -> bool:
        """Whether they were all there, as far as was known."""
        if self.was_counted_after(at):
            return True
        self.moves.append((at, -pieces))
        short = max(0, pieces - self.on_hand)
        if short:
            self.missing.append((at, short))
        self.on_hand = max(0, self.on_hand - pieces)
        return not short

    def count(self, at: datetime, counted: int) -> bool:
        """Whether what left since then was there."""
        self.counted_at = at
        if self.closed_at is None or self.closed_at <= at:
            self.uncounted = False
        self.moves = [move for move in self.moves if move[0] > at]
        self.missing = [entry for entry in self.missing if entry[0] > at]
        left = counted + sum(pieces for _, pieces in self.moves)
        left += sum(pieces for _, pieces in self.missing)
        self.on_hand = self._explain(max(0, left), None)
        if left < 0:
            self.missing.append((max(self.moves)[0], -left))
        return left >= 0


@dataclass
class Return:
    order: Order
    reason: str
    wanted: Lines
    came: Counter[str] = field(default_factory=Counter[str])
    inspected: Counter[str] = field(default_factory=Counter[str])
    receipts: dict[str, Lines] = field(default_factory=dict[str, Lines])
    inspections: set[str] = field(default_factory=set[str])
    closed: bool = False
    collected_at: datetime | None = None
    received_at: datetime | None = None
    inspected_at: datetime | None = None
    refunded_at: datetime | None = None


class Seller:
    """Takes the messages one by one, in the order in which they arrive."""

    def __init__(self) -> None:
        self.orders: dict[OrderKey, Order] = {}
        self.skus: dict[str, Sku] = {}
        self.returns: dict[tuple[str, str, str], Return] = {}
        self.contradictions: set[tuple[str, str]] = set()
        """(kind, subject)."""
        self.refused: list[str] = []
        """Ids of the wishes that must not come true."""
        self.safety, self.shares = 0, {"coupang": 1.0, "naver": 1.0}
        self._seen: set[str] = set()
        self._facts: set[tuple[str, str, str]] = set()
        self._early: dict[Any, list[Raw]] = {}
        self._latest: datetime | None = None

    def take(self, message: Raw) -> None:
        if message["id"] not in self._seen:
            self._seen.add(message["id"])
            self._take(message)

    def _take(self, message: Raw) -> None:
        kind, data = str(message["type"]), message["data"]
        if kind.startswith("stock-"):
            self._warehouse(kind, data, self._at(message))
        elif kind == "policy-adoption-requested":
            policy = data["policy"]
            self.safety = policy["safety_stock"]
            self.shares |= {name: float(share) for name, share in policy["channel_shares"].items()}
        elif "order_id" in data:
            key = (data["channel"], data["account"], data["order_id"])
            if kind != "order-placed" and key not in self.orders:
                self._early.setdefault(key, []).append(message)
                return
            self._of_order(key, kind, data, message)
        else:
            back = (data["channel"], data["account"], data["return_id"])
            if back not in self.returns:
                self._early.setdefault(back, []).append(message)
                return
            self._of_return(self.returns[back], kind, data, self._at(message))

    def _at(self, message: Raw) -> datetime:
        """When it happened; what claims the future happened when it was reported, or with the latest."""
        at = datetime.fromisoformat(message["time"])
        if at <= TODAY:
            self._latest = at if self._latest is None else max(at, self._latest)
            return at
        if "reportedat" in message:
            return datetime.fromisoformat(message["reportedat"])
        assert self._latest is not None
        return self._latest

    # The warehouse.

    def _warehouse(self, kind: str, data: Raw, at: datetime) -> None:
        fact = next(str(data[name]) for name in ("receipt_id", "adjustment_id", "count_id") if name in data)
        if (kind, fact, "") in self._facts:
            return
        self._facts.add((kind, fact, ""))
        sku = self.skus.setdefault(data["sku"], Sku(data["location"]))
        if kind == "stock-received":
            sku.come(at, data["pieces"], receipt=True)
        elif kind == "stock-counted":
            if sku.was_counted_after(at):
                return
            if not sku.count(at, data["counted"]):
                self.contradictions.add(("less_on_hand_than_taken", fact))
        elif data["delta"] > 0:
            sku.come(at, data["delta"])
        elif not sku.leave(at, -data["delta"]):
            self.contradictions.add(("less_on_hand_than_taken", fact))
        less = kind == "stock-counted" or data.get("delta", 0) < 0
        if less and sku.on_hand < sku.reserved.total():
            self.contradictions.add(("reservation_shortfall", fact))
        settled = kind == "stock-received" or (kind == "stock-counted" and not sku.uncounted)
        if settled and sku.closed and sku.free > self.safety:
            sku.closed = sku.uncounted = False
        self._allot(sku)

    def _allot(self, sku: Sku) -> None:
        """Free pieces go to those who have waited longest."""
        while sku.queue and sku.free > 0 and not sku.uncounted:
            key, name = sku.queue.pop(0)
            sku.reserved[key, name] += 1
            where = self.orders[key].lines[name].where
            where["backordered"] -= 1
            where["allocated"] += 1

    def _reserve(self, order: Order) -> None:
        """What a paid order still needs, line by line; what is not there has to wait."""
        for name, line in sorted(order.lines.items()):
            sku = self.skus[line.sku]
            for _ in range(line.where["open"]):
                line.where["open"] -= 1
                if sku.free > 0 and not sku.uncounted and (order.key, name) not in sku.queue:
                    sku.reserved[order.key, name] += 1
                    line.where["allocated"] += 1
                else:
                    sku.queue.append((order.key, name))
                    line.where["backordered"] += 1
                    line.waited += 1

    def _drop(self, order: Order, taken: dict[str, Counter[str]]) -> None:
        """The lines no longer wait for these pieces."""
        for name, places in taken.items():
            sku = self.skus[order.lines[name].sku]
            for _ in range(places["backordered"]):
                last = len(sku.queue) - 1 - sku.queue[::-1].index((order.key, name))
                del sku.queue[last]

    def _pick(self, order: Order, part: Lines, places: tuple[str, ...]) -> dict[str, Counter[str]]:
        """Takes pieces out of these places, the first place first.  Returns them by line and place."""
        taken: dict[str, Counter[str]] = {}
        for name, pieces in sorted(part.items()):
            taken[name] = Counter()
            for place in places:
                count = min(pieces - taken[name].total(), order.lines[name].where[place])
                order.lines[name].where[place] -= count
                taken[name][place] += count
        return taken

    # Orders.

    def _of_order(self, key: OrderKey, kind: str, data: Raw, message: Raw) -> None:
        if kind == "order-placed":
            at = self._at(message)
            if key not in self.orders:
                self._place(key, data, at)
            return
        order = self.orders[key]
        before = order.mentions
        self._mentioned(order, kind, data, self._at(message), message)
        if datetime.fromisoformat(message["time"]) > TODAY and before != order.mentions:
            self.contradictions.add(("claimed_from_the_future", "shop"))

    def _mentioned(self, order: Order, kind: str, data: Raw, at: datetime, message: Raw) -> None:
        match kind:
            case "order-paid":
                self._pay(order, data, at)
            case "shipment-packed":
                self._pack(order, data)
            case "shipment-dispatched" | "dispatch-requested":
                self._dispatch(order, kind, data, at, message["id"])
            case "shipment-tracked":
                self._track(order, data, at, message)
            case "order-cancelled" | "cancellation-requested":
                self._cancel_lines(order, kind, data, at, message["id"])
            case "cancel-requested":
                order.requests.setdefault(data["request_id"], (_pieces(data), "customer_request"))
            case "cancel-decision-requested":
                self._decide(order, data, at, message["id"])
            case "refund-recorded":
                self._refund(order, data, at)
            case "review-posted":
                order.reviews.setdefault(data["review_id"], (at, data["score"]))
            case "return-requested":
                self._return(order, data, at, message["id"])
            case _:
                raise AssertionError(kind)

    def _place(self, key: OrderKey, data: Raw, at: datetime) -> None:
        lines = {
            line["line"]: Line(
                line["sku"],
                line["pieces"],
                int(line["unit_price"]),
                datetime.fromisoformat(line["ship_by"]) if "ship_by" in line else None,
                Counter(open=line["pieces"]),
            )
            for line in data["lines"]
        }
        where = data.get("destination", {})
        promise = datetime.fromisoformat(data["promise_at"]) if "promise_at" in data else None
        self.orders[key] = Order(
            key,
            at,
            lines,
            data.get("dispatch_type", "normal"),
            where.get("zone"),
            "distance_km" in where,
            promise,
            data["shipping_fee"],
        )
        for message in self._early.pop(key, []):
            self._take(message)

    def _new(self, order: Order, fact: str, subject: str, part: Lines) -> Lines:
        """What is new in a fact that may have been stated before; less than before contradicts."""
        before = order.stated.setdefault(f"{fact}:{subject}", {})
        if any(pieces < before.get(name, 0) for name, pieces in part.items()):
            self.contradictions.add((f"{fact}_again_differently", subject))
        new = {name: pieces - before.get(name, 0) for name, pieces in part.items()}
        before |= {name: max(pieces, before.get(name, 0)) for name, pieces in part.items()}
        return {name: pieces for name, pieces in new.items() if pieces > 0}

    def _pay(self, order: Order, data: Raw, at: datetime) -> None:
        before = order.stated.get(f"payment:{data['payment_id']}")
        if before is not None:
            if before["amount"] != data["amount"]:
                self.contradictions.add(("payment_again_differently", data["payment_id"]))
            return
        order.stated[f"payment:{data['payment_id']}"] = {"amount": data["amount"]}
        order.payments.append((at, data["amount"]))
        self._check_paid(order)

    def _check_paid(self, order: Order) -> None:
        covered = order.covered_at()
        if covered is not None and (order.paid_at is None or covered < order.paid_at):
            order.paid_at = covered
            self._reserve(order)

    def _pack(self, order: Order, data: Raw) -> None:
        part = self._new(order, "pack", data["shipment_id"], _pieces(data))
        taken = self._pick(order, part, ("allocated", "backordered", "open"))
        self._drop(order, taken)
        for name, places in taken.items():
            order.lines[name].where["packed"] += places.total()
            more = places["backordered"] + places["open"]
            self.skus[order.lines[name].sku].reserved[order.key, name] += more
            order.parcels.setdefault(data["shipment_id"], Parcel()).packed[name] += places.total()

    def _dispatch(self, order: Order, kind: str, data: Raw, at: datetime, message: str) -> None:
        parcel = order.parcels.setdefault(data["shipment_id"], Parcel())
        if kind == "dispatch-requested":
            packed = {n: min(p, order.lines[n].where["packed"]) for n, p in parcel.packed.items()}
            if order.paid_at is None or not any(packed.values()):
                self.refused.append(message)
                return
            taken = self._pick(order, packed, ("packed",))
        else:
            part = self._new(order, "dispatch", data["shipment_id"], _pieces(data))
            taken = self._pick(order, part, BEFORE[::-1])
            self._send_again(order, part, taken, parcel, at)
        if not any(places.total() for places in taken.values()):
            return
        self._drop(order, taken)
        for name, places in taken.items():
            if places.total():
                line = order.lines[name]
                line.where["sent"] += places.total()
                line.sent_at.append(at)
                parcel.contents[name] += places.total()
                parcel.sent_at = min(parcel.sent_at or at, at)
                self._ship(order, name, places, at)

    def _send_again(
        self, order: Order, part: Lines, taken: dict[str, Counter[str]], parcel: Parcel, at: datetime
    ) -> None:
        """The label of an earlier parcel was voided: its pieces leave with this one."""
        for name, pieces in part.items():
            rest = pieces - taken[name].total()
            for _, voided in sorted(order.parcels.items()):
                if voided.milestone()[0] == "cancelled":
                    count = min(rest, voided.contents[name])
                    voided.contents[name] -= count
                    rest -= count
                    if count:
                        parcel.contents[name] += count
                        parcel.sent_at = min(parcel.sent_at or at, at)
                        order.lines[name].sent_at.append(at)

    def _ship(self, order: Order, name: str, places: Counter[str], at: datetime) -> None:
        sku = self.skus[order.lines[name].sku]
        sku.reserved[order.key, name] -= places["allocated"] + places["packed"]
        if not sku.leave(at, places.total()):
            fact = f"{':'.join(order.key)}\x1f{name}"
            self.contradictions.add(("less_on_hand_than_taken", fact))
        self._allot(sku)

    def _track(self, order: Order, data: Raw, at: datetime, message: Raw) -> None:
        reported = datetime.fromisoformat(message["reportedat"]) if "reportedat" in message else None
        scans = order.parcels.setdefault(data["shipment_id"], Parcel()).scans
        if not any((when, status) == (at, data["status"]) for when, _, status, _ in scans):
            scans.append((at, RANK.index(data["status"]), data["status"], reported))

    def _cancel_lines(self, order: Order, kind: str, data: Raw, at: datetime, message: str) -> None:
        left = {name: line.waiting for name, line in order.lines.items()}
        if kind == "cancellation-requested" and any(p > left[n] for n, p in _pieces(data).items()):
            self.refused.append(message)
            return
        part = self._new(order, "cancel", data["cancellation_id"], _pieces(data))
        if part:
            self._cancel(order, part, at, data["reason"], data.get("fault"))

    def _decide(self, order: Order, data: Raw, at: datetime, message: str) -> None:
        part, reason = order.requests[data["request_id"]]
        if not any(order.lines[name].waiting for name in part):
            self.refused.append(message)  # all of it has left
        elif data["approve"]:
            self._cancel(order, part, at, data.get("true_reason", reason), None)

    def _cancel(self, order: Order, part: Lines, at: datetime, reason: str, fault: str | None) -> None:
        """Lack of stock is the seller's fault, whoever cancels; the SKU is then not sold until counted."""
        fault = "seller" if reason == "out_of_stock" else fault or FAULTS.get(reason, "customer")
        taken = self._pick(order, part, BEFORE)
        for name, places in taken.items():
            if not places.total():
                continue
            line = order.lines[name]
            line.where["cancelled"] += places.total()
            line.cancels.append((at, places.total(), reason, fault))
            sku = self.skus[line.sku]
            if reason == "out_of_stock" and not sku.uncounted:
                sku.closed_at, sku.uncounted = at, not sku.was_counted_after(at)
                sku.closed = sku.uncounted or sku.free <= self.safety
        self._drop(order, taken)
        for name, places in taken.items():
            sku = self.skus[order.lines[name].sku]
            sku.reserved[order.key, name] -= places["allocated"] + places["packed"]
            self._allot(sku)
        if order.payments and (order.paid_at is None or at < order.paid_at):
            self._check_paid(order)

    def _refund(self, order: Order, data: Raw, at: datetime) -> None:
        if f"refund:{data['refund_id']}" in order.stated:
            return
        order.stated[f"refund:{data['refund_id']}"] = {}
        if data["amount"] > order.captured() - order.refunded:
            self.contradictions.add(("refunded_more_than_captured", data["refund_id"]))
        order.refunded += data["amount"]
        back = self.returns.get((*order.key[:2], data.get("return_id", "")))
        if back is not None and back.order is order:
            back.refunded_at = min(back.refunded_at or at, at)

    # Returns.

    def _return(self, order: Order, data: Raw, at: datetime, message: str) -> None:
        """Of pieces that have left and are not coming back already, within 7 days, or 90 for a defect."""
        days = 90 if data["reason"] == "defect" else 7
        part = _pieces(data)
        for name, pieces in part.items():
            line = order.lines[name]
            left = line.where["sent"] - order.in_state(name, "lost")
            delivered = order.delivered_at(name)
            too_late = (
                delivered is not None and at >= clock(day_of(delivered), 24) + timedelta(days=days)
            )  # fmt: skip
            if pieces > left - line.return_open - line.back.total() or too_late:
                self.refused.append(message)
                return
        for name, pieces in part.items():
            order.lines[name].return_open += pieces
        key = (*order.key[:2], str(data["return_id"]))
        self.returns[key] = Return(order, data["reason"], part)
        for early in self._early.pop(key, []):
            self._take(early)

    def _of_return(self, back: Return, kind: str, data: Raw, at: datetime) -> None:
        lines = back.order.lines
        if kind == "return-decided" and not back.closed:
            back.closed = True
            for name, pieces in back.wanted.items():
                lines[name].return_open -= pieces - back.came[name]
        elif kind == "return-collected":
            back.collected_at = min(back.collected_at or at, at)
        elif kind == "return-received":
            came = _pieces(data) if "lines" in data else {**back.wanted}
            if data["receipt_id"] not in back.receipts:
                back.receipts[data["receipt_id"]] = came
                back.received_at = min(back.received_at or at, at)
                for name, pieces in came.items():
                    back.came[name] += pieces
                    self.skus[lines[name].sku].quarantine += pieces
        elif kind == "return-inspected" and data["inspection_id"] not in back.inspections:
            back.inspections.add(data["inspection_id"])
            back.inspected_at = min(back.inspected_at or at, at)
            self._inspect(back, data, at)

    def _inspect(self, back: Return, data: Raw, at: datetime) -> None:
        for unit in sorted(data["units"], key=lambda unit: str(unit["line"])):
            line = back.order.lines[unit["line"]]
            pieces = min(unit["pieces"], back.came[unit["line"]] - back.inspected[unit["line"]])
            if pieces < unit["pieces"]:
                self.contradictions.add(("inspected_more_than_received", unit["line"]))
            damaged_for_sale = unit["disposition"] == "restock" and unit["condition"] == "damaged"
            if pieces and damaged_for_sale:
                self.contradictions.add(("damaged_restocked", unit["line"]))
            if not pieces or damaged_for_sale or unit["disposition"] == "quarantine":
                continue
            back.inspected[unit["line"]] += pieces
            line.return_open -= pieces
            line.back[back.reason] += pieces
            line.back_at = max(line.back_at or at, at)
            sku = self.skus[line.sku]
            sku.quarantine -= pieces
            if unit["disposition"] == "restock":
                sku.come(at, pieces)
                self._allot(sku)


def _pieces(data: Raw) -> Lines:
    return {line["line"]: line["pieces"] for line in data["lines"]}
