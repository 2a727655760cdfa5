"""What is owed back to the buyer, and until when."""

from datetime import date, datetime
from typing import Any

import pytest

from projections.questions.as_of import end_of
from projections.questions.refunds import refunds
from tests.cases.shop import DAY, O1, SELLER, Shop, micros, ordered


def paid(pieces: int = 1, **order: Any) -> Shop:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.send("order-placed", **O1, currency="KRW", lines=[ordered(pieces)], **order)
    shop.send("order-paid", f"{DAY}T10:01", **O1, payment_id="p1", amount=10_000 * pieces)
    return shop


def cancel(shop: Shop, pieces: int, name: str = "c1", **fields: Any) -> None:
    line = {"line": "1", "pieces": pieces}
    facts = {"reason": "customer_request", "initiator": "customer", **fields}
    shop.send("order-cancelled", f"{DAY}T11:00", **O1, cancellation_id=name, lines=[line], **facts)


def refund(shop: Shop, amount: int, at: str = f"{DAY}T12:00", **fields: Any) -> None:
    facts = {"refund_id": "f1", "cause": "cancel", **fields}
    shop.send("refund-recorded", at, **O1, amount=amount, **facts)


def row(shop: Shop) -> Any:
    (order,) = shop.rows("order_status")
    return order


def test_a_refund_of_a_cancel_is_due_three_business_days_later() -> None:
    shop = paid()
    cancel(shop, 1)
    assert (row(shop).refund_due, row(shop).refund_due_at) == (10_000, micros("2026-03-13T00:00"))
    shop.pass_time("2026-03-12T23:59")
    assert row(shop).refund_overdue_at is None
    shop.pass_time("2026-04-30T00:00")
    assert row(shop).refund_overdue_at == micros("2026-03-13T00:00")
    refund(shop, 10_000, "2026-04-30T10:00")
    assert (row(shop).refund_due, row(shop).refund_overdue_at) == (0, None)


def test_a_refund_made_in_time_is_never_overdue() -> None:
    shop = paid()
    cancel(shop, 1)
    refund(shop, 10_000)
    shop.pass_time("2026-04-30T00:00")
    assert (row(shop).refund_due, row(shop).refund_overdue_at) == (0, None)


def test_a_refund_stated_before_its_cancel_owes_nothing_more() -> None:
    shop = paid()
    refund(shop, 10_000)
    cancel(shop, 1)
    shop.pass_time("2026-04-30T00:00")
    assert (row(shop).refund_due, row(shop).refund_overdue_at, shop.discrepancies()) == (0, None, [])


def test_half_a_refund_leaves_the_other_half_overdue() -> None:
    shop = paid()
    cancel(shop, 1)
    refund(shop, 4_000)
    shop.pass_time("2026-04-30T00:00")
    assert (row(shop).refund_due, row(shop).refund_overdue_at) == (6_000, micros("2026-03-13T00:00"))


@pytest.mark.parametrize(("paid_on_top", "kinds"), [(41, []), (0, ["late_interest_not_paid"])])
def test_a_late_refund_bears_interest(paid_on_top: int, kinds: list[str]) -> None:
    """10,000 won, due until the end of 12 March, refunded on the 22nd: ten days at 15 % are 41.10 won."""
    shop = paid()
    cancel(shop, 1)
    refund(shop, 10_000, "2026-03-22T09:00", late_interest=paid_on_top)
    (recorded,) = shop.events("RefundRecorded")
    assert (recorded.late_interest_owed, shop.discrepancies()) == (41, kinds)


def test_an_order_that_was_never_paid_owes_no_refund() -> None:
    shop = Shop()
    shop.send("order-placed", **O1, currency="KRW", lines=[ordered(1)])
    cancel(shop, 1)
    shop.pass_time("2026-04-30T00:00")
    assert (row(shop).refund_due, row(shop).refund_due_at) == (0, None)


