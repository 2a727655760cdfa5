"""Reserving stock: reserve, backorder, hold, release, ship; and closing a SKU for sale."""

from decimal import Decimal

import pytest

from domain.stock import STOCK, at_risk
from domain.stock.book import AdjustStock, CountStock, QuarantineStock, ReceiveStock, RestockReturn
from domain.stock.close_sale import CloseSale
from domain.stock.reservations import Confirm, Expire, Release, Reserve, Ship
from domain.stock.sellable import sellable
from domain.stock.state import (
    At,
    BackorderDropped,
    CountRequested,
    OrderAtRisk,
    ReservationConfirmed,
    ReturnQuarantined,
    ReturnRestocked,
    SaleClosed,
    SaleResumed,
    StockAdjusted,
    StockCounted,
    StockDiscrepancyDetected,
    StockQuarantined,
    StockReleased,
    StockShipped,
    line_key,
)
from tests.domain.messages import (
    ORDER_1001,
    ORDER_1002,
    SHIP_BY,
    backordered,
    received,
    reserved,
    stock,
    stock_policies,
    stock_policy,
)
from tests.given import Given, at, happened

a_sku = Given(STOCK).under(stock_policies())
five = a_sku.given(received(5))
two_locations = a_sku.given(received(2, "busan"), received(3, "seoul"))
KEY = line_key(ORDER_1001, "1")
HELD_UNTIL = at(minutes=30)


def one_at(location: str, pieces: int, promised: int | None = None) -> At:
    return At(location=location, pieces=pieces, reserved=pieces if promised is None else promised)


def released(pieces: int, reason: str = "cancelled", order: str = ORDER_1001) -> StockReleased:
    where = [one_at("main", pieces)]
    return happened(StockReleased, order=order, line="1", pieces=pieces, locations=where, reason=reason)


def dropped(pieces: int, order: str = ORDER_1001) -> BackorderDropped:
    return happened(BackorderDropped, order=order, line="1", pieces=pieces)


def shipped(pieces: int, *locations: At) -> StockShipped:
    where = list(locations) or [one_at("main", pieces)]
    return happened(StockShipped, order=ORDER_1001, line="1", pieces=pieces, locations=where)


def unreserved(pieces: int) -> StockDiscrepancyDetected:
    values = {"kind": "shipped_unreserved", "subject": KEY, "expected": 0}
    return happened(StockDiscrepancyDetected, observed=pieces, **values)


def short(there: int, taken: int) -> tuple[StockDiscrepancyDetected, StockAdjusted]:
    """The events that correct the book first when more pieces leave than it has."""
    values = {"kind": "less_on_hand_than_taken", "subject": KEY}
    fix = {"adjustment_id": f"{KEY}/correction", "location": "main", "reason": "negative_stock_corrected"}
    return (
        happened(StockDiscrepancyDetected, expected=there, observed=taken, **values),
        happened(StockAdjusted, delta=taken - there, missing=taken - there, **fix),
    )


def closed(*at_risk: OrderAtRisk, cause: str = "naver:main:999") -> SaleClosed:
    return happened(SaleClosed, cause=cause, at_risk=list(at_risk), at_risk_lines=len(at_risk))


def resumed(cause: str) -> SaleResumed:
    return happened(SaleResumed, cause=cause)


# Reserving.


def test_what_is_there_is_reserved() -> None:
    five.when(Reserve(ORDER_1001, "1", 3, SHIP_BY)).then(reserved(3, ship_by=SHIP_BY))


def test_what_is_not_there_waits() -> None:
    a_sku.when(Reserve(ORDER_1001, "1", 3, SHIP_BY)).then(backordered(3, ship_by=SHIP_BY))


def test_a_part_is_reserved_and_the_rest_waits() -> None:
    five.when(Reserve(ORDER_1001, "1", 7)).then(reserved(5), backordered(2))


def test_a_piece_is_promised_once() -> None:
    five.given(reserved(4)).when(Reserve(ORDER_1002, "1", 2)).then(
        reserved(1, ORDER_1002), backordered(1, ORDER_1002)
    )


