"""The fulfilment process: the commands that follow from an event, and the timers that fall due."""

from dataclasses import replace
from typing import Any

import pytest

from domain.deadlines import Timer, due_step, timers
from domain.errors import Refused
from domain.fulfilment_process import follow_ups
from domain.message import Event
from domain.order import ORDER
from domain.order.allocate import (
    LineAllocated,
    LineBackordered,
    MirrorAllocation,
    MirrorBackorder,
    MirrorRelease,
    PassShipBy,
)
from domain.order.cancel import CancelLines, LinesCancelled, RecordCancellation
from domain.order.dispatch import DispatchShipment, RecordDispatch
from domain.order.pack import PackShipment, QualityCheck, RecordPacking
from domain.order.payment import RecordPayment
from domain.order.place import AmendOrder, OrderAmended, OrderedLine, PlaceOrder
from domain.order.refund import RefundRecorded
from domain.order.returns import CloseReturn, LinesReturned, MirrorReturned, RequestReturn
from domain.order.state import Line
from domain.order.track import RecordTracking
from domain.policies.defaults import DEFAULTS
from domain.returns import RETURN
from domain.returns.namesakes import NoteNamesake
from domain.returns.receive import (
    InspectedUnits,
    RecordInspection,
    RecordReceipt,
    ReturnedLine,
    ReturnInspected,
    ReturnReceived,
    UnitsInspected,
)
from domain.returns.refund import MirrorRefund, PassRefundDue, RefundOverdue
from domain.returns.request import DecideReturn, OpenReturn, ReturnRecorded, ReturnRejected
from domain.returns.state import Return
from domain.stock.book import CountStock, QuarantineReturn, ReceiveStock, RestockReturn, ScrapReturn
from domain.stock.close_sale import CloseSale
from domain.stock.reservations import Confirm, Expire, Release, Reserve, ReservePacked, Ship
from domain.stock.sellable import sellable
from domain.stock.state import CountRequested, OrderAtRisk, SaleClosed, StockReleased, StockReserved
from domain.streams import StreamId, order_stream, return_stream, stock_stream
from domain.values import UnitState
from tests.domain.messages import (
    ORDER_1001,
    REFUND_DUE,
    SHIP_BY,
    back,
    backordered,
    left,
    lines_cancelled,
    order,
    order_paid,
    order_placed,
    ordered,
    piece,
    pieces_of,
    reserved,
    return_opened,
    return_requested,
    shipment_dispatched,
    shipment_packed,
    some,
    stock,
    stock_policy,
)
from tests.given import Given, at, happened
from tests.world import SELLER, World

CHAIR, TABLE = stock_stream(SELLER, "CHAIR"), stock_stream(SELLER, "TABLE")
THE_ORDER = order_stream(SELLER, "naver", "main", "1001")
THE_RETURN = return_stream(SELLER, "r1")

TWO_LINES = ordered(2, ship_by=SHIP_BY), ordered(1, "2", "TABLE")
paid = Given(ORDER).given(order_placed(*TWO_LINES), order_paid(3_000))
HELD_UNTIL = at(minutes=30)


def follows(event: Event, stream: StreamId = THE_ORDER, state: Any = None) -> list[tuple[StreamId, Any]]:
    of_kind = Return() if stream.kind == "return" else paid.state
    return follow_ups(stream, event, of_kind if state is None else state)


# Orders ask stock.


def test_an_order_held_unpaid_asks_stock_for_each_line_until_the_hold_ends() -> None:
    held = order_placed(*TWO_LINES, hold_until=HELD_UNTIL)
    assert follows(held) == [
        (CHAIR, Reserve(ORDER_1001, "1", 2, SHIP_BY, HELD_UNTIL)),
        (TABLE, Reserve(ORDER_1001, "2", 1, None, HELD_UNTIL)),
    ]


def test_an_order_that_is_not_held_asks_for_nothing_before_it_is_paid() -> None:
    assert follows(order_placed(*TWO_LINES)) == []


