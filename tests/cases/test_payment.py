"""When an order counts as paid, and what may be sent."""

from itertools import permutations
from typing import Any

import pytest

from domain.order.money import owed
from tests.cases.shop import DAY, O1, Shop, micros, ordered

CHECKED: dict[str, Any] = {"quality_check": {"passed": True, "by": "lee"}}
PAYMENTS = [("p1", "2026-03-02T10:01", 5_000), ("p2", "2026-03-05T10:00", 5_000)]


def placed(pieces: int = 2, **order: Any) -> Shop:
    """Two chairs of 10,000 won, not paid yet."""
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.send("order-placed", **O1, currency="KRW", lines=[ordered(pieces)], **order)
    return shop


def pay(shop: Shop, amount: int, at: str = f"{DAY}T10:01", payment_id: str = "p1", **fields: Any) -> None:
    shop.send("order-paid", at, **O1, payment_id=payment_id, amount=amount, **fields)


def pack(shop: Shop) -> str | None:
    line = {"line": "1", "pieces": 1}
    outcome = shop.send("pack-requested", f"{DAY}T13:00", **O1, **CHECKED, shipment_id="s1", lines=[line])
    return outcome.rule


def row(shop: Shop) -> Any:
    (order,) = shop.rows("order_status")
    return order


def test_one_won_of_twenty_thousand_does_not_pay_an_order() -> None:
    shop = placed()
    pay(shop, 1)
    assert (row(shop).status, row(shop).captured, row(shop).owed) == ("pending_payment", 1, 20_000)
    assert pack(shop) == "not_paid"
    assert shop.units() == {"open": 2}


def test_a_wish_to_send_what_is_not_paid_says_what_is_missing() -> None:
    shop = placed()
    pay(shop, 5_000)
    shop.send("shipment-packed", **O1, shipment_id="s1", lines=[{"line": "1", "pieces": 2}])
    refused = shop.send("dispatch-requested", f"{DAY}T14:00", **O1, shipment_id="s1")
    assert refused.rule == "not_paid"
    assert (refused.data["captured"], refused.data["owed"]) == (5_000, 20_000)


def test_what_is_paid_beyond_the_price_is_owed_to_the_buyer() -> None:
    shop = placed()
    pay(shop, 25_000)
    assert [(refund.cause, refund.amount) for refund in shop.events("RefundOwed")] == [("payment", 5_000)]


def test_the_rest_pays_it() -> None:
    shop = placed()
    pay(shop, 1)
    pay(shop, 19_999, payment_id="p2")
    assert (row(shop).status, pack(shop)) == ("new", None)


def test_the_shipping_fee_is_owed_as_well() -> None:
    shop = placed(shipping_fee=3_000)
    pay(shop, 20_000)
    assert row(shop).status == "pending_payment"
    pay(shop, 3_000, payment_id="p2")
    assert row(shop).status == "new"


def test_shipping_is_free_from_the_value_that_the_channel_named() -> None:
    shop = placed(shipping_fee=3_000, free_shipping_from=20_000)
    pay(shop, 20_000)
    assert (row(shop).status, row(shop).owed) == ("new", 20_000)


def test_a_channel_that_states_payment_in_full_need_not_match_our_prices() -> None:
    shop = placed()
    pay(shop, 18_000, in_full=True)
    assert (row(shop).status, row(shop).owed, row(shop).difference) == ("new", 18_000, -2_000)
    assert shop.discrepancies() == []


@pytest.mark.parametrize("paid_first", [False, True])
def test_a_payment_in_full_covers_what_was_added_before_it(paid_first: bool) -> None:
    shop = placed()
    if paid_first:
        pay(shop, 18_000, in_full=True)
    shop.send("order-amended", f"{DAY}T10:01", **O1, amendment_id="a", lines=[ordered(1, line="2")])
    if not paid_first:
        pay(shop, 18_000, in_full=True)
    assert (row(shop).status, row(shop).owed, row(shop).difference) == ("new", 18_000, -12_000)
    assert owed(shop.order()) == 18_000
    assert shop.discrepancies() == []


