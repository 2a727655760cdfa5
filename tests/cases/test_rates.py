"""What counts in a rate, and from when on."""

from datetime import date, datetime
from typing import Any

import pytest

from projections.questions.kpi import kpi
from projections.questions.orders import orders
from projections.questions.penalty import penalty
from tests.cases.shop import O1, SELLER, Shop, ordered

Rate = tuple[int, int]
END = datetime.fromisoformat("2026-12-31T00:00:00+09:00")


def rate(shop: Shop, name: str, as_of: datetime | date = END) -> Rate:
    answer = kpi(shop.reader(), name, seller=SELLER, as_of=as_of)
    return answer.numerator, answer.denominator


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+09:00")


def sell(shop: Shop, name: str, at: str, count: int = 1, **fields: Any) -> dict[str, Any]:
    key = {"channel": "coupang", "order_id": name}
    shop.send("order-placed", at, **key, currency="KRW", lines=[ordered(count)], **fields)
    shop.send("order-paid", at, **key, payment_id="p1", amount=10_000 * count)
    return key


def test_what_is_not_due_yet_is_open_and_in_no_rate() -> None:
    shop = Shop()
    first = sell(shop, "C0", "2026-03-09T10:00")  # due at 17:00 of the same day
    shop.send("shipment-dispatched", "2026-03-09T12:00", **first, shipment_id="s0")
    second = sell(shop, "C1", "2026-03-10T10:00")
    assert rate(shop, "on_time_shipment", seoul("2026-03-10T12:00")) == (1, 1)
    assert rate(shop, "on_time_shipment", seoul("2026-03-10T17:00")) == (1, 2)
    shop.send("shipment-dispatched", "2026-03-10T16:59", **second, shipment_id="s1")
    assert rate(shop, "on_time_shipment", seoul("2026-03-10T12:00")) == (2, 2)
    assert rate(shop, "on_time_shipment") == (2, 2)


def test_a_delivery_that_is_promised_for_later_is_open_too() -> None:
    shop = Shop()
    key = sell(shop, "C0", "2026-03-09T10:00", promise_at="2026-03-11T18:00:00+09:00")
    for name in ("on_time_delivery", "on_time_delivery_day", "perfect_order", "perfect_line"):
        assert rate(shop, name, seoul("2026-03-11T17:59")) == (0, 0)
    assert rate(shop, "on_time_delivery", seoul("2026-03-11T18:00")) == (0, 1)
    assert rate(shop, "on_time_delivery_day", seoul("2026-03-11T18:00")) == (0, 0)
    assert rate(shop, "on_time_delivery_day", date(2026, 3, 11)) == (0, 1)
    shop.send("shipment-dispatched", "2026-03-10T10:00", **key, shipment_id="s0")
    shop.send("shipment-tracked", "2026-03-11T18:00", **key, shipment_id="s0", status="delivered")
    assert (rate(shop, "on_time_delivery"), rate(shop, "on_time_delivery_day")) == ((0, 1), (1, 1))


@pytest.mark.parametrize(("left", "on_time"), [("2026-03-09T16:59", 1), ("2026-03-09T17:00", 0)])
def test_at_the_very_limit_it_is_too_late_in_every_answer(left: str, on_time: int) -> None:
    shop = Shop()
    key = {"channel": "naver", "order_id": "N1"}
    line = ordered(1, ship_by="2026-03-09T17:00:00+09:00")
    shop.send("order-placed", "2026-03-09T10:00", **key, currency="KRW", lines=[line])
    shop.send("order-paid", "2026-03-09T10:00", **key, payment_id="p1", amount=10_000)
    shop.send("shipment-dispatched", left, **key, shipment_id="s0")
    assert rate(shop, "on_time_shipment") == (on_time, 1)
    assert orders(shop.reader()).lines.handed_over_after_limit == 1 - on_time
    assert len(shop.rows("penalty_risk")) == 1 - on_time
    now = penalty(shop.reader(), SELLER, as_of=date(2026, 3, 10)).now
    assert now is not None
    assert now.points == 1 - on_time


def test_of_a_late_line_sent_with_a_fresh_one_one_piece_is_late() -> None:
    shop = Shop()
    lines = [
        ordered(1, "1", ship_by="2026-03-10T00:00:00+09:00"),
        ordered(1, "2", ship_by="2026-03-13T00:00:00+09:00"),
    ]
    shop.place(*lines)
    shop.send("shipment-dispatched", "2026-03-11T10:00", **O1, shipment_id="s0")
    counts = orders(shop.reader()).lines
    assert (counts.pieces_handed_over, counts.pieces_handed_over_after_limit) == (2, 1)
    assert rate(shop, "on_time_shipment") == (1, 2)


def test_of_a_line_sent_in_two_parcels_the_pieces_of_the_late_one_are_late() -> None:
    shop = Shop()
    shop.place(ordered(3, ship_by="2026-03-11T00:00:00+09:00"))
    for name, at, pieces in (("s0", "2026-03-10T10:00", 1), ("s1", "2026-03-12T10:00", 2)):
        box = {"shipment_id": name, "lines": [{"line": "1", "pieces": pieces}]}
        shop.send("shipment-dispatched", at, **O1, **box)
    counts = orders(shop.reader()).lines
    assert (counts.pieces_handed_over, counts.pieces_handed_over_after_limit) == (3, 2)
    assert [row.pieces for row in shop.rows("penalty_risk")] == [2]