def test_a_paid_order_asks_for_what_is_open_by_the_lines_own_date_or_the_orders() -> None:
    own = order_placed(ordered(2, ship_by=at(days=1)), ordered(1, "2", "TABLE"))
    state = Given(ORDER).given(own, order_paid(3_000)).state
    assert follows(order_paid(3_000), state=state) == [
        (CHAIR, Reserve(ORDER_1001, "1", 2, at(days=1))),
        (TABLE, Reserve(ORDER_1001, "2", 1, SHIP_BY)),
    ]


def test_a_paid_order_confirms_what_was_held() -> None:
    state = paid.given(happened(LineAllocated, moves=[left("open", 1)])).state
    assert follows(order_paid(3_000), state=state) == [
        (CHAIR, Confirm(ORDER_1001, "1")),
        (CHAIR, Reserve(ORDER_1001, "1", 1, SHIP_BY, reserved=1)),
        (TABLE, Reserve(ORDER_1001, "2", 1, SHIP_BY)),
    ]


def test_lines_added_to_a_paid_order_are_asked_for() -> None:
    amended = happened(OrderAmended, amendment_id="a1", lines=[ordered(4, "3", "LAMP")])
    reservation = stock_stream(SELLER, "LAMP"), Reserve(ORDER_1001, "3", 4, SHIP_BY)
    assert reservation in follows(amended, state=paid.given(amended).state)


def test_lines_added_to_an_unpaid_order_wait_for_its_payment() -> None:
    amended = happened(OrderAmended, amendment_id="a1", lines=[ordered(4, "3", "LAMP")])
    unpaid = Given(ORDER).given(order_placed(), amended).state
    assert follows(amended, state=unpaid) == []


# Orders mirror what stock decided.


def test_the_order_mirrors_what_stock_decided() -> None:
    released = happened(
        StockReleased, order=ORDER_1001, line="1", pieces=2, locations=[], reason="hold_expired"
    )
    assert follows(reserved(2), CHAIR) == [(THE_ORDER, MirrorAllocation("1", 2))]
    assert follows(backordered(2), CHAIR) == [(THE_ORDER, MirrorBackorder("1", 2))]
    assert follows(released, CHAIR) == [(THE_ORDER, MirrorRelease("1", 2))]


def test_a_reservation_that_the_order_gave_up_itself_needs_no_mirror() -> None:
    released = happened(StockReleased, order=ORDER_1001, line="1", pieces=2, locations=[], reason="cancelled")
    assert follows(released, CHAIR) == []


# Cancelled, packed, dispatched.


def test_a_cancel_gives_up_what_was_promised_and_what_waited() -> None:
    moves = left("open", 1), left("backordered", 1), left("allocated", 2), left("packed", 3)
    assert follows(lines_cancelled(*moves)) == [
        (CHAIR, Release(ORDER_1001, "1", 0, 1, "cancelled")),
        (CHAIR, Release(ORDER_1001, "1", 5, 0, "cancelled")),
    ]


def test_a_cancel_of_open_pieces_concerns_no_stock() -> None:
    assert follows(lines_cancelled(left("open", 2))) == []


def test_a_cancel_for_want_of_stock_closes_each_sku_it_names() -> None:
    moves = left("allocated", 1, "2", "TABLE"), left("open", 1), left("allocated", 1)
    steps = follows(lines_cancelled(*moves, reason="out_of_stock"))
    assert [(where, step) for where, step in steps if isinstance(step, CloseSale)] == [
        (CHAIR, CloseSale(ORDER_1001)),
        (TABLE, CloseSale(ORDER_1001)),
    ]
    assert [(where, step) for where, step in steps if isinstance(step, Release)] == [
        (CHAIR, Release(ORDER_1001, "1", 1, 0, "cancelled")),
        (TABLE, Release(ORDER_1001, "2", 1, 0, "cancelled")),
    ]


def test_packed_pieces_wait_no_more() -> None:
    moves = left("allocated", 1), left("backordered", 2)
    assert follows(shipment_packed(*moves)) == [
        (CHAIR, Confirm(ORDER_1001, "1", 1)),
        (CHAIR, ReservePacked(ORDER_1001, "1", 2)),
    ]