def test_two_lines_of_an_order_are_two_wishes() -> None:
    five.given(reserved(3)).when(Reserve(ORDER_1001, "2", 1)).then(reserved(1, line="2"))


def test_one_location_that_has_all_is_better_than_two() -> None:
    two_locations.when(Reserve(ORDER_1001, "1", 3)).then(
        reserved(3, ORDER_1001, At(location="seoul", pieces=3))
    )


def test_else_each_location_gives_in_turn() -> None:
    parts = At(location="busan", pieces=2), At(location="seoul", pieces=2)
    two_locations.when(Reserve(ORDER_1001, "1", 4)).then(reserved(4, ORDER_1001, *parts))


# Waiting in turn.


def test_the_oldest_backorder_is_served_first() -> None:
    waiting = a_sku.given(backordered(2, ORDER_1002), backordered(2, ORDER_1001))
    receive = stock(ReceiveStock, receipt_id="in-2", pieces=3)
    waiting.when(receive).then_once_by_inbox(
        received(3, receipt_id="in-2"), reserved(2, ORDER_1002), reserved(1, ORDER_1001)
    )


def test_a_newcomer_does_not_overtake() -> None:
    waiting = a_sku.given(backordered(2, ORDER_1002))
    waiting.when(Reserve(ORDER_1001, "1", 1)).then(backordered(1))


def test_what_a_cancel_gives_free_goes_to_who_waits() -> None:
    both = five.given(reserved(5), backordered(2, ORDER_1002))
    both.when(Release(ORDER_1001, "1", 3, 0, "cancelled")).then_once_by_inbox(
        released(3), reserved(2, ORDER_1002)
    )


def test_after_a_short_count_nobody_is_served_until_there_is_more() -> None:
    counted = happened(StockCounted, count_id="n1", location="main", counted=1, book=5, delta=-4)
    short_of = five.given(reserved(3), backordered(1, ORDER_1002), counted)
    receive = stock(ReceiveStock, receipt_id="in-2", pieces=2)
    short_of.when(receive).then_once_by_inbox(received(2, receipt_id="in-2"))


# Holding for the unpaid.


def test_an_unpaid_order_is_held_until_its_hour() -> None:
    five.when(Reserve(ORDER_1001, "1", 2, None, HELD_UNTIL)).then(reserved(2, expires_at=HELD_UNTIL))


def test_a_paid_order_is_held_no_more_but_firm() -> None:
    confirmed = happened(ReservationConfirmed, order=ORDER_1001, line="1")
    held = five.given(reserved(2, expires_at=HELD_UNTIL))
    held.when(Confirm(ORDER_1001, "1")).then(confirmed)
    held.given(confirmed).when(Expire(ORDER_1001, "1", HELD_UNTIL)).then()


def test_an_unpaid_order_loses_its_pieces_at_its_hour() -> None:
    held = five.given(reserved(2, expires_at=HELD_UNTIL))
    held.when(Expire(ORDER_1001, "1", HELD_UNTIL)).then(released(2, "hold_expired"))


def test_another_hour_than_its_own_takes_nothing() -> None:
    held = five.given(reserved(2, expires_at=HELD_UNTIL))
    held.when(Expire(ORDER_1001, "1", at(minutes=10))).then()


def test_what_expired_goes_to_who_waits() -> None:
    held = five.given(reserved(5, expires_at=HELD_UNTIL), backordered(2, ORDER_1002))
    held.when(Expire(ORDER_1001, "1", HELD_UNTIL)).then(released(5, "hold_expired"), reserved(2, ORDER_1002))


# Releasing.


def test_a_cancel_gives_up_the_reservation_and_adds_no_stock() -> None:
    promised = five.given(reserved(2))
    promised.when(Release(ORDER_1001, "1", 2, 0, "cancelled")).then(released(2))
    assert promised.given(released(2)).state.balances["main"].on_hand == 5


def test_part_of_a_reservation_may_be_given_up() -> None:
    five.given(reserved(3)).when(Release(ORDER_1001, "1", 1, 0, "cancelled")).then_once_by_inbox(released(1))


