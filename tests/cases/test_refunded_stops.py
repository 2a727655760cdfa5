"""The buyer asks to stop a parcel and has the money back at once; the parcel leaves all the same."""

from typing import Any

import pytest

from tests.cases.shop import DAY, O1, Shop, ordered

STOP = f"{DAY}T12:00"
AT_THE_SELLERS_COST = [("ru1", 2, "seller", 20_000)]


def pieces(count: int, line: str = "1") -> list[dict[str, Any]]:
    return [{"line": line, "pieces": count}]


def packed(count: int = 3, shipping_fee: int = 0) -> Shop:
    """O1 has so many chairs; they are packed in s1."""
    shop = Shop()
    shop.receive("CHAIR", count)
    lines, price = [ordered(count)], count * 10_000 + shipping_fee
    shop.send("order-placed", f"{DAY}T10:00", **O1, currency="KRW", lines=lines, shipping_fee=shipping_fee)
    shop.send("order-paid", f"{DAY}T10:00", **O1, payment_id="p1", amount=price)
    parcel = {"shipment_id": "s1", "quality_check": {"passed": True, "by": "choi"}}
    shop.send("pack-requested", f"{DAY}T11:00", **O1, **parcel, lines=pieces(count))
    return shop


def stop(shop: Shop, count: int = 2, request_id: str = "ru1", binding: str = "refunded_already") -> None:
    facts = {"request_id": request_id, "binding": binding, "lines": pieces(count)}
    shop.send("cancel-requested", STOP, **O1, **facts)


def reject(shop: Shop, request_id: str = "ru1") -> None:
    answer = {"request_id": request_id, "approve": False, "reason": "already shipped"}
    shop.send("cancel-decision-requested", f"{DAY}T12:10", **O1, **answer)


def dispatch(shop: Shop, **fields: Any) -> str:
    return shop.send("dispatch-requested", f"{DAY}T12:20", **O1, shipment_id="s1", **fields).state


def leave(shop: Shop, shipment_id: str = "s1", *lines: dict[str, Any]) -> None:
    shop.send("shipment-dispatched", f"{DAY}T12:20", **O1, shipment_id=shipment_id, lines=list(lines))


def returned(shop: Shop) -> list[tuple[str, int, str, int]]:
    return [(row.return_id, row.pieces, row.payer, row.receivable) for row in shop.rows("return_status")]


def test_a_rejected_stop_becomes_a_return_at_the_sellers_cost_when_the_parcel_leaves() -> None:
    shop = packed()
    stop(shop)
    reject(shop)
    assert returned(shop) == []
    assert dispatch(shop) == "accepted"
    (row,) = shop.rows("cancel_inbox")
    assert (row.state, row.payer) == ("rejected", "seller")
    assert returned(shop) == AT_THE_SELLERS_COST
    assert shop.broken_invariants() == []


def test_a_stop_that_the_channel_rejects_costs_the_seller_too() -> None:
    shop = packed()
    stop(shop)
    shop.send("cancel-request-closed", f"{DAY}T12:10", **O1, request_id="ru1", answer="rejected")
    (row,) = shop.rows("cancel_inbox")
    assert (row.state, row.payer) == ("rejected", "seller")


def test_the_shipping_fee_of_what_the_buyer_keeps_is_not_given_back() -> None:
    shop = packed(shipping_fee=3_000)
    stop(shop)
    leave(shop)
    assert returned(shop) == AT_THE_SELLERS_COST


def test_overriding_the_stop_at_dispatch_costs_the_same() -> None:
    shop = packed()
    stop(shop)
    assert dispatch(shop) == "refused"
    assert dispatch(shop, override={"operator": "kim", "reason": "on the truck"}) == "accepted"
    assert [row.payer for row in shop.rows("cancel_inbox")] == ["seller"]
    assert returned(shop) == AT_THE_SELLERS_COST


def test_a_parcel_that_left_despite_the_stop_becomes_a_return_too() -> None:
    shop = packed()
    stop(shop)
    leave(shop)
    assert shop.discrepancies() == ["dispatched_with_cancel_pending"]
    assert returned(shop) == AT_THE_SELLERS_COST


def test_a_parcel_that_the_carrier_already_has_becomes_a_return_too() -> None:
    shop = packed()
    stop(shop)
    shop.send("shipment-tracked", f"{DAY}T12:30", **O1, shipment_id="s1", status="in_transit")
    assert returned(shop) == AT_THE_SELLERS_COST


def test_a_stop_of_a_parcel_that_has_left_is_a_return_at_once() -> None:
    shop = packed()
    leave(shop)
    stop(shop)
    stop(shop)
    assert returned(shop) == AT_THE_SELLERS_COST
    assert shop.broken_invariants() == []