def test_packed_pieces_stay_promised_when_the_hold_of_an_unpaid_order_ends() -> None:
    assert follows(shipment_packed(left("allocated", 2))) == [(CHAIR, Confirm(ORDER_1001, "1", 2))]


def test_what_was_handed_over_leaves_the_queue_and_then_stock_line_by_line() -> None:
    moves = left("packed", 1, "2", "TABLE"), left("packed", 2), left("backordered", 1), left("open", 1)
    assert follows(shipment_dispatched(*moves)) == [
        (CHAIR, Release(ORDER_1001, "1", 0, 1, "shipped")),
        (CHAIR, Ship(ORDER_1001, "1", 4, 2)),
        (TABLE, Ship(ORDER_1001, "2", 1, 1)),
    ]


# Returns.


def test_a_return_that_the_order_granted_is_opened() -> None:
    step = OpenReturn(
        ORDER_1001,
        (("1", "CHAIR", 2, None),),
        "changed_mind",
        "customer",
        "customer",
        "customer",
        "kr-default@1",
        2_000,
        "refund",
        "KRW",
        "r1",
    )
    assert follows(return_opened(2)) == [(THE_RETURN, step)]


def test_a_return_that_was_rejected_is_closed_on_its_order() -> None:
    lines = [piece(1, "2", "TABLE"), piece(2)]
    rejected = happened(ReturnRejected, by="operator:kim", order=ORDER_1001, lines=lines)
    closing = CloseReturn("r1", (("1", 2), ("2", 1)))
    assert follows(rejected, THE_RETURN) == [(THE_ORDER, closing)]


def test_a_later_return_with_an_id_is_noted_by_the_first_and_closed_on_its_order_by_that_id() -> None:
    later = StreamId(f"return/acme/coupang:main:{THE_RETURN.key}")
    requested = return_requested(piece(2), order="coupang:main:7", return_id="r1")
    assert follows(requested, later) == [(THE_RETURN, NoteNamesake("coupang:main:7"))]
    assert follows(replace(requested, order=ORDER_1001), THE_RETURN) == []
    rejected = happened(ReturnRejected, by="operator:kim", order="coupang:main:7", lines=[piece(2)])
    closing = CloseReturn("r1", (("1", 2),))
    state = RETURN.evolve(Return(), requested)
    assert follows(rejected, later, state) == [(StreamId("order/acme/coupang:main:7"), closing)]


def test_a_return_without_an_order_is_closed_on_none() -> None:
    rejected = happened(ReturnRejected, by="operator:kim", lines=[piece(2)])
    assert follows(rejected, THE_RETURN) == []


def test_received_pieces_go_to_quarantine_where_they_arrived() -> None:
    values = {"refund_due_at": REFUND_DUE, "policy": "kr-default@1", "calendar": "kr-public@2026a"}
    lines = [piece(1, "2", "TABLE"), piece(2)]
    came = happened(ReturnReceived, order=ORDER_1001, lines=lines, location="busan", **values)
    assert follows(came, THE_RETURN) == [
        (CHAIR, QuarantineReturn("r1", "1", "busan", 2)),
        (TABLE, QuarantineReturn("r1", "2", "busan", 1)),
    ]


def test_pieces_of_an_import_go_to_quarantine_too() -> None:
    values = {"channel": "shop", "unit_price": "1", "currency": "GBP"}
    came = happened(ReturnRecorded, lines=[piece(2)], location="main", **values)
    assert follows(came, THE_RETURN) == [(CHAIR, QuarantineReturn("r1", "1", "main", 2))]


ALL_BACK = happened(
    ReturnReceived,
    order=ORDER_1001,
    lines=[piece(3), piece(1, "2", "TABLE")],
    location="main",
    refund_due_at=REFUND_DUE,
    policy="kr-default@1",
    calendar="kr-public@2026a",
)


def unit(pieces: int, disposition: str, line: str = "1", sku: str = "CHAIR") -> UnitsInspected:
    return UnitsInspected(line=line, sku=sku, pieces=pieces, condition="used", disposition=disposition)