def test_who_waits_may_give_up() -> None:
    waiting = a_sku.given(backordered(3))
    waiting.when(Release(ORDER_1001, "1", 0, 3, "cancelled")).then(dropped(3))
    waiting.when(Release(ORDER_1001, "1", 0, 1, "cancelled")).then_once_by_inbox(dropped(1))


def test_no_more_is_given_up_than_was_promised() -> None:
    five.given(reserved(2)).when(Release(ORDER_1001, "1", 9, 0, "cancelled")).then(released(2))


def test_what_was_never_promised_is_not_released() -> None:
    five.when(Release(ORDER_1001, "1", 2, 2, "cancelled")).then()


# Shipping.


def test_what_leaves_uses_up_its_reservation() -> None:
    promised = five.given(reserved(2))
    promised.when(Ship(ORDER_1001, "1", 2, 2)).then_once_by_inbox(shipped(2))
    after = promised.given(shipped(2)).state
    assert (after.balances["main"].on_hand, after.available, len(after.reservations)) == (3, 3, 0)


def test_what_leaves_without_a_reservation_is_taken_from_what_is_there_and_said() -> None:
    where = one_at("main", 2, promised=0)
    five.when(Ship(ORDER_1001, "1", 2, 0)).then_once_by_inbox(unreserved(2), shipped(2, where))


def test_it_is_taken_where_most_is_free() -> None:
    where = one_at("seoul", 2, promised=0)
    two_locations.when(Ship(ORDER_1001, "1", 2, 0)).then_once_by_inbox(unreserved(2), shipped(2, where))


def test_what_leaves_though_nothing_was_there_puts_the_book_right() -> None:
    where = one_at("main", 2, promised=0)
    expected = (*short(0, 2), unreserved(2), shipped(2, where))
    a_sku.when(Ship(ORDER_1001, "1", 2, 0)).then_once_by_inbox(*expected)


def test_promised_pieces_that_a_short_count_did_not_find_leave_all_the_same() -> None:
    counted = happened(StockCounted, count_id="n1", location="main", counted=1, book=5, delta=-4)
    promised = five.given(reserved(2), counted)
    promised.when(Ship(ORDER_1001, "1", 2, 2)).then_once_by_inbox(*short(1, 2), shipped(2))


def test_after_a_short_count_a_parcel_of_promised_and_other_pieces_leaves_no_negative_stock() -> None:
    """One piece was reserved, the count found none, and two were dispatched."""
    counted = happened(StockCounted, count_id="n1", location="main", counted=0, book=1, delta=-1)
    promised = a_sku.given(received(1), reserved(1), counted)
    after = promised.when(Ship(ORDER_1001, "1", 2, 1)).after()
    assert after.balances["main"].on_hand == 0


# Closing for sale, and opening again.


def test_a_cancel_for_want_of_stock_closes_the_sku_and_asks_for_a_count() -> None:
    requested = happened(CountRequested, cause="naver:main:999")
    five.when(CloseSale("naver:main:999")).then(closed(), requested)


def test_it_names_the_other_orders_at_risk_the_most_urgent_first() -> None:
    others = five.given(
        reserved(2, ORDER_1001),
        reserved(1, ORDER_1002, ship_by=SHIP_BY),
        reserved(2, "naver:main:1003", ship_by=at(days=1)),
        backordered(4, "naver:main:1004", ship_by=at(days=2)),
        backordered(1, "naver:main:999"),
    )
    risks = [
        OrderAtRisk(order="naver:main:1003", line="1", pieces=2, ship_by=at(days=1)),
        OrderAtRisk(order="naver:main:1004", line="1", pieces=4, ship_by=at(days=2)),
        OrderAtRisk(order=ORDER_1002, line="1", pieces=1, ship_by=SHIP_BY),
        OrderAtRisk(order=ORDER_1001, line="1", pieces=2, ship_by=None),
    ]
    requested = happened(CountRequested, cause="naver:main:999")
    others.when(CloseSale("naver:main:999")).then(closed(*risks), requested)