@pytest.mark.parametrize(("fault", "owed_back"), [("customer", 7_000), ("seller", 10_000)])
def test_a_buyer_who_cancels_below_free_shipping_pays_the_shipping(fault: str, owed_back: int) -> None:
    """Three pieces of 10,000 won ship free from 30,000; else shipping costs 3,000."""
    shop = paid(3, shipping_fee=3_000, free_shipping_from=30_000)
    cancel(shop, 1, reason="other", fault=fault)
    assert row(shop).refund_due == owed_back
    (owed,) = shop.events("RefundOwed")
    assert sum(owed.breakdown.values()) == owed.amount == owed_back


def test_shipping_is_claimed_back_once_and_given_back_when_nothing_is_sent() -> None:
    shop = paid(3, shipping_fee=3_000, free_shipping_from=30_000)
    cancel(shop, 1)
    cancel(shop, 1, "c2")
    assert row(shop).refund_due == 17_000
    cancel(shop, 1, "c3")
    assert row(shop).refund_due == 30_000
    assert [sum(owed.breakdown.values()) for owed in shop.events("RefundOwed")] == [7_000, 10_000, 13_000]


def test_the_parts_of_a_price_that_does_not_divide_add_up() -> None:
    """Three pieces for 10,000 won: 3,333, 3,333 and 3,334."""
    shop = Shop()
    line = ordered(3, unit_price="3333.333333")
    shop.send("order-placed", **O1, currency="KRW", lines=[line])
    shop.send("order-paid", f"{DAY}T10:01", **O1, payment_id="p1", amount=10_000)
    for number in range(3):
        cancel(shop, 1, f"c{number}")
    assert [owed.amount for owed in shop.events("RefundOwed")] == [3_333, 3_333, 3_334]


def returned(pieces: int = 3) -> Shop:
    """One of the delivered chairs is back."""
    shop = paid(pieces)
    shop.send("shipment-dispatched", "2026-03-10T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-11T10:00", **O1, shipment_id="s1", status="delivered")
    line = {"line": "1", "pieces": 1}
    request = {"return_id": "rt1", "lines": [line], "reason": "changed_mind"}
    shop.send("return-requested", "2026-03-12T10:00", **O1, **request)
    shop.send("return-received", "2026-03-13T10:00", return_id="rt1")
    return shop


def the_return(shop: Shop) -> Any:
    (one,) = shop.rows("return_status")
    return one


def test_a_refund_larger_than_what_came_back_is_a_discrepancy() -> None:
    shop = returned()
    refund(shop, 30_000, "2026-03-13T12:00", cause="return", return_id="rt1")
    assert shop.discrepancies() == ["refunded_more_than_returned"]


def test_a_refund_of_what_came_back_contradicts_nothing() -> None:
    shop = returned()
    refund(shop, 10_000, "2026-03-13T12:00", cause="return", return_id="rt1")
    assert (shop.discrepancies(), the_return(shop).state) == ([], "refunded")


def test_two_refunds_of_one_return_are_added_up() -> None:
    shop = returned()
    refund(shop, 6_000, "2026-03-13T12:00", cause="return", return_id="rt1")
    refund(shop, 6_000, "2026-03-13T12:01", cause="return", return_id="rt1", refund_id="f2")
    assert shop.discrepancies() == ["refunded_more_than_returned"]


def test_a_refund_that_names_no_return_settles_the_only_open_one() -> None:
    shop = returned()
    refund(shop, 10_000, "2026-03-13T12:00", cause="return")
    shop.pass_time("2026-03-30T00:00")
    assert (the_return(shop).state, shop.discrepancies()) == ("refunded", [])


def test_a_refund_that_names_a_return_nobody_opened_is_a_discrepancy() -> None:
    shop = returned()
    refund(shop, 10_000, "2026-03-13T12:00", cause="return", return_id="rt9")
    assert shop.discrepancies() == ["refund_of_unknown_return"]
    assert the_return(shop).state == "received"