def test_inspected_pieces_go_their_own_ways_and_the_order_hears_of_all_of_them() -> None:
    units = [unit(1, "scrap"), unit(1, "restock", "2", "TABLE"), unit(2, "restock")]
    inspection = happened(ReturnInspected, inspection_id="1", order=ORDER_1001, location="main", units=units)
    requested = return_requested(piece(3), piece(1, "2", "TABLE"))
    assert follows(inspection, THE_RETURN, Given(RETURN).given(requested, ALL_BACK, inspection).state) == [
        (CHAIR, RestockReturn("r1", "1", "main", 2)),
        (CHAIR, ScrapReturn("r1", "1", "main", 1)),
        (TABLE, RestockReturn("r1", "2", "main", 1)),
        (THE_ORDER, MirrorReturned("r1", (("1", 3), ("2", 1)))),
    ]


def test_inspected_pieces_of_an_import_tell_no_order() -> None:
    came = happened(
        ReturnRecorded, channel="shop", lines=[piece(1)], location="main", unit_price="1", currency="GBP"
    )
    inspection = happened(ReturnInspected, inspection_id="1", location="main", units=[unit(1, "scrap")])
    assert follows(inspection, THE_RETURN, Given(RETURN).given(came, inspection).state) == [
        (CHAIR, ScrapReturn("r1", "1", "main", 1))
    ]


def refunded(return_id: str | None) -> RefundRecorded:
    values = {"refund_id": "f1", "amount": 900, "cause": "return", "late_interest": 0}
    return happened(RefundRecorded, return_id=return_id, **values)


def test_a_refund_for_a_return_is_mirrored_on_it() -> None:
    state = paid.given(return_opened(1)).state
    assert follows(refunded("r1"), state=state) == [(THE_RETURN, MirrorRefund(ORDER_1001, "f1", 900))]


@pytest.mark.parametrize("return_id", [None, "r9"])
def test_a_refund_for_no_return_of_this_order_concerns_none(return_id: str | None) -> None:
    assert follows(refunded(return_id), state=paid.given(return_opened(1)).state) == []


def test_what_asks_nothing_of_others_is_followed_by_nothing() -> None:
    assert follows(happened(LineAllocated, moves=[])) == []
    assert follows(happened(LineBackordered, moves=[])) == []
    assert follows(happened(LinesReturned, return_id="r1", lines=pieces_of(1))) == []


def test_a_stream_says_what_it_is_whose_and_which() -> None:
    assert THE_ORDER.parts == ("order", SELLER, ORDER_1001)
    assert stock_stream(SELLER, "A/B").parts == ("stock", SELLER, "A/B")


# What falls due.


def test_a_paid_order_is_due_at_its_ship_by() -> None:
    due = Timer(f"ship-by {THE_ORDER} {SHIP_BY.isoformat()}", SHIP_BY, THE_ORDER, "ship-by")
    assert timers(THE_ORDER, order_paid(3_000)) == [due]
    assert due_step(due) == PassShipBy(SHIP_BY)


def test_a_second_payment_sets_no_timer() -> None:
    assert timers(THE_ORDER, order_paid(3_000, ship_by=None)) == []


def test_lines_with_dates_of_their_own_fall_due_once_per_date() -> None:
    lines = [
        ordered(1, ship_by=at(days=2)),
        ordered(1, "2", ship_by=at(days=1)),
        ordered(1, "3", ship_by=at(days=1)),
    ]
    amended = happened(OrderAmended, amendment_id="a1", lines=lines)
    for event in (order_placed(*lines), amended):
        assert [timer.due for timer in timers(THE_ORDER, event)] == [at(days=1), at(days=2)]


def test_a_hold_falls_due_at_its_hour() -> None:
    [due] = timers(CHAIR, reserved(2, expires_at=HELD_UNTIL))
    assert (due.due, due.stream, due_step(due)) == (HELD_UNTIL, CHAIR, Expire(ORDER_1001, "1", HELD_UNTIL))


def test_a_firm_reservation_never_falls_due() -> None:
    assert timers(CHAIR, reserved(2)) == []