def test_a_long_list_of_orders_at_risk_is_cut_and_counted() -> None:
    orders = [backordered(1, f"naver:main:{number}") for number in range(at_risk.LISTED + 5)]
    crowded = a_sku.given(*orders)
    sale_closed = STOCK.decide(crowded.state, CloseSale("naver:main:999"), crowded.context)[0]
    assert isinstance(sale_closed, SaleClosed)
    assert (len(sale_closed.at_risk), sale_closed.at_risk_lines) == (at_risk.LISTED, at_risk.LISTED + 5)


def test_a_closed_sku_promises_nothing_though_its_book_says_otherwise() -> None:
    five.given(closed()).when(Reserve(ORDER_1001, "1", 2)).then(backordered(2))


@pytest.mark.parametrize("channel", ["naver", "coupang", "shopify"])
def test_a_closed_sku_shows_nothing_on_any_channel(channel: str) -> None:
    assert sellable(five.given(closed()).state.available, stock_policy(), channel, closed=True) == 0


def test_a_count_that_finds_enough_opens_it_and_serves_who_waits() -> None:
    counted = happened(StockCounted, count_id="n1", location="main", counted=4, book=5, delta=-1)
    waiting = five.given(closed(), backordered(2))
    count = stock(CountStock, count_id="n1", counted=4)
    waiting.when(count).then_once_by_inbox(counted, resumed("CountStock"), reserved(2))


def test_a_receipt_opens_it() -> None:
    receive = stock(ReceiveStock, receipt_id="in-2", pieces=1)
    a_sku.given(closed()).when(receive).then_once_by_inbox(
        received(1, receipt_id="in-2"), resumed("ReceiveStock")
    )


def test_a_count_that_finds_nothing_leaves_it_closed() -> None:
    counted = happened(StockCounted, count_id="n1", location="main", counted=0, book=5, delta=-5)
    five.given(closed()).when(stock(CountStock, count_id="n1", counted=0)).then_once_by_inbox(counted)


def test_it_opens_only_above_the_safety_stock() -> None:
    cautious = five.given(closed()).under(stock_policies(safety_stock=5))
    counted = happened(StockCounted, count_id="n1", location="main", counted=5, book=5, delta=0)
    cautious.when(stock(CountStock, count_id="n1", counted=5)).then_once_by_inbox(counted)


def test_an_adjustment_does_not_open_it() -> None:
    event = happened(StockAdjusted, adjustment_id="a1", location="main", delta=9, reason="found")
    command = stock(AdjustStock, adjustment_id="a1", delta=9, reason="found")
    a_sku.given(closed(), backordered(1)).when(command).then_once_by_inbox(event)


def test_pieces_back_from_quarantine_do_not_open_it() -> None:
    wet = {"location": "main", "reason": "wet"}
    doubtful = five.given(happened(StockQuarantined, pieces=5, **wet), closed(), backordered(1))
    command = stock(QuarantineStock, quarantine_id="k1", pieces=-5, reason="wet")
    doubtful.when(command).then_once_by_inbox(happened(StockQuarantined, pieces=-5, **wet))


def test_a_restocked_return_does_not_open_it() -> None:
    values = {"return_id": "r1", "line": "1", "location": "main", "pieces": 1}
    back = a_sku.given(happened(ReturnQuarantined, **values), closed(), backordered(1))
    back.when(RestockReturn("r1", "1", "main", 1)).then_once_by_inbox(happened(ReturnRestocked, **values))


def test_a_cancel_does_not_open_it() -> None:
    promised = five.given(reserved(2), closed(), backordered(1, ORDER_1002))
    promised.when(Release(ORDER_1001, "1", 2, 0, "cancelled")).then(released(2))


# What may be sold.


@pytest.mark.parametrize(
    ("available", "safety_stock", "share", "shown"),
    [(10, 0, "1", 10), (10, 3, "1", 7), (10, 3, "0.8", 5), (3, 3, "1", 0), (-4, 0, "1", 0), (9, 0, "0", 0)],
)
def test_a_channel_shows_its_share_above_the_safety_stock_and_never_less_than_nothing(
    available: int, safety_stock: int, share: str, shown: int
) -> None:
    policy = stock_policy(safety_stock=safety_stock, channel_shares={"shopify": Decimal(share)})
    assert sellable(available, policy, "shopify", closed=False) == shown