def test_a_refund_stated_before_its_return_settles_it() -> None:
    shop = paid(1)
    shop.send("shipment-dispatched", "2026-03-10T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-11T10:00", **O1, shipment_id="s1", status="delivered")
    refund(shop, 10_000, "2026-03-13T12:00", cause="return", return_id="rt1")
    line = {"line": "1", "pieces": 1}
    request = {"return_id": "rt1", "lines": [line], "reason": "changed_mind"}
    shop.send("return-requested", "2026-03-12T10:00", **O1, **request)
    shop.send("return-received", "2026-03-13T10:00", return_id="rt1")
    shop.pass_time("2026-03-30T00:00")
    assert the_return(shop).refunded_at == micros("2026-03-13T12:00")
    assert not the_return(shop).overdue


def test_what_was_refunded_before_a_cancel_is_not_taken_off_it_twice() -> None:
    """20,000 won were paid, 5,000 refunded as goodwill: when all is cancelled, 15,000 are left to refund."""
    shop = paid(2)
    refund(shop, 5_000, f"{DAY}T10:30", cause="goodwill")
    cancel(shop, 2)
    shop.pass_time("2026-04-30T00:00")
    (overdue,) = shop.events("OrderRefundOverdue")
    assert overdue.amount == 15_000


def test_the_refund_of_a_return_does_not_pay_for_a_cancel() -> None:
    """Of three chairs one is cancelled, one comes back and is refunded: the cancelled one is still owed."""
    shop = paid(3)
    cancel(shop, 1)
    shop.send("shipment-dispatched", "2026-03-10T10:00", **O1, shipment_id="s1")
    line = {"line": "1", "pieces": 1}
    shop.send("return-requested", "2026-03-10T11:00", **O1, return_id="rt1", lines=[line], reason="defect")
    shop.send("return-received", "2026-03-10T12:00", return_id="rt1")
    unit = {**line, "condition": "new", "disposition": "restock"}
    shop.send("return-inspected", "2026-03-10T13:00", return_id="rt1", inspection_id="i1", units=[unit])
    refund(shop, 10_000, "2026-03-11T12:00", cause="return", return_id="rt1")
    shop.pass_time("2026-04-30T00:00")
    (overdue,) = shop.events("OrderRefundOverdue")
    assert overdue.amount == 10_000


def answers(shop: Shop, day: str) -> list[tuple[Any, ...]]:
    """(order, returns, amount, due, overdue) of each refund that is owed at the end of that day."""
    owed = refunds(shop.reader(), SELLER, as_of=end_of(date.fromisoformat(day), "Asia/Seoul"))
    return [(one.order_id, one.returns, one.amount, one.due_at, one.overdue) for one in owed]


def test_the_list_of_refunds_names_the_cancel_its_amount_and_its_limit() -> None:
    shop = paid(2)
    assert answers(shop, DAY) == []
    cancel(shop, 1)
    due = datetime.fromisoformat("2026-03-13T00:00+09:00")
    assert answers(shop, "2026-03-11") == [("O1", "", 10_000, due, False)]
    assert answers(shop, "2026-03-12") == [("O1", "", 10_000, due, True)]
    refund(shop, 10_000)
    assert answers(shop, "2026-03-12") == []


def test_the_list_of_refunds_names_a_return_before_and_after_its_inspection() -> None:
    """It came back on Friday the 13th: three business days end with Wednesday the 18th."""
    shop = returned()
    due = datetime.fromisoformat("2026-03-19T00:00+09:00")
    assert answers(shop, "2026-03-17") == [("O1", "rt1", None, due, False)]
    unit = {"line": "1", "pieces": 1, "condition": "new", "disposition": "restock"}
    shop.send("return-inspected", "2026-03-16T10:00", return_id="rt1", inspection_id="i1", units=[unit])
    assert answers(shop, "2026-03-18") == [("O1", "rt1", 10_000, due, True)]
    refund(shop, 10_000, "2026-03-18T12:00", cause="return", return_id="rt1")
    assert answers(shop, "2026-03-18") == []