def test_the_refund_of_a_received_return_falls_due() -> None:
    values = {"refund_due_at": REFUND_DUE, "policy": "kr-default@1", "calendar": "kr-public@2026a"}
    came = happened(ReturnReceived, order=ORDER_1001, lines=[piece(2)], location="main", **values)
    [due] = timers(THE_RETURN, came)
    assert (due.due, due.stream, due_step(due)) == (REFUND_DUE, THE_RETURN, PassRefundDue(REFUND_DUE))


def test_a_timer_of_a_kind_nobody_knows_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        due_step(Timer("x", SHIP_BY, THE_ORDER, "x"))


# Whole scenarios.


def chairs(pieces: int, line: str = "1") -> OrderedLine:
    return OrderedLine(line=line, sku="CHAIR", pieces=pieces, unit_price="1000")


def in_stock(pieces: int, receipt_id: str = "in-1") -> ReceiveStock:
    return stock(ReceiveStock, receipt_id=receipt_id, pieces=pieces)


def bought(world: World, pieces: int, order_id: str = "1001", channel: str = "naver") -> None:
    world.handle(
        order(PlaceOrder, order_id=order_id, channel=channel, currency="KRW", lines=(chairs(pieces),))
    )
    world.handle(
        order(RecordPayment, order_id=order_id, channel=channel, payment_id="p1", amount=1_000 * pieces)
    )


def pay(order_id: str = "1001", amount: int = 1_000) -> RecordPayment:
    return order(RecordPayment, order_id=order_id, payment_id="p1", amount=amount)


def delivered(world: World, pieces: int) -> None:
    bought(world, pieces)
    world.handle(order(RecordDispatch, shipment_id="s1"))
    world.handle(order(RecordTracking, shipment_id="s1", status="delivered"))


def units(line: Line) -> dict[UnitState, int]:
    return dict(line.units)


def test_the_last_piece_on_two_channels_goes_to_the_first_in_line_and_the_second_waits() -> None:
    world = World()
    world.handle(in_stock(1))
    bought(world, 1, channel="coupang")
    bought(world, 1, channel="naver")
    assert units(world.order("1001", "coupang").lines["1"]) == {"allocated": 1}
    assert units(world.order("1001", "naver").lines["1"]) == {"backordered": 1}
    assert world.stock().available == 0


def test_out_of_stock_told_by_a_buyers_cancel_closes_the_sku_everywhere() -> None:
    world = World()
    world.handle(in_stock(3))
    bought(world, 1)
    bought(world, 2, "1002")
    command = order(RecordCancellation, cancellation_id="c1", reason="out_of_stock", initiator="customer")
    events = world.handle(command)
    [cancelled] = [event for event in events if isinstance(event, LinesCancelled)]
    assert (cancelled.fault, cancelled.initiator) == ("seller", "customer")
    risk = OrderAtRisk(order="naver:main:1002", line="1", pieces=2, ship_by=SHIP_BY)
    assert happened(SaleClosed, cause=ORDER_1001, at_risk=[risk], at_risk_lines=1) in events
    assert happened(CountRequested, cause=ORDER_1001) in events
    item, policy = world.stock(), DEFAULTS.stock
    for channel in ("naver", "coupang", "shopify"):
        assert sellable(item.available, policy, channel, closed=item.closed) == 0
    assert item.balances["main"].on_hand == 3


def test_pieces_cancelled_for_want_of_stock_are_not_promised_to_the_next_in_line() -> None:
    """The book has one piece, but the seller reports that there is none."""
    world = World()
    world.handle(in_stock(1))
    bought(world, 1)
    bought(world, 1, "1002")
    world.handle(order(CancelLines, cancellation_id="c1", lines=some(1), reason="out_of_stock"))
    assert units(world.order("1002").lines["1"]) == {"backordered": 1}


def test_after_the_count_who_waited_is_served() -> None:
    world = World()
    world.handle(in_stock(2))
    bought(world, 1)
    world.handle(order(CancelLines, cancellation_id="c1", lines=some(1), reason="out_of_stock"))
    bought(world, 2, "1002")
    assert units(world.order("1002").lines["1"]) == {"backordered": 2}
    world.handle(stock(CountStock, count_id="n1", counted=1))
    assert units(world.order("1002").lines["1"]) == {"allocated": 1, "backordered": 1}


