"""A fact stated again: what is new is done, what is equal is a repeat, what contradicts is recorded."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cases.shop import DAY, O1, Shop, ordered


def pieces(line: str, count: int = 1) -> dict[str, Any]:
    return {"line": line, "pieces": count}


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Two chairs and two tables are in stock; O1 has two of each and is paid."""
    shop = Shop()
    for sku in ("CHAIR", "TABLE"):
        shop.receive(sku, 2)
    shop.place(ordered(2), ordered(2, "2", "TABLE", unit_price="20000"))
    yield shop
    assert shop.broken_invariants() == []


def cancelled(shop: Shop, *lines: dict[str, Any], **fields: Any) -> None:
    shop.send("order-cancelled", **O1, cancellation_id="c1", reason="customer_request", lines=lines, **fields)


def test_a_claim_told_line_by_line_cancels_every_line(shop: Shop) -> None:
    cancelled(shop, pieces("1", 2))
    cancelled(shop, pieces("2", 2))
    assert (shop.units("1"), shop.units("2")) == ({"cancelled": 2}, {"cancelled": 2})
    assert (shop.stock("CHAIR").available, shop.stock("TABLE").available) == (2, 2)
    assert shop.discrepancies() == []


def test_a_claim_that_grows_cancels_what_is_new_in_it(shop: Shop) -> None:
    cancelled(shop, pieces("1"))
    cancelled(shop, pieces("1", 2), pieces("2"))
    assert (shop.units("1"), shop.units("2")) == ({"cancelled": 2}, {"allocated": 1, "cancelled": 1})
    assert shop.discrepancies() == []


def test_a_claim_told_again_in_the_same_words_changes_nothing(shop: Shop) -> None:
    cancelled(shop, pieces("1"))
    cancelled(shop, pieces("1"))
    assert shop.units("1") == {"allocated": 1, "cancelled": 1}
    assert shop.discrepancies() == []


def test_a_claim_that_shrinks_contradicts_what_it_said(shop: Shop) -> None:
    cancelled(shop, pieces("1", 2))
    cancelled(shop, pieces("1", 1))
    cancelled(shop, pieces("1", 1))
    assert shop.units("1") == {"cancelled": 2}
    assert shop.discrepancies() == ["cancel_again_differently"]


def test_a_claim_for_more_than_is_left_is_recorded_once(shop: Shop) -> None:
    cancelled(shop, pieces("1", 5))
    cancelled(shop, pieces("1", 5))
    assert shop.units("1") == {"cancelled": 2}
    assert shop.discrepancies() == ["cancelled_after_handover"]


def test_a_cancel_of_everything_told_line_by_line_afterwards_is_a_repeat(shop: Shop) -> None:
    cancelled(shop)
    cancelled(shop, pieces("1", 2))
    cancelled(shop, pieces("2", 2))
    assert (shop.units("1"), shop.units("2")) == ({"cancelled": 2}, {"cancelled": 2})
    assert shop.discrepancies() == []


def test_a_cancel_request_told_line_by_line_holds_every_line_back(shop: Shop) -> None:
    shop.send("cancel-requested", **O1, request_id="r1", lines=[pieces("1")])
    shop.send("cancel-requested", **O1, request_id="r1", lines=[pieces("2")])
    request: dict[str, Any] = {"quality_check": {"passed": True, "by": "choi"}, "shipment_id": "s1"}
    refused = shop.send("pack-requested", **O1, **request, lines=[pieces("2", 2)])
    assert (refused.state, refused.rule) == ("refused", "more_than_allocated")
    (row,) = shop.rows("cancel_inbox")
    assert (row.state, row.pieces, row.pending) == ("waiting", 2, {"1": 1, "2": 1})
    shop.send("cancel-decision-requested", **O1, request_id="r1", approve=True)
    assert (shop.units("1"), shop.units("2")) == ({"allocated": 1, "cancelled": 1},) * 2


