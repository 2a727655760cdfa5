"""Checks the invariants I1 to I15 of the domain model after every step, for any messages in any order."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.audit import Audit
from domain.catalogue import BUSINESS_KEYS, COMMANDS
from domain.errors import Refused, TooEarly
from domain.message import Command, Event
from domain.order.cancel import (
    CancelLines,
    CancelRejected,
    DecideCancel,
    LinesCancelled,
    RecordCancellation,
    RequestCancel,
)
from domain.order.dispatch import DispatchShipment, Override, RecordDispatch, ShipmentDispatched
from domain.order.pack import PackShipment, QualityCheck, RecordPacking
from domain.order.payment import OrderPaid, RecordPayment
from domain.order.place import AcknowledgeOrder, AmendOrder, ClaimStatus, NoteOrder, OrderedLine, PlaceOrder
from domain.order.refund import RecordRefund
from domain.order.returns import RequestReturn, ReturnOpened
from domain.order.review import PostReview
from domain.order.state import Order, OrderCommand
from domain.order.track import STATUSES, RecordTracking
from domain.policies.defaults import KR_DEFAULT, KR_STD
from domain.policies.documents import PromisePolicy, ref
from domain.policies.return_policy import ReturnPolicy
from domain.returns.receive import (
    InspectedUnits,
    RecordCollection,
    RecordInspection,
    RecordReceipt,
    ReturnedLine,
    ReturnReceived,
)
from domain.returns.request import DecideReturn, RecordReturn
from domain.seller import AdoptPolicy, PolicyAdopted, documents
from domain.stock.book import AdjustStock, CountStock, QuarantineStock, ReceiveStock
from domain.stock.sellable import sellable
from domain.stock.state import KEY_SEPARATOR, SaleResumed, StockCounted, StockItem, StockReserved
from domain.streams import stock_stream
from domain.values import CancelReason, TrackingStatus, UnitState
from tests.domain.messages import back, order, some, stock, stock_policy
from tests.given import NOON, at
from tests.world import SELLER, World, replay

Chosen = TypeVar("Chosen")

ONCE_BY_INBOX: Final = tuple(COMMANDS[name] for name in BUSINESS_KEYS)
CHANNELS: Final = {"1001": "naver", "1002": "coupang"}
GOOD: Final = QualityCheck(passed=True, by="lee")

order_ids = st.sampled_from(sorted(CHANNELS))
skus = st.sampled_from(["CHAIR", "TABLE"])
lines = st.sampled_from(["1", "1", "2", "3"])
pieces = st.integers(1, 4)
names = st.sampled_from(["a", "b", "c"])
"""Only a few, so that names repeat: with the same or with other content."""
picks = st.integers(0, 11)
"""The index of the item to choose, modulo their number."""
locations = st.sampled_from(["main", "busan"])
reasons: st.SearchStrategy[CancelReason] = st.sampled_from(["out_of_stock", "customer_request"])
statuses: st.SearchStrategy[TrackingStatus] = st.sampled_from(
    ["label_created", "in_transit", "delivered", "lost", "return_to_sender"]
)


def of(order_id: str, kind: type[OrderCommand], /, **values: Any) -> OrderCommand:
    return order(kind, channel=CHANNELS[order_id], order_id=order_id, **values)


def two_lines(chairs: int, tables: int) -> tuple[OrderedLine, ...]:
    return (
        OrderedLine(line="1", sku="CHAIR", pieces=chairs, note="tok-1"),
        OrderedLine(line="2", sku="TABLE", pieces=tables, ship_by=at(days=2)),
    )


class AnyShop(RuleBasedStateMachine):
    """Two orders on two channels, two SKUs at two locations, two returns; stock is reserved at payment."""

    hold_unpaid_minutes = 0

    def __init__(self) -> None:
        super().__init__()
        held, low = self.hold_unpaid_minutes, {"units": 3, "clear_at": 5}
        self.policy = stock_policy(hold_unpaid_minutes=held, safety_stock=1, low_stock=low)
        self.world = World(self.policy)
        self.audit = Audit()
        self.audited = 0
        self.now = NOON
        self.number = 0
        self.doubted: set[str] = set()
        """SKUs with a cancel because of missing stock whose sale has not resumed."""

    # The messages that may arrive, in any order.

    @initialize(
        chairs=st.integers(2, 6), tables=st.integers(1, 3), on_hand=st.integers(0, 8), paid=st.booleans()
    )
    def opens(self, chairs: int, tables: int, on_hand: int, paid: bool) -> None:
        if on_hand:
            self.receives("CHAIR", "main", on_hand)
        for order_id in CHANNELS:
            self.places(order_id, chairs, tables)
            if paid:
                self.pays(order_id, "a", 5_000)

    @rule(order_id=order_ids, chairs=pieces, tables=pieces)
    def places(self, order_id: str, chairs: int, tables: int) -> None:
        self.handle(of(order_id, PlaceOrder, currency="KRW", lines=two_lines(chairs, tables)))

    @rule(order_id=order_ids, some_pieces=pieces)
    def amends(self, order_id: str, some_pieces: int) -> None:
        added = OrderedLine(line="3", sku="CHAIR", pieces=some_pieces)
        self.handle(of(order_id, AmendOrder, amendment_id="a", lines=(added,)))

    @rule(order_id=order_ids, name=names, amount=st.integers(0, 9_000))
    def pays(self, order_id: str, name: str, amount: int) -> None:
        self.handle(of(order_id, RecordPayment, payment_id=name, amount=amount))

    @rule(order_id=order_ids, kind=st.integers(0, 3), name=names)
    def mentions(self, order_id: str, kind: int, name: str) -> None:
        commands: list[OrderCommand] = [
            of(order_id, AcknowledgeOrder),
            of(order_id, NoteOrder, note_id=name, kind="picked"),
            of(order_id, ClaimStatus, status=name),
            of(order_id, PostReview, review_id=name, score=4),
        ]
        self.handle(commands[kind])

    @precondition(lambda self: self.with_units("allocated"))
    @rule(pick=picks, name=names, some_pieces=pieces)
    def packs(self, pick: int, name: str, some_pieces: int) -> None:
        order_id, line = chosen(self.with_units("allocated"), pick)
        values = {"lines": some(some_pieces, line), "quality_check": GOOD}
        self.handle(of(order_id, PackShipment, shipment_id=name, **values))

    @rule(order_id=order_ids, name=names, line=lines, some_pieces=pieces)
    def has_packed(self, order_id: str, name: str, line: str, some_pieces: int) -> None:
        self.handle(of(order_id, RecordPacking, shipment_id=name, lines=some(some_pieces, line)))

    @precondition(lambda self: self.packed())
    @rule(pick=picks, override=st.booleans())
    def dispatches(self, pick: int, override: bool) -> None:
        order_id, name = chosen(self.packed(), pick)
        why = Override(operator="kim", reason="the buyer called") if override else None
        self.handle(of(order_id, DispatchShipment, shipment_id=name, override=why))

    @rule(order_id=order_ids, name=names, line=st.none() | lines, some_pieces=pieces)
    def has_left(self, order_id: str, name: str, line: str | None, some_pieces: int) -> None:
        some_lines = () if line is None else some(some_pieces, line)
        self.handle(of(order_id, RecordDispatch, shipment_id=name, lines=some_lines))

    @rule(order_id=order_ids, name=names, status=statuses, ago=st.integers(0, 3))
    def is_seen(self, order_id: str, name: str, status: TrackingStatus, ago: int) -> None:
        scan = of(order_id, RecordTracking, shipment_id=name, status=status)
        self.handle(scan, at=self.now - timedelta(hours=ago))

    @rule(order_id=order_ids, name=names, line=lines, some_pieces=pieces, reason=reasons)
    def asks_to_cancel(
        self, order_id: str, name: str, line: str, some_pieces: int, reason: CancelReason
    ) -> None:
        values = {"request_id": name, "lines": some(some_pieces, line), "reason": reason}
        self.handle(of(order_id, RequestCancel, **values))

    @precondition(lambda self: self.waiting())
    @rule(pick=picks, approve=st.booleans())
    def answers(self, pick: int, approve: bool) -> None:
        order_id, name = chosen(self.waiting(), pick)
        self.handle(of(order_id, DecideCancel, request_id=name, approve=approve))

    @rule(order_id=order_ids, name=names, line=lines, some_pieces=pieces, reason=reasons)
    def cancels(self, order_id: str, name: str, line: str, some_pieces: int, reason: CancelReason) -> None:
        values = {"cancellation_id": f"s-{name}", "lines": some(some_pieces, line), "reason": reason}
        self.handle(of(order_id, CancelLines, **values))

    @rule(order_id=order_ids, name=names, line=st.none() | lines, some_pieces=pieces, reason=reasons)
    def has_cancelled(
        self, order_id: str, name: str, line: str | None, some_pieces: int, reason: CancelReason
    ) -> None:
        some_lines = () if line is None else some(some_pieces, line)
        self.handle(
            of(order_id, RecordCancellation, cancellation_id=f"c-{name}", lines=some_lines, reason=reason)
        )

    @rule(order_id=order_ids, name=names, amount=st.integers(0, 4_000), for_return=st.booleans(), pick=picks)
    def refunds(self, order_id: str, name: str, amount: int, for_return: bool, pick: int) -> None:
        return_id = chosen(self.returns(), pick) if for_return and self.returns() else None
        values = {"refund_id": name, "amount": amount, "cause": "return", "return_id": return_id}
        self.handle(of(order_id, RecordRefund, **values))

    @precondition(lambda self: self.with_units("in_transit", "delivered", "returned_to_sender"))
    @rule(pick=picks, number=st.integers(1, 3), some_pieces=pieces, by_carrier=st.booleans())
    def asks_to_return(self, pick: int, number: int, some_pieces: int, by_carrier: bool) -> None:
        order_id, line = chosen(self.with_units("in_transit", "delivered", "returned_to_sender"), pick)
        origin = "carrier" if by_carrier else "customer"
        values = {"return_id": f"r{number}", "lines": some(some_pieces, line), "origin": origin}
        self.handle(of(order_id, RequestReturn, reason="changed_mind", **values))

    @precondition(lambda self: self.returns())
    @rule(pick=picks, approve=st.booleans(), collected=st.booleans())
    def handles_a_return(self, pick: int, approve: bool, collected: bool) -> None:
        name = chosen(self.returns(), pick)
        collect, decide = (
            back(RecordCollection, return_id=name),
            back(DecideReturn, return_id=name, approve=approve),
        )
        self.handle(collect if collected else decide)

    @precondition(lambda self: self.returns())
    @rule(pick=picks, where=locations, line=st.none() | lines, some_pieces=pieces)
    def gets_back(self, pick: int, where: str, line: str | None, some_pieces: int) -> None:
        came = () if line is None else (ReturnedLine(line=line, pieces=some_pieces),)
        self.handle(back(RecordReceipt, return_id=chosen(self.returns(), pick), lines=came, location=where))

    @precondition(lambda self: self.returns())
    @rule(pick=picks, named=names, restocked=st.integers(0, 3), scrapped=st.integers(0, 3))
    def inspects(self, pick: int, named: str, restocked: int, scrapped: int) -> None:
        name = chosen(self.returns(), pick)
        findings = [
            {"line": line, "pieces": count, "condition": "used", "disposition": disposition}
            for line in self.world.back(name).lines
            for count, disposition in ((restocked, "restock"), (scrapped, "scrap"))
            if count
        ]
        if findings:
            units = tuple(InspectedUnits.model_validate(unit) for unit in findings)
            self.handle(back(RecordInspection, return_id=name, inspection_id=named, units=units))

    @rule(name=names, sku=skus, some_pieces=pieces)
    def gets_back_without_an_order(self, name: str, sku: str, some_pieces: int) -> None:
        values = {"channel": "shop", "currency": "KRW", "sku": sku, "pieces": some_pieces}
        self.handle(back(RecordReturn, return_id=name, **values))

    @rule(sku=skus, where=locations, some_pieces=st.integers(1, 9))
    def receives(self, sku: str, where: str, some_pieces: int) -> None:
        self.handle(stock(ReceiveStock, sku=sku, receipt_id=self.name(), location=where, pieces=some_pieces))

    @rule(sku=skus, where=locations, counted=st.integers(0, 9))
    def counts(self, sku: str, where: str, counted: int) -> None:
        self.handle(stock(CountStock, sku=sku, count_id=self.name(), location=where, counted=counted))

    @rule(sku=skus, where=locations, delta=st.integers(-4, 4))
    def adjusts(self, sku: str, where: str, delta: int) -> None:
        values = {"adjustment_id": self.name(), "location": where, "reason": "found"}
        self.handle(stock(AdjustStock, sku=sku, delta=delta, **values))

    @rule(sku=skus, where=locations, some_pieces=st.integers(-3, 3))
    def quarantines(self, sku: str, where: str, some_pieces: int) -> None:
        values = {"quarantine_id": self.name(), "location": where, "reason": "wet"}
        self.handle(stock(QuarantineStock, sku=sku, pieces=some_pieces, **values))

    @rule(minutes=st.sampled_from([1, 20, 60, 60 * 24 * 2, 60 * 24 * 8]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.judge(None, dict(self.world.states), self.world.pass_time(self.now))

    @rule(kind=st.integers(0, 2), version=st.integers(2, 4))
    def adopts(self, kind: int, version: int) -> None:
        stocked = self.policy.model_copy(update={"version": version, "safety_stock": version})
        policies = (stocked, KR_DEFAULT, KR_STD)
        self.handle(AdoptPolicy(policy=policies[kind].model_copy(update={"version": version})))

    # What the messages may refer to.

    def orders(self) -> list[tuple[str, Order]]:
        """(order id, order)"""
        streams = self.world.states.items()
        return [(stream.rpartition(":")[2], state) for stream, state in streams if isinstance(state, Order)]

    def with_units(self, *states: UnitState) -> list[tuple[str, str]]:
        """(order id, line) with pieces in any of these states."""
        return [
            (order_id, name)
            for order_id, an_order in self.orders()
            for name, line in an_order.lines.items()
            if any(line.units.get(state) for state in states)
        ]

    def packed(self) -> list[tuple[str, str]]:
        """(order id, shipment) not handed over."""
        return [
            (order_id, name)
            for order_id, an_order in self.orders()
            for name, shipment in an_order.shipments.items()
            if shipment.moves and not shipment.dispatched
        ]

    def waiting(self) -> list[tuple[str, str]]:
        """(order id, cancel request) not answered."""
        return [(order_id, name) for order_id, an_order in self.orders() for name in an_order.requests]

    def returns(self) -> list[str]:
        return [stream.key for stream in self.world.states if stream.kind == "return"]

    # The invariants.

    def name(self) -> str:
        self.number += 1
        return str(self.number)

    def handle(self, command: Command, at: datetime | None = None) -> None:
        """Handles the command twice.  Facts are never refused, and the second time has no effect."""
        before = dict(self.world.states)
        try:
            events = self.world.handle(command, at or self.now)
        except TooEarly:
            assert self.world.states == before
            return
        except Refused:
            if not command.is_wish:
                raise
            assert self.world.states == before
            return
        self.judge(command, before, events)
        if not isinstance(command, ONCE_BY_INBOX):
            assert self.world.handle(command, at or self.now) == [], "the repeated command had an effect"

    def judge(self, command: Command | None, before: dict[Any, Any], events: list[Event]) -> None:
        """I15: a decision names its actor, and the policies and calendars that were adopted at that time."""
        adopted = documents(self.world.seller.policies)
        refs = {ref(policy) for policy in adopted}
        calendars = {
            policy.calendar for policy in adopted if isinstance(policy, PromisePolicy | ReturnPolicy)
        }
        for event in events:
            values = vars(event)
            assert isinstance(event, PolicyAdopted) or values.get("policy") in {None, *refs}
            assert values.get("calendar") in {None, *calendars}
            assert values.get("by", "kim") in {"operator:kim", "kim"}
        if isinstance(command, OrderCommand):
            self._decided(command, before.get(command.stream(SELLER), Order()), events)
        self._kept_off_sale(len(self.world.events) - len(events))

    def _decided(self, command: OrderCommand, order: Order, events: list[Event]) -> None:
        """Checks I2 and I6 with the order as it was before the command."""
        for event in events:
            if isinstance(event, LinesCancelled) and command.is_wish:
                own = order.requests[event.request_id].lines if event.request_id else ()
                for name, line in order.lines.items():
                    cancelled = sum(move.pieces for move in event.moves if move.line == name)
                    mine = sum(count for other, count in own if other == name)
                    assert cancelled <= line.cancellable + mine, "I2"
            if isinstance(event, ShipmentDispatched) and command.is_wish:
                rejected = {other.request_id for other in events if isinstance(other, CancelRejected)}
                for name, line in order.lines.items():
                    stays = line.before_handover - sum(m.pieces for m in event.moves if m.line == name)
                    waits = sum(
                        count
                        for request_id, request in order.requests.items()
                        if request_id not in rejected
                        for other, count in request.lines
                        if other == name
                    )
                    assert min(waits, line.before_handover) <= stays, "I6"

    def _kept_off_sale(self, since: int) -> None:
        """I7: after a cancel for want of stock, nothing is reserved until a count or a resumed sale."""
        for stream, event in self.world.events[since:]:
            if isinstance(event, LinesCancelled) and event.reason == "out_of_stock":
                self.doubted |= {stock_stream(SELLER, move.sku) for move in event.moves}
            elif isinstance(event, StockCounted | SaleResumed):
                self.doubted.discard(stream)
            elif isinstance(event, StockReserved) and not event.packed:
                assert stream not in self.doubted, "I7"

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        """Checks I1, I3, I4, I5, I8, I9, I10 and I11."""
        for stream, event in self.world.events[self.audited :]:
            self.audit.see(stream, event)
        self.audited = len(self.world.events)
        assert list(self.audit.findings()) == []

    @invariant()
    def what_is_closed_is_for_sale_nowhere_and_nothing_less_than_nothing(self) -> None:
        """Checks I7 and I14."""
        policy = self.world.seller.policies.stock
        for sku in ("CHAIR", "TABLE"):
            item = self.world.stock(sku)
            for channel in CHANNELS.values():
                shown = sellable(item.available, policy, channel, closed=item.closed)
                assert 0 <= shown <= (0 if item.closed else max(0, item.available))
            assert item.closed or stock_stream(SELLER, sku) not in self.doubted

    @invariant()
    def what_waits_for_an_answer_is_what_was_asked(self) -> None:
        for _, an_order in self.orders():
            for name, line in an_order.lines.items():
                requested = sum(
                    n for request in an_order.requests.values() for other, n in request.lines if other == name
                )
                assert line.cancel_pending == min(requested, line.before_handover)

    @invariant()
    def an_order_and_its_stock_say_the_same(self) -> None:
        for order_id, an_order in self.orders():
            key = f"{CHANNELS[order_id]}:main:{order_id}"
            for name, line in an_order.lines.items():
                item = self.world.stock(line.sku)
                promised = item.reservations.get(f"{key}{KEY_SEPARATOR}{name}")
                slot = item.queue_slots.get(f"{key}{KEY_SEPARATOR}{name}")
                waiting = 0 if slot is None else item.queue[slot].pieces
                assert waiting == line.units.get("backordered", 0)
                assert (promised.pieces if promised else 0) == sum(
                    line.units.get(state, 0) for state in ("allocated", "packed")
                )
                assert an_order.paid_at is None or not line.units.get("open"), (
                    "paid, but not reserved and not backordered"
                )

    def teardown(self) -> None:
        """I12: the same history gives the same states."""
        assert replay(self.world.events) == self.world.states


def chosen(options: Sequence[Chosen], pick: int) -> Chosen:
    return options[pick % len(options)]


class AnyShopThatHoldsForTheUnpaid(AnyShop):
    """The same shop, but stock is reserved when an order is placed, for half an hour."""

    hold_unpaid_minutes = 30


class AnyShopAfterDelivery(AnyShop):
    """The same shop on the next day: everything has arrived, and returns are requested."""

    @initialize()
    def has_delivered(self) -> None:
        for order_id in CHANNELS:
            self.places(order_id, 3, 2)
            self.pays(order_id, "a", 5_000)
            self.has_left(order_id, "a", None, 1)
            self.is_seen(order_id, "a", "delivered", 0)
            values = {"return_id": f"r-{order_id}", "lines": some(2), "reason": "changed_mind"}
            self.handle(of(order_id, RequestReturn, **values))


STABLE: Final = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # without it, Hypothesis also shrinks examples: slow
)
TestAnyShop = AnyShop.TestCase
TestAnyShop.settings = STABLE
TestAnyShopThatHoldsForTheUnpaid = AnyShopThatHoldsForTheUnpaid.TestCase
TestAnyShopThatHoldsForTheUnpaid.settings = STABLE
TestAnyShopAfterDelivery = AnyShopAfterDelivery.TestCase
TestAnyShopAfterDelivery.settings = STABLE


# I12: facts that do not depend on each other may arrive in any order.

FACTS: Final[tuple[tuple[Command, datetime], ...]] = (
    (order(RecordPayment, payment_id="p1", amount=3_000), at(hours=1)),
    (order(RecordPayment, payment_id="p2", amount=2_000), at(hours=2)),
    (order(AcknowledgeOrder), at(hours=1)),
    (order(NoteOrder, note_id="n1", kind="picked"), at(hours=2)),
    (order(ClaimStatus, status="DEPARTURE"), at(hours=3)),
    (order(RecordPacking, shipment_id="s1", lines=some(2)), at(hours=2)),
    (order(RecordDispatch, shipment_id="s1", lines=some(2)), at(hours=3)),
    (order(RecordDispatch, shipment_id="s2", lines=some(1) + some(1, "2")), at(hours=4)),
    (order(RecordTracking, shipment_id="s1", status="label_created"), at(hours=2)),
    (order(RecordTracking, shipment_id="s1", status="in_transit"), at(hours=5)),
    (order(RecordTracking, shipment_id="s1", status="delivered"), at(days=1)),
    (order(RecordTracking, shipment_id="s2", status="lost"), at(days=2)),
    (order(RecordTracking, shipment_id="s2", status="delivered"), at(days=3)),
    (order(RecordRefund, refund_id="f1", amount=400, cause="goodwill"), at(days=4)),
    (order(PostReview, review_id="v1", score=5), at(days=4)),
    (order(RecordCancellation, cancellation_id="c1", lines=some(1), reason="customer_request"), at(hours=1)),
)


@given(st.permutations(FACTS))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_independent_facts_may_arrive_in_any_order(facts: list[tuple[Command, datetime]]) -> None:
    result, reference = _after(facts), _after(list(FACTS))
    assert {name: line.units for name, line in result.lines.items()} == {
        name: line.units for name, line in reference.lines.items()
    }
    assert result.shipments == reference.shipments
    assert (result.captured, result.refunded, result.seen_keys) == (
        reference.captured,
        reference.refunded,
        reference.seen_keys,
    )


def _after(facts: list[tuple[Command, datetime]]) -> Order:
    world = World()
    for sku in ("CHAIR", "TABLE"):
        world.handle(stock(ReceiveStock, sku=sku, receipt_id=f"in-{sku}", pieces=9))
    world.handle(order(PlaceOrder, currency="KRW", lines=two_lines(4, 2)))
    for fact, when in facts:
        world.handle(fact, when)
    return world.order("1001")


@given(st.permutations(STATUSES), st.lists(st.integers(0, 3), min_size=len(STATUSES), max_size=len(STATUSES)))
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_the_latest_milestone_holds_in_whatever_order_they_arrive(
    statuses: list[TrackingStatus], hours: list[int]
) -> None:
    scans = [
        (order(RecordTracking, shipment_id="s1", status=status), at(hours=hours[STATUSES.index(status)]))
        for status in statuses
    ]
    left: list[tuple[Command, datetime]] = [(order(RecordDispatch, shipment_id="s1"), at())]
    assert (
        _after([*left, *scans]).shipments
        == _after([*sorted(scans, key=lambda scan: scan[1]), *left]).shipments
    )


def test_a_short_count_is_the_only_way_to_promise_more_than_there_is() -> None:
    """Only `available` may be negative."""
    world = World()
    world.handle(stock(ReceiveStock, receipt_id="in-1", pieces=2))
    world.handle(order(PlaceOrder, currency="KRW", lines=two_lines(2, 1)))
    world.handle(order(RecordPayment, payment_id="p1", amount=1))
    world.handle(stock(CountStock, count_id="n1", counted=0))
    item: StockItem = world.stock()
    assert item.available == -2
    assert item.balances["main"].on_hand == 0


@pytest.mark.parametrize("kind", [OrderPaid, LinesCancelled, ReturnOpened, ReturnReceived])
def test_a_deadline_names_the_policy_and_the_calendar_it_follows_from(kind: type[Event]) -> None:
    """Part of I15."""
    assert {"policy", "calendar"} <= {field.name for field in fields(kind)}