def test_an_order_packed_checked_and_sent_leaves_the_book_right() -> None:
    world = World()
    world.handle(in_stock(5))
    bought(world, 2)
    check = QualityCheck(passed=True, by="lee")
    world.handle(order(PackShipment, shipment_id="s1", lines=some(2), quality_check=check))
    world.handle(order(DispatchShipment, shipment_id="s1"))
    assert units(world.order("1001").lines["1"]) == {"in_transit": 2}
    assert (world.stock().available, len(world.stock().reservations)) == (3, 0)


def test_what_one_line_gives_up_is_not_promised_to_another_line_of_the_same_cancelled_order() -> None:
    """Two lines of one SKU: one has the only piece, the other is backordered.  The order is cancelled."""
    world = World()
    world.handle(in_stock(1))
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(1), chairs(1, "2"))))
    world.handle(pay())
    world.handle(order(RecordCancellation, cancellation_id="c1", reason="customer_request"))
    assert world.stock().available == 1


def test_what_one_line_ships_short_is_not_promised_to_another_line_of_the_same_parcel() -> None:
    """Line 1 has two reserved pieces that a count did not find; line 2 waits.  Then both are dispatched."""
    world = World()
    world.handle(in_stock(2))
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(2), chairs(1, "2"))))
    world.handle(pay())
    world.handle(stock(CountStock, count_id="n1", counted=0))
    world.handle(stock(ReceiveStock, receipt_id="in-2", pieces=2, location="busan"))
    world.handle(order(RecordDispatch, shipment_id="s1"))
    assert units(world.order("1001").lines["2"]) == {"in_transit": 1}
    assert dict(world.stock().reservations) == {}


def test_a_refused_wish_leaves_no_trace() -> None:
    world = World()
    bought(world, 2)
    before = dict(world.states), list(world.events)
    with pytest.raises(Refused):
        world.handle(order(CancelLines, cancellation_id="c1", lines=some(3), reason="other"))
    assert (world.states, world.events) == before


# Stock held for the unpaid.


def holding(*, on_hand: int) -> World:
    world = World(stock_policy(hold_unpaid_minutes=30))
    world.handle(in_stock(on_hand))
    return world


def test_an_order_not_paid_within_its_hold_gives_its_pieces_back() -> None:
    world = holding(on_hand=2)
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(2),)))
    assert units(world.order("1001").lines["1"]) == {"allocated": 2}
    world.pass_time(HELD_UNTIL)
    assert units(world.order("1001").lines["1"]) == {"open": 2}
    assert world.stock().available == 2


def test_an_order_paid_after_its_hold_asks_anew() -> None:
    world = holding(on_hand=2)
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(2),)))
    world.pass_time(HELD_UNTIL)
    world.handle(pay(amount=2_000), at=at(hours=1))
    assert units(world.order("1001").lines["1"]) == {"allocated": 2}


def test_an_order_paid_in_time_keeps_its_pieces() -> None:
    world = holding(on_hand=2)
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(2),)))
    world.handle(pay(amount=2_000))
    assert world.pass_time(at(days=1)) == []
    assert units(world.order("1001").lines["1"]) == {"allocated": 2}


def test_an_order_held_in_part_and_paid_after_its_hold_gets_all_its_pieces() -> None:
    """One of two pieces is held, the other is backordered.  The hold ends, and then the buyer pays."""
    world = holding(on_hand=1)
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(2),)))
    world.pass_time(HELD_UNTIL)
    world.handle(pay(amount=2_000), at=at(hours=1))
    world.handle(in_stock(5, "in-2"), at=at(hours=2))
    assert units(world.order("1001").lines["1"]) == {"allocated": 2}


def test_stock_that_comes_for_an_unpaid_order_is_held_and_not_given() -> None:
    """One of two pieces is held, and the second is received.  The hold ends unpaid: both are available."""
    world = holding(on_hand=1)
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(2),)))
    world.handle(in_stock(1, "in-2"), at=at(minutes=10))
    world.pass_time(at(hours=1))
    assert world.stock().available == 2