def test_a_parcel_told_line_by_line_takes_every_line_out_of_stock(shop: Shop) -> None:
    shop.send("shipment-dispatched", **O1, shipment_id="s1", lines=[pieces("1", 2)], carrier="CJGLS")
    shop.send("shipment-dispatched", f"{DAY}T10:01", **O1, shipment_id="s1", lines=[pieces("2", 2)])
    assert (shop.units("1"), shop.units("2")) == ({"in_transit": 2}, {"in_transit": 2})
    assert (shop.on_hand("CHAIR"), shop.on_hand("TABLE")) == (0, 0)
    (parcel,) = shop.rows("parcels")
    assert (parcel.contents, parcel.carrier) == ({"1": 2, "2": 2}, "CJGLS")
    shop.send("shipment-tracked", f"{DAY}T18:00", **O1, shipment_id="s1", status="delivered")
    assert (shop.units("1"), shop.units("2")) == ({"delivered": 2}, {"delivered": 2})
    assert shop.discrepancies() == []


def test_a_parcel_told_with_fewer_pieces_contradicts_what_was_told(shop: Shop) -> None:
    shop.send("shipment-dispatched", **O1, shipment_id="s1", lines=[pieces("1", 2)])
    shop.send("shipment-dispatched", **O1, shipment_id="s1", lines=[pieces("1", 1)])
    assert shop.units("1") == {"in_transit": 2}
    assert shop.discrepancies() == ["dispatch_again_differently"]


def test_a_packing_told_line_by_line_packs_every_line(shop: Shop) -> None:
    shop.send("shipment-packed", **O1, shipment_id="s1", lines=[pieces("1", 2)])
    shop.send("shipment-packed", **O1, shipment_id="s1", lines=[pieces("2", 1)])
    assert (shop.units("1"), shop.units("2")) == ({"packed": 2}, {"allocated": 1, "packed": 1})
    shop.send("shipment-dispatched", **O1, shipment_id="s1")
    assert (shop.units("1"), shop.units("2")) == ({"in_transit": 2}, {"allocated": 1, "in_transit": 1})


def test_another_amount_of_the_same_payment_is_a_discrepancy(shop: Shop) -> None:
    shop.send("order-paid", **O1, payment_id="p1", amount=60_000)
    assert shop.discrepancies() == []
    shop.send("order-paid", **O1, payment_id="p1", amount=20_000)
    shop.send("order-paid", **O1, payment_id="p1", amount=20_000)
    assert (shop.order().captured, shop.discrepancies()) == (60_000, ["payment_again_differently"])


def test_another_amount_of_the_same_refund_is_a_discrepancy(shop: Shop) -> None:
    for amount in (100, 100, 900, 900):
        shop.send("refund-recorded", **O1, refund_id="f1", amount=amount, cause="goodwill")
    assert (shop.order().refunded, shop.discrepancies()) == (100, ["refund_again_differently"])


def test_a_buyer_who_changes_a_review_is_heard(shop: Shop) -> None:
    shop.send("review-posted", f"{DAY}T12:00", **O1, review_id="v1", score=1)
    shop.send("review-posted", f"{DAY}T13:00", **O1, review_id="v1", score=5)
    (row,) = shop.rows("order_status")
    assert row.review_score == 5


def test_a_cancel_told_before_its_line_waits_for_the_line(shop: Shop) -> None:
    waiting = shop.send(
        "order-cancelled", **O1, cancellation_id="c9", reason="customer_request", lines=[pieces("3")]
    )
    assert waiting.state == "parked"
    lamp = {"line": "3", "sku": "LAMP", "pieces": 1}
    shop.send("order-amended", **O1, amendment_id="a1", lines=[lamp])
    assert shop.units("3") == {"cancelled": 1}


def test_a_parcel_that_left_after_all_was_cancelled_holds_what_was_cancelled(shop: Shop) -> None:
    cancelled(shop)
    shop.send("shipment-dispatched", f"{DAY}T12:00", **O1, shipment_id="s1")
    assert (shop.units("1"), shop.units("2")) == ({"in_transit": 2}, {"in_transit": 2})
    assert shop.on_hand("CHAIR") == 0
    assert "dispatched_after_cancel" in shop.discrepancies()