def test_what_was_added_after_a_payment_in_full_is_owed_besides() -> None:
    shop = placed()
    pay(shop, 18_000, in_full=True)
    shop.send("order-amended", f"{DAY}T11:00", **O1, amendment_id="a", lines=[ordered(1, line="2")])
    assert (row(shop).owed, row(shop).difference) == (28_000, -2_000)


@pytest.mark.parametrize("parts", list(permutations([("p1", 12_000), ("p2", 7_000), ("p3", 1_000)])))
def test_the_parts_of_a_payment_in_full_are_one_payment(parts: Any) -> None:
    """Olist reports each voucher by itself: all paid the order, none paid it again."""
    shop = placed()
    for payment_id, amount in parts:
        pay(shop, amount, payment_id=payment_id, in_full=True)
    assert (row(shop).owed, row(shop).difference, row(shop).refund_due) == (20_000, 0, 0)
    assert shop.discrepancies() == []


@pytest.mark.parametrize("later_first", [False, True])
def test_a_second_payment_in_full_at_another_time_is_too_much(later_first: bool) -> None:
    shop = placed()
    both = [("p1", f"{DAY}T10:01"), ("p2", f"{DAY}T10:05")]
    for payment_id, at in reversed(both) if later_first else both:
        pay(shop, 18_000, at, payment_id, in_full=True)
    assert (row(shop).owed, row(shop).difference, row(shop).refund_due) == (18_000, -2_000, 18_000)
    assert [refund.cause for refund in shop.events("RefundOwed")] == ["payment"]


def test_an_order_whose_prices_nobody_stated_is_paid_by_any_payment() -> None:
    shop = Shop()
    shop.send("order-placed", **O1, currency="KRW", lines=[{"line": "1", "sku": "CHAIR", "pieces": 1}])
    pay(shop, 700)
    assert (row(shop).status, row(shop).owed, shop.discrepancies()) == ("new", None, [])


@pytest.mark.parametrize("payments", list(permutations(PAYMENTS)))
def test_the_deadline_counts_from_the_payment_that_covers_the_price(payments: Any) -> None:
    shop = Shop()
    shop.send("order-placed", "2026-03-02T10:00", **O1, currency="KRW", lines=[ordered(1)])
    for payment_id, at, amount in payments:
        pay(shop, amount, at, payment_id)
    assert row(shop).paid_at == micros("2026-03-05T10:00")
    assert row(shop).ship_by == micros("2026-03-11T00:00"), "three business days later, at 24:00"


@pytest.mark.parametrize("payments", list(permutations([("p1", "2026-03-02T10:01", 10_000), PAYMENTS[1]])))
def test_a_payment_that_was_not_needed_moves_no_deadline(payments: Any) -> None:
    shop = Shop()
    shop.send("order-placed", "2026-03-02T10:00", **O1, currency="KRW", lines=[ordered(1)])
    for payment_id, at, amount in payments:
        pay(shop, amount, at, payment_id)
    assert row(shop).paid_at == micros("2026-03-02T10:01")
    assert row(shop).ship_by == micros("2026-03-06T00:00")
    assert (row(shop).refund_due, shop.discrepancies()) == (5_000, ["paid_more_than_owed"])


def test_a_cancel_of_what_was_not_paid_makes_the_rest_paid() -> None:
    half = {"line": "1", "pieces": 1}
    cancel = {**O1, "cancellation_id": "c1", "reason": "customer_request", "lines": [half]}
    paid_first = placed()
    pay(paid_first, 10_000)
    paid_first.send("order-cancelled", f"{DAY}T11:00", **cancel)
    cancelled_first = placed()
    cancelled_first.send("order-cancelled", f"{DAY}T11:00", **cancel)
    pay(cancelled_first, 10_000)
    for shop in (paid_first, cancelled_first):
        assert (row(shop).paid_at, row(shop).owed) == (micros(f"{DAY}T11:00"), 10_000)
        assert shop.units() == {"cancelled": 1, "allocated": 1}