def test_an_order_packed_before_it_was_paid_keeps_its_pieces() -> None:
    world = holding(on_hand=2)
    world.handle(order(PlaceOrder, currency="KRW", lines=(chairs(2),)))
    world.handle(order(RecordPacking, shipment_id="s1", lines=some(2)))
    world.handle(pay(), at=at(minutes=10))
    world.pass_time(at(hours=1))
    assert world.stock().available == 0


def test_lines_added_to_an_order_that_is_paid_are_reserved() -> None:
    world = World()
    world.handle(in_stock(5))
    bought(world, 2)
    world.handle(order(AmendOrder, amendment_id="a1", lines=(chairs(1, "2"),)))
    assert units(world.order("1001").lines["2"]) == {"allocated": 1}


# Returns from end to end.


def ask_back(return_id: str, pieces: int) -> RequestReturn:
    return order(RequestReturn, return_id=return_id, lines=some(pieces), reason="changed_mind")


def inspect(return_id: str, pieces: int, disposition: str = "restock") -> RecordInspection:
    values = {"line": "1", "pieces": pieces, "condition": "new", "disposition": disposition}
    units = (InspectedUnits.model_validate(values),)
    return back(RecordInspection, return_id=return_id, inspection_id=disposition, units=units)


def test_a_return_goes_through_quarantine_and_back_on_sale_unit_by_unit() -> None:
    world = World()
    world.handle(in_stock(3))
    delivered(world, 3)
    world.handle(ask_back("r1", 3))
    world.handle(back(RecordReceipt))
    assert (world.stock().available, world.stock().balances["main"].quarantine) == (0, 3)
    world.handle(inspect("r1", 2))
    world.handle(inspect("r1", 1, "scrap"))
    assert (world.stock().available, world.stock().balances["main"].quarantine) == (2, 0)
    line = world.order("1001").lines["1"]
    assert (line.returned, line.return_open, units(line)) == (3, 0, {"delivered": 3})


def test_a_rejected_return_gives_the_order_its_pieces_back() -> None:
    world = World()
    delivered(world, 3)
    world.handle(ask_back("r1", 3))
    world.handle(back(DecideReturn, approve=False))
    assert world.order("1001").lines["1"].return_open == 0
    world.handle(ask_back("r2", 3))


def test_too_many_back_in_one_return_take_no_leave_from_another() -> None:
    world = World()
    delivered(world, 3)
    world.handle(ask_back("r1", 1))
    world.handle(ask_back("r2", 1))
    world.handle(back(RecordReceipt, lines=(ReturnedLine(line="1", pieces=2),)))
    world.handle(inspect("r1", 2))
    line = world.order("1001").lines["1"]
    assert (line.returned, line.return_open) == (2, 1)


def test_a_refund_not_made_in_time_is_overdue() -> None:
    world = World()
    delivered(world, 1)
    world.handle(ask_back("r1", 1))
    world.handle(back(RecordReceipt))
    events = world.pass_time(at(days=30))
    assert happened(RefundOverdue, due_at=REFUND_DUE, at=REFUND_DUE) in events


def test_an_order_not_handed_over_in_time_is_said_to_be_late() -> None:
    world = World()
    bought(world, 2)
    [missed] = world.pass_time(at(days=30))
    assert {name: getattr(missed, name) for name in ("ship_by", "lines", "pieces")} == {
        "ship_by": SHIP_BY,
        "lines": ["1"],
        "pieces": 2,
    }


def test_follow_ups_are_asked_in_the_order_of_lines_whatever_the_order_was_named_in() -> None:
    lines = ordered(1, "3", "C"), ordered(1, "1", "B"), ordered(1, "2", "A")
    state = Given(ORDER).given(order_placed(*lines), order_paid(3_000)).state
    assert [step.line for _, step in follows(order_paid(3_000), state=state)] == ["1", "2", "3"]


def test_each_event_that_reserves_for_an_order_names_that_order() -> None:
    world = World()
    world.handle(in_stock(3))
    bought(world, 2)
    [event] = [event for _, event in world.events if isinstance(event, StockReserved)]
    assert (event.order, event.line) == (ORDER_1001, "1")