def test_a_cancel_and_a_dispatch_that_name_no_lines_end_alike_in_either_order() -> None:
    ends: list[Any] = []
    for kinds in (("order-cancelled", "shipment-dispatched"), ("shipment-dispatched", "order-cancelled")):
        shop = Shop()
        shop.receive("CHAIR", 2)
        shop.place(ordered(2))
        fields: dict[str, dict[str, Any]] = {
            "order-cancelled": {"cancellation_id": "c1", "reason": "customer_request"},
            "shipment-dispatched": {"shipment_id": "s1"},
        }
        for kind in kinds:
            shop.send(kind, f"{DAY}T12:00", **O1, **fields[kind])
        (row,) = shop.rows("order_status")
        ends.append((shop.units(), shop.on_hand("CHAIR"), row.status, shop.broken_invariants()))
    assert ends == [({"in_transit": 2}, 0, "shipped", [])] * 2


def test_a_dispatch_without_lines_leaves_what_was_cancelled_at_home(shop: Shop) -> None:
    cancelled(shop, pieces("1", 2))
    shop.send("shipment-dispatched", f"{DAY}T12:00", **O1, shipment_id="s1")
    assert (shop.units("1"), shop.units("2")) == ({"cancelled": 2}, {"in_transit": 2})
    assert shop.discrepancies() == []


@pytest.mark.parametrize(
    ("first", "second", "answer"), [(False, True, "rejected"), (True, False, "approved")]
)
def test_a_request_answered_one_way_cannot_be_answered_the_other(
    shop: Shop, first: bool, second: bool, answer: str
) -> None:
    shop.send("cancel-requested", **O1, request_id="r1", lines=[pieces("1")])
    shop.send("cancel-decision-requested", **O1, request_id="r1", approve=first)
    assert shop.send("cancel-decision-requested", **O1, request_id="r1", approve=first).state == "accepted"
    refused = shop.send("cancel-decision-requested", **O1, request_id="r1", approve=second)
    assert (refused.state, refused.rule, refused.data["answer"]) == ("refused", "request_answered", answer)


def test_a_wish_to_pack_more_into_a_parcel_packs_it(shop: Shop) -> None:
    wish: dict[str, Any] = {"quality_check": {"passed": True, "by": "choi"}, "shipment_id": "s1"}
    shop.send("pack-requested", **O1, **wish, lines=[pieces("1", 2)])
    assert shop.send("pack-requested", **O1, **wish, lines=[pieces("2", 2)]).state == "accepted"
    assert (shop.units("1"), shop.units("2")) == ({"packed": 2}, {"packed": 2})


def test_a_cancel_stated_again_for_another_reason_contradicts_the_first() -> None:
    """The first reason stays; who looks into it must know of the other."""
    shop = Shop()
    shop.receive("CHAIR", 2)
    shop.place(ordered(2))
    one = {"cancellation_id": "c1", "lines": [{"line": "1", "pieces": 1}]}
    for reason in ("customer_request", "out_of_stock", "out_of_stock"):
        shop.send("order-cancelled", **O1, **one, reason=reason)
    assert shop.discrepancies() == ["cancel_again_differently"]
    (found,) = shop.events("OrderDiscrepancyDetected")
    assert (found.expected, found.observed) == ("1: customer_request (fault: customer)", "1: out_of_stock")
    wish = shop.send("cancellation-requested", **O1, **one, reason="out_of_stock")
    assert (wish.state, shop.units()) == ("refused", {"allocated": 1, "cancelled": 1})


def test_the_lines_of_a_cancel_may_have_reasons_of_their_own() -> None:
    shop = Shop()
    shop.receive("CHAIR", 2)
    shop.place(ordered(1), ordered(1, "2"))
    for line, reason in (("1", "customer_request"), ("2", "out_of_stock"), ("1", "customer_request")):
        lines = [{"line": line, "pieces": 1}]
        shop.send("order-cancelled", **O1, cancellation_id="c1", lines=lines, reason=reason)
    assert (shop.discrepancies(), shop.order().lines["2"].units["cancelled"]) == ([], 1)


