"""The cascade: the follow-ups of a command and their order.  A refused command changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cascade import cascade
from domain.catalogue import DECIDERS
from domain.errors import TooEarly
from domain.message import Command
from domain.order.allocate import MirrorAllocation
from domain.order.cancel import CancelLines, MoreThanCancellable, NothingOrdered
from domain.order.payment import RecordPayment
from domain.order.place import OrderedLine, PlaceOrder
from domain.stock import STOCK
from domain.stock.book import AdjustStock, CountStock, QuarantineStock, ReceiveStock
from domain.streams import StreamId, order_stream, stock_stream
from tests.domain.messages import order, some, stock
from tests.given import CONTEXT
from tests.world import replay

States = dict[StreamId, Any]
THE_ORDER = order_stream("acme", "naver", "main", "1001")
CHAIR, TABLE = stock_stream("acme", "CHAIR"), stock_stream("acme", "TABLE")

PLACE = order(
    PlaceOrder,
    currency="KRW",
    lines=(OrderedLine(line="1", sku="CHAIR", pieces=2), OrderedLine(line="2", sku="TABLE", pieces=1)),
)
PAY = order(RecordPayment, payment_id="p1", amount=3_000)


def receive(sku: str, pieces: int) -> Command:
    return stock(ReceiveStock, sku=sku, receipt_id=f"in-{sku}", pieces=pieces, location="main")


def after(*commands: Command) -> States:
    states: States = {}
    for command in commands:
        states.update(cascade(states.get, command.stream("acme"), command, CONTEXT).states)
    return states


IN_STOCK = (receive("CHAIR", 5), receive("TABLE", 5))


def test_follow_ups_run_breadth_first() -> None:
    states = after(*IN_STOCK, PLACE)
    events = cascade(states.get, THE_ORDER, PAY, CONTEXT).events
    assert [(one.stream, type(one.event).__name__) for one in events] == [
        (THE_ORDER, "OrderPaid"),
        (CHAIR, "StockReserved"),
        (TABLE, "StockReserved"),
        (THE_ORDER, "LineAllocated"),
        (THE_ORDER, "LineAllocated"),
    ]


def test_each_event_names_the_one_that_it_follows_from() -> None:
    states = after(*IN_STOCK, PLACE)
    events = cascade(states.get, THE_ORDER, PAY, CONTEXT).events
    assert [one.cause for one in events] == [None, 0, 0, 1, 2]


def test_only_streams_with_new_events_have_new_states() -> None:
    states = after(*IN_STOCK, PLACE)
    before = dict(states)
    paid = cascade(states.get, THE_ORDER, PAY, CONTEXT).states
    assert set(paid) == {THE_ORDER, CHAIR, TABLE}
    assert (paid[CHAIR].available, paid[TABLE].available) == (3, 4)
    assert states == before


def test_a_command_that_was_carried_out_before_leads_to_nothing() -> None:
    states = after(*IN_STOCK, PLACE, PAY)
    assert cascade(states.get, THE_ORDER, PAY, CONTEXT) == ([], {})


def test_a_refused_command_leaves_no_trace() -> None:
    states = after(*IN_STOCK, PLACE, PAY)
    before = dict(states)
    three = order(CancelLines, cancellation_id="c1", reason="other", lines=some(3))
    with pytest.raises(MoreThanCancellable):
        cascade(states.get, THE_ORDER, three, CONTEXT)
    assert states == before


def test_what_comes_before_its_order_is_too_early() -> None:
    with pytest.raises(TooEarly):
        cascade(dict[StreamId, Any]().get, THE_ORDER, PAY, CONTEXT)


@pytest.mark.parametrize("refusal", [NothingOrdered(line="1"), TooEarly("its order")])
def test_a_refused_follow_up_is_a_bug(refusal: Exception) -> None:
    rules = DECIDERS["order"]

    def refuses(state: Any, command: Any, context: Any) -> Any:
        if isinstance(command, MirrorAllocation):
            raise refusal
        return rules.decide(state, command, context)

    states = after(*IN_STOCK, PLACE)
    before = dict(states)
    with pytest.raises(AssertionError, match="follow-up of StockReserved was refused at order/acme"):
        cascade(states.get, THE_ORDER, PAY, CONTEXT, {**DECIDERS, "order": replace(rules, decide=refuses)})
    assert states == before


def booked(kind: str, pieces: int) -> Command:
    match kind:
        case "received":
            return stock(ReceiveStock, receipt_id="r", pieces=pieces, location="main")
        case "counted":
            return stock(CountStock, count_id="c", counted=pieces, location="main")
        case "adjusted":
            return stock(AdjustStock, adjustment_id="a", delta=-pieces, reason="damage")
        case _:
            return stock(QuarantineStock, quarantine_id="q", pieces=pieces, reason="damage")


def ordered(step: str, number: str, pieces: int) -> Command:
    match step:
        case "placed":
            line = OrderedLine(line="1", sku="CHAIR", pieces=pieces)
            return order(PlaceOrder, order_id=number, currency="KRW", lines=(line,))
        case "paid":
            return order(RecordPayment, order_id=number, payment_id="p", amount=1)
        case _:
            cancel: dict[str, Any] = {"cancellation_id": step, "reason": "out_of_stock", "lines": some(1)}
            return order(CancelLines, order_id=number, **cancel)


numbers = st.integers(1, 6)
commands = st.one_of(
    st.builds(booked, st.sampled_from(["received", "counted", "adjusted", "quarantined"]), numbers),
    st.builds(ordered, st.sampled_from(["placed", "paid", "c1", "c2"]), st.sampled_from("12"), numbers),
)
histories = st.lists(commands, max_size=20)


@given(histories)
def test_the_new_states_are_those_that_the_events_lead_to(history: Sequence[Command]) -> None:
    """Also on the fast path, where a decision returns the new states itself."""
    states: States = {}
    events: list[Any] = []
    for command in history:
        try:
            decided, changed = cascade(states.get, command.stream("acme"), command, CONTEXT)
        except (MoreThanCancellable, TooEarly):
            continue
        states.update(changed)
        events += [(one.stream, one.event) for one in decided]
    assert states == replay(events)


@given(histories)
def test_the_fast_path_of_stock_decides_as_the_plain_one(history: Sequence[Command]) -> None:
    plain = {**DECIDERS, "stock": replace(STOCK, decide_with_states=None)}
    states: States = {}
    for command in history:
        where = command.stream("acme")
        try:
            fast = cascade(states.get, where, command, CONTEXT)
        except (MoreThanCancellable, TooEarly):
            continue
        assert cascade(states.get, where, command, CONTEXT, plain) == fast
        states.update(fast.states)