@pytest.mark.parametrize(
    ("cancelled", "expected"), [("2026-03-12T23:59", (0, 0)), ("2026-03-13T00:00", (0, 1))]
)
def test_lateness_stays_after_a_cancel(cancelled: str, expected: Rate) -> None:
    shop = Shop()
    shop.place(ordered(1))  # due on Thursday, 24:00
    shop.send("order-cancelled", cancelled, **O1, cancellation_id="c", reason="customer_request")
    assert rate(shop, "on_time_shipment") == expected


def test_what_its_buyer_cancelled_is_not_asked_for() -> None:
    shop = Shop()
    shop.receive("CHAIR", 2)
    shop.place(ordered(2))
    buyer = {"cancellation_id": "c", "reason": "customer_request", "initiator": "customer"}
    shop.send("order-cancelled", "2026-03-09T11:00", **O1, **buyer, lines=[{"line": "1", "pieces": 1}])
    shop.send("shipment-dispatched", "2026-03-10T11:00", **O1, shipment_id="s0")
    for name in ("unit_fill_rate", "line_fill_rate", "order_fill_rate", "first_time_fill_rate"):
        assert rate(shop, name) == (1, 1)


def test_an_order_cancelled_by_its_buyer_is_in_no_fill_rate() -> None:
    shop = Shop()
    shop.place(ordered(2))
    buyer = {"cancellation_id": "c", "reason": "customer_request", "initiator": "customer"}
    shop.send("order-cancelled", "2026-03-09T11:00", **O1, **buyer)
    assert rate(shop, "order_fill_rate") == (0, 0)


def test_what_the_seller_cancelled_was_not_filled() -> None:
    shop = Shop()
    shop.place(ordered(2))
    cancel: dict[str, Any] = {"cancellation_id": "c", "lines": [{"line": "1", "pieces": 1}]}
    shop.send("cancellation-requested", **O1, **cancel, reason="out_of_stock")
    shop.send("shipment-dispatched", "2026-03-10T11:00", **O1, shipment_id="s0")
    assert (rate(shop, "unit_fill_rate"), rate(shop, "line_fill_rate")) == ((1, 2), (0, 1))


def test_an_order_that_was_never_paid_is_in_no_rate() -> None:
    shop = Shop()
    shop.place(ordered(1), paid=False)
    shop.send("order-cancelled", "2026-03-09T12:00", **O1, cancellation_id="c", reason="payment_declined")
    assert shop.rows("fulfilment_kpis") == []


def test_an_order_that_left_before_it_was_paid_is_in_the_rates() -> None:
    shop = Shop()
    shop.place(ordered(1), paid=False)
    shop.send("shipment-dispatched", "2026-03-10T11:00", **O1, shipment_id="s0")
    assert rate(shop, "order_fill_rate") == (1, 1)


def test_a_first_time_fill_means_stock_at_the_time_of_the_order() -> None:
    shop = Shop()
    shop.receive("CHAIR", 2)
    shop.place(ordered(3))
    shop.send("stock-received", "2026-03-09T12:00", receipt_id="in-2", sku="CHAIR", pieces=1)
    shop.send("shipment-dispatched", "2026-03-10T11:00", **O1, shipment_id="s0")
    assert (rate(shop, "first_time_fill_rate"), rate(shop, "unit_fill_rate")) == ((2, 3), (3, 3))


def test_a_piece_that_comes_back_without_a_scan_of_its_delivery_was_delivered() -> None:
    shop = Shop()
    shop.place(ordered(1))
    shop.send("shipment-dispatched", "2026-03-10T11:00", **O1, shipment_id="s0")
    back: dict[str, Any] = {"return_id": "r1", "lines": [{"line": "1", "pieces": 1}], "reason": "defect"}
    shop.send("return-requested", "2026-03-12T11:00", **O1, **back)
    shop.send("return-received", "2026-03-13T11:00", return_id="r1")
    unit = {"line": "1", "pieces": 1, "condition": "defective", "disposition": "scrap"}
    shop.send("return-inspected", "2026-03-13T12:00", return_id="r1", inspection_id="i1", units=[unit])
    assert (rate(shop, "return_rate"), rate(shop, "return_rate:defect")) == ((1, 1), (1, 1))


def test_the_days_of_every_question_are_the_sellers() -> None:
    shop = Shop()
    shop.place(ordered(1), at="2026-03-03T00:30")  # in UTC, the day before
    reader, day, next_day = shop.reader(), date(2026, 3, 3), date(2026, 3, 4)
    assert orders(reader, seller=SELLER, since=day, until=next_day).orders == 1
    assert orders(reader, since=day, until=next_day).orders == 1
    assert kpi(reader, "order_fulfilment", seller=SELLER, since=day, until=next_day).denominator == 1
    assert orders(reader, seller=SELLER, until=day).orders == 0


def test_as_of_a_day_means_its_end_where_the_seller_is() -> None:
    shop = Shop()
    shop.place(ordered(1))
    answer = penalty(shop.reader(), SELLER, as_of=date(2026, 3, 13))
    assert answer.as_of == seoul("2026-03-14T00:00")
    assert answer.now is not None
    assert answer.now.points == 1