def test_a_cancel_of_everything_makes_no_order_paid() -> None:
    shop = placed()
    pay(shop, 1)
    shop.send("order-cancelled", **O1, cancellation_id="c1", reason="customer_request")
    assert (row(shop).paid_at, row(shop).refund_due) == (None, 1)


def test_an_order_paid_at_the_door_is_sent_before_its_payment() -> None:
    shop = placed(payment="cash_on_delivery")
    assert (row(shop).status, row(shop).paid_at, shop.units()) == ("new", None, {"allocated": 2})
    assert [order.hold_until for order in shop.events("OrderPlaced")] == [None]
    assert pack(shop) is None
    shop.send("dispatch-requested", f"{DAY}T14:00", **O1, shipment_id="s1")
    pay(shop, 20_000, "2026-03-11T10:00")
    assert (row(shop).paid_at, row(shop).ship_by) == (micros("2026-03-11T10:00"), micros("2026-03-13T00:00"))
    assert [cell.kpi for cell in shop.rows("fulfilment_kpis") if cell.kpi == "processing_time"] == []
    assert shop.broken_invariants() == []


def test_an_order_paid_at_the_door_is_late_though_it_is_not_paid() -> None:
    shop = placed(payment="cash_on_delivery")
    shop.pass_time("2026-03-14T00:00")
    assert [entry.kind for entry in shop.rows("penalty_risk")] == ["late_dispatch"]


def test_a_chargeback_keeps_an_order_from_being_sent() -> None:
    shop = placed()
    pay(shop, 20_000)
    shop.send("payment-reversed", f"{DAY}T12:00", **O1, reversal_id="b1", amount=20_000, cause="chargeback")
    assert (row(shop).reversed, pack(shop), shop.discrepancies()) == (20_000, "not_paid", [])
    pay(shop, 20_000, f"{DAY}T12:30", "p2")
    assert (pack(shop), row(shop).refund_due) == (None, 0)


def test_a_chargeback_of_what_has_left_is_a_discrepancy_once() -> None:
    shop = placed()
    pay(shop, 20_000)
    shop.send("shipment-dispatched", f"{DAY}T11:00", **O1, shipment_id="s1")
    for _ in range(2):
        shop.send("payment-reversed", f"{DAY}T12:00", **O1, reversal_id="b1", amount=20_000)
    assert (row(shop).reversed, shop.discrepancies()) == (20_000, ["payment_reversed_after_dispatch"])


def test_the_same_reversal_with_another_amount_is_a_discrepancy() -> None:
    shop = placed()
    pay(shop, 20_000)
    for amount in (5_000, 7_000):
        shop.send("payment-reversed", f"{DAY}T12:00", **O1, reversal_id="b1", amount=amount)
    assert (row(shop).reversed, shop.discrepancies()) == (5_000, ["reversal_again_differently"])


def test_paid_after_everything_was_cancelled_is_owed_back() -> None:
    shop = placed()
    shop.send("order-cancelled", f"{DAY}T09:00", **O1, cancellation_id="c1", reason="customer_request")
    pay(shop, 20_000)
    assert (shop.discrepancies(), row(shop).refund_due) == (["paid_after_cancel"], 20_000)
    assert row(shop).refund_due_at == micros("2026-03-13T00:00")


def test_a_payment_before_the_cancel_that_is_stated_after_it_contradicts_nothing() -> None:
    shop = placed()
    shop.send("order-cancelled", f"{DAY}T11:00", **O1, cancellation_id="c1", reason="customer_request")
    pay(shop, 20_000)
    assert (shop.discrepancies(), row(shop).refund_due) == ([], 20_000)