FULL: dict[str, Any] = {
    "currency": "KRW",
    "lines": [ordered(1, ship_by=f"{DAY}T18:00:00+09:00")],
    "shipping_fee": 3_000,
    "free_shipping_from": 50_000,
    "promise_at": "2026-03-12T00:00:00+09:00",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shipping_fee", 2_500),
        ("free_shipping_from", 30_000),
        ("dispatch_type", "same_day"),
        ("payment", "cash_on_delivery"),
        ("promise_at", "2026-03-13T00:00:00+09:00"),
        ("ship_by of line 1", [ordered(1, ship_by="2026-03-10T18:00:00+09:00")]),
        ("promise_at of line 1", [ordered(1, promise_at="2026-03-14T00:00:00+09:00")]),
    ],
)
def test_an_order_stated_again_with_another_limit_or_fee_is_a_discrepancy(field: str, value: Any) -> None:
    shop = Shop()
    shop.send("order-placed", **O1, **FULL)
    shop.send("order-placed", **O1, **FULL)
    shop.send("order-placed", **O1, currency="KRW", lines=[ordered(1)])  # what is left out states nothing
    assert shop.discrepancies() == []
    changes = {"lines" if "line" in field else field: value}
    for _ in range(2):
        shop.send("order-placed", **O1, **FULL | changes)
    (found,) = shop.events("OrderDiscrepancyDetected")
    assert (found.kind, found.subject) == ("placed_again_differently", field)


def test_an_amendment_with_another_limit_of_a_line_is_a_discrepancy() -> None:
    shop = Shop()
    shop.send("order-placed", **O1, **FULL)
    later = [ordered(1, ship_by="2026-03-10T18:00:00+09:00")]
    shop.send("order-amended", f"{DAY}T11:00", **O1, amendment_id="a1", lines=later)
    assert shop.discrepancies() == ["amended_again_differently"]


@pytest.mark.parametrize(
    ("kind", "contradiction"),
    [
        ("shipment-packed", "pack_again_differently"),
        ("shipment-dispatched", "dispatch_again_differently"),
    ],
)
def test_a_parcel_stated_again_at_another_location_is_a_discrepancy(
    kind: str, contradiction: str, shop: Shop
) -> None:
    parcel = {"shipment_id": "s1", "lines": [pieces("1")]}
    for location in ("main", None, "busan", "busan"):
        shop.send(kind, **O1, **parcel, **({"location": location} if location else {}))
    assert shop.discrepancies() == [contradiction]


def test_a_wish_to_pack_or_dispatch_a_parcel_from_another_location_is_refused_once_it_is_done(
    shop: Shop,
) -> None:
    passed = {"quality_check": {"passed": True, "by": "lee"}}
    parcel = {"shipment_id": "s1", "lines": [pieces("1")], **passed}
    assert shop.send("pack-requested", **O1, **parcel).state == "accepted"
    again = shop.send("pack-requested", **O1, **parcel, location="busan")
    assert (again.state, again.rule) == ("refused", "packed_differently")
    assert shop.send("dispatch-requested", **O1, shipment_id="s1").state == "accepted"
    again = shop.send("dispatch-requested", **O1, shipment_id="s1", location="busan")
    assert (again.state, again.rule) == ("refused", "dispatched_elsewhere")


def test_a_payment_stated_again_as_one_in_full_is_a_discrepancy() -> None:
    shop = Shop()
    shop.place(ordered(2), paid=False)
    for in_full in (False, False, True, True):
        shop.send("order-paid", **O1, payment_id="p1", amount=10_000, in_full=in_full)
    assert shop.discrepancies() == ["payment_again_differently"]


def test_a_cancel_stated_again_with_another_fault_contradicts_the_first(shop: Shop) -> None:
    cancel = {"cancellation_id": "c1", "lines": [pieces("1")], "reason": "address_error"}
    for fault in ("customer", None, "seller", "seller"):
        shop.send("order-cancelled", **O1, **cancel, **({"fault": fault} if fault else {}))
    assert shop.discrepancies() == ["cancel_again_differently"]