def test_the_pieces_come_back_and_nothing_more_is_to_be_refunded() -> None:
    shop = packed()
    stop(shop)
    shop.send("refund-recorded", STOP, **O1, refund_id="f", amount=20_000, cause="cancel")
    reject(shop)
    dispatch(shop)
    shop.send("return-received", "2026-03-12T10:00", return_id="ru1")
    units = [{**pieces(2)[0], "condition": "new", "disposition": "restock"}]
    shop.send("return-inspected", "2026-03-12T11:00", return_id="ru1", inspection_id="i1", units=units)
    shop.pass_time("2026-04-30T10:00")
    (row,) = shop.rows("return_status")
    assert (row.state, row.received, row.receivable, row.overdue) == ("inspected", 2, 0, False)
    assert row.refund_due_at is None
    assert (shop.order().refunded, shop.order().returns_to_refund) == (20_000, ())
    assert (shop.on_hand("CHAIR"), shop.discrepancies(), shop.broken_invariants()) == (2, [], [])


def test_a_receipt_that_comes_before_the_dispatch_waits_for_it() -> None:
    shop = packed()
    stop(shop)
    reject(shop)
    shop.send("return-received", "2026-03-12T10:00", return_id="ru1")
    dispatch(shop)
    (row,) = shop.rows("return_status")
    assert (row.received, row.receivable) == (2, 0)


def test_of_a_line_that_leaves_in_parts_the_pieces_that_the_buyer_keeps_leave_first() -> None:
    shop = Shop()
    shop.receive("CHAIR", 3)
    shop.place(ordered(3))
    stop(shop)
    reject(shop)
    leave(shop, "s1", *pieces(1))
    assert returned(shop) == []
    leave(shop, "s2", *pieces(1))
    assert returned(shop) == [("ru1", 1, "seller", 10_000)]
    leave(shop, "s3", *pieces(1))
    assert returned(shop) == AT_THE_SELLERS_COST
    assert shop.broken_invariants() == []


def test_two_stops_of_a_line_become_two_returns() -> None:
    shop = packed()
    for request_id in ("ru1", "ru2"):
        stop(shop, 1, request_id)
        reject(shop, request_id)
    dispatch(shop)
    assert returned(shop) == [("ru1", 1, "seller", 10_000), ("ru2", 1, "seller", 10_000)]
    assert shop.broken_invariants() == []


@pytest.mark.parametrize("first", ["stop", "return"])
def test_a_return_that_the_channel_reports_itself_is_the_same_one(first: str) -> None:
    """Coupang shows a stop request in its list of returns, too, with the same id."""
    shop = packed()
    back = {"return_id": "ru1", "lines": pieces(2), "reason": "changed_mind", "origin": "channel"}
    if first == "stop":
        stop(shop)
        reject(shop)
        dispatch(shop)
    else:
        leave(shop)
    shop.send("return-requested", f"{DAY}T13:00", **O1, **back)
    if first == "return":
        stop(shop)
    assert [(row.return_id, row.pieces) for row in shop.rows("return_status")] == [("ru1", 2)]


def approve(shop: Shop) -> None:
    answer = {"request_id": "ru1", "approve": True}
    shop.send("cancel-decision-requested", f"{DAY}T12:10", **O1, **answer)


def withdraw(shop: Shop) -> None:
    shop.send("cancel-request-closed", f"{DAY}T12:10", **O1, request_id="ru1", answer="withdrawn")


@pytest.mark.parametrize(
    ("binding", "answer"),
    [("refunded_already", approve), ("refunded_already", withdraw), ("rejectable", reject)],
    ids=["stopped in time", "withdrawn", "not refunded"],
)
def test_other_answers_make_no_return(binding: str, answer: Any) -> None:
    shop = packed()
    stop(shop, binding=binding)
    answer(shop)
    leave(shop)
    assert (returned(shop), [row.payer for row in shop.rows("cancel_inbox")]) == ([], [None])


def test_what_the_channel_cancels_of_a_stop_is_no_return() -> None:
    shop = packed()
    stop(shop)
    cancel = {"cancellation_id": "k", "request_id": "ru1", "reason": "customer_request"}
    shop.send("order-cancelled", f"{DAY}T12:05", **O1, **cancel, lines=pieces(1), initiator="customer")
    leave(shop)
    assert returned(shop) == [("ru1", 1, "seller", 10_000)]
    assert shop.broken_invariants() == []


def test_two_stops_of_a_line_that_leaves_in_parts_become_returns_one_after_the_other() -> None:
    shop = Shop()
    shop.receive("CHAIR", 3)
    shop.place(ordered(3))
    for request_id in ("ru1", "ru2"):
        stop(shop, 1, request_id)
        reject(shop, request_id)
    leave(shop, "s1", *pieces(2))
    assert returned(shop) == [("ru1", 1, "seller", 10_000)]
    leave(shop, "s2", *pieces(1))
    assert returned(shop) == [("ru1", 1, "seller", 10_000), ("ru2", 1, "seller", 10_000)]
    assert shop.broken_invariants() == []


def test_pieces_that_come_back_by_another_return_do_not_come_back_twice() -> None:
    shop = packed()
    leave(shop)
    back = {"return_id": "r1", "lines": pieces(3), "reason": "changed_mind"}
    shop.send("return-requested", f"{DAY}T13:00", **O1, **back)
    stop(shop)
    assert [(row.return_id, row.pieces) for row in shop.rows("return_status")] == [("r1", 3)]
    assert shop.broken_invariants() == []
