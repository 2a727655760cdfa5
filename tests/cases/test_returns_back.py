"""Goods that come back in any way: each piece is on sale at most once per time that it came back."""

from typing import Any

import pytest

from tests.cases.shop import O1, Shop, ordered


def delivered(count: int = 1, sold: int | None = None) -> Shop:
    """O1 has `count` chairs, and they have arrived."""
    shop = Shop()
    shop.receive("CHAIR", sold or count)
    shop.place(ordered(count), at="2026-03-02T10:00")
    shop.send("shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-04T10:00", **O1, shipment_id="s1", status="delivered")
    return shop


def pieces(count: int, line: str = "1") -> list[dict[str, Any]]:
    return [{"line": line, "pieces": count}]


def ask_back(shop: Shop, return_id: str, count: int = 1, at: str = "2026-03-05T10:00") -> Any:
    return shop.send(
        "return-requested", at, **O1, return_id=return_id, lines=pieces(count), reason="changed_mind"
    )


def reject(shop: Shop, return_id: str, at: str = "2026-03-05T11:00") -> Any:
    return shop.send("return-decision-requested", at, return_id=return_id, approve=False)


def receive(shop: Shop, return_id: str, at: str = "2026-03-08T10:00", **fields: Any) -> Any:
    return shop.send("return-received", at, return_id=return_id, **fields)


def inspect(
    shop: Shop,
    return_id: str,
    count: int = 1,
    *,
    condition: str = "new",
    disposition: str = "restock",
    name: str = "i1",
    at: str = "2026-03-08T12:00",
) -> Any:
    unit = {**pieces(count)[0], "condition": condition, "disposition": disposition}
    return shop.send("return-inspected", at, return_id=return_id, inspection_id=name, units=[unit])


def quarantine(shop: Shop, sku: str = "CHAIR") -> int:
    return sum(balance.quarantine for balance in shop.stock(sku).balances.values())


def test_a_rejected_return_that_arrives_is_on_sale_once_and_cannot_be_returned_again() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    reject(shop, "r1")
    receive(shop, "r1")
    refused = ask_back(shop, "r2", at="2026-03-08T11:00")
    assert (refused.state, refused.rule) == ("refused", "more_than_returnable")
    inspect(shop, "r1")
    refused = ask_back(shop, "r2", at="2026-03-09T10:00")
    assert (refused.state, refused.rule) == ("refused", "more_than_returnable")
    shop.pass_time("2026-03-30T00:00")
    (row,) = shop.rows("return_status")
    assert (row.state, row.received, row.restocked, row.overdue) == ("inspected", 1, 1, False)
    assert row.refund_due_at is None
    assert (shop.on_hand("CHAIR"), quarantine(shop)) == (1, 0)
    assert shop.discrepancies() == ["received_after_closing"]
    assert shop.broken_invariants() == []


@pytest.mark.parametrize("first", ["r1", "r2"])
def test_of_two_returns_of_one_piece_that_both_arrive_one_is_no_piece_of_the_order(first: str) -> None:
    shop = delivered()
    ask_back(shop, "r1")
    reject(shop, "r1")
    ask_back(shop, "r2", at="2026-03-06T10:00")
    for name in ("r1", "r2") if first == "r1" else ("r2", "r1"):
        receive(shop, name)
        inspect(shop, name)
    assert (shop.on_hand("CHAIR"), quarantine(shop)) == (1, 0)
    assert shop.order().lines["1"].returned == 1
    assert "returned_more_than_sent" in shop.discrepancies()
    assert shop.broken_invariants() == []


def test_more_pieces_than_the_return_named_come_back_once() -> None:
    shop = delivered(3)
    ask_back(shop, "r1")
    receive(shop, "r1", lines=pieces(2))
    receive(shop, "r1", lines=pieces(2))
    assert quarantine(shop) == 2
    inspect(shop, "r1", 2)
    refused = ask_back(shop, "r2", 2, at="2026-03-09T10:00")
    assert (refused.state, refused.data["returnable"]) == ("refused", 1)
    assert (shop.on_hand("CHAIR"), shop.discrepancies()) == (2, ["receipt_differs"])
    assert shop.broken_invariants() == []


def test_more_pieces_than_were_sent_are_not_stock() -> None:
    shop = delivered(2)
    ask_back(shop, "r1", 2)
    receive(shop, "r1", lines=pieces(5))
    inspect(shop, "r1", 5)
    assert (shop.on_hand("CHAIR"), quarantine(shop)) == (2, 0)
    kinds = ["receipt_differs", "returned_more_than_sent", "inspected_more_than_received"]
    assert shop.discrepancies() == kinds
    (discrepancy,) = shop.events("OrderDiscrepancyDetected")
    assert (discrepancy.expected, discrepancy.observed) == ("at most 1: 0", "1: 3")
    assert shop.broken_invariants() == []


def test_a_piece_of_another_line_in_the_box_is_that_line() -> None:
    shop = Shop()
    shop.receive("CHAIR", 1)
    shop.receive("TABLE", 1)
    shop.place(ordered(1), ordered(1, "2", "TABLE"), at="2026-03-02T10:00")
    shop.send("shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-04T10:00", **O1, shipment_id="s1", status="delivered")
    ask_back(shop, "r1")
    receive(shop, "r1", lines=pieces(1, "2"))
    assert (quarantine(shop, "CHAIR"), quarantine(shop, "TABLE")) == (0, 1)
    unit = {**pieces(1, "2")[0], "condition": "new", "disposition": "restock"}
    shop.send("return-inspected", "2026-03-09T12:00", return_id="r1", inspection_id="i1", units=[unit])
    assert (shop.on_hand("TABLE"), shop.order().lines["2"].returned) == (1, 1)
    assert shop.order().lines["1"].return_open == 1
    assert shop.broken_invariants() == []


def test_a_thing_that_nobody_ordered_is_no_stock() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    receive(shop, "r1", lines=pieces(1, "9"))
    receive(shop, "r1", lines=pieces(1, "9"))
    assert quarantine(shop) == 0
    assert shop.discrepancies() == ["receipt_differs", "receipt_differs"]
    unit = {**pieces(1, "9")[0], "condition": "new", "disposition": "restock"}
    shop.send("return-inspected", "2026-03-09T12:00", return_id="r1", inspection_id="i1", units=[unit])
    assert shop.discrepancies()[2:] == ["inspected_more_than_received"]
    assert shop.on_hand("CHAIR") == 0
    assert shop.broken_invariants() == []


def test_a_return_arrives_in_parts() -> None:
    shop = delivered(3)
    ask_back(shop, "r1", 3)
    receive(shop, "r1", receipt_id="p1", lines=pieces(1))
    receive(shop, "r1", receipt_id="p2", lines=pieces(1))
    receive(shop, "r1", receipt_id="p1", lines=pieces(1))
    assert quarantine(shop) == 2
    receive(shop, "r1", receipt_id="p3")
    inspect(shop, "r1", 3)
    assert (shop.on_hand("CHAIR"), shop.discrepancies()) == (3, [])
    assert shop.broken_invariants() == []


def test_a_receipt_told_line_by_line_receives_every_line() -> None:
    shop = Shop()
    shop.receive("CHAIR", 2)
    shop.place(ordered(1, "1"), ordered(1, "2"), at="2026-03-02T10:00")
    shop.send("shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-04T10:00", **O1, shipment_id="s1", status="delivered")
    for line in ("1", "2"):
        fields = {"return_id": "r1", "lines": pieces(1, line), "reason": "changed_mind"}
        shop.send("return-requested", "2026-03-05T10:00", **O1, **fields)
    for line in ("1", "2", "2"):
        receive(shop, "r1", receipt_id="p1", lines=pieces(1, line))
    for line in ("1", "2", "2"):
        unit = {**pieces(1, line)[0], "condition": "new", "disposition": "restock"}
        shop.send("return-inspected", "2026-03-09T12:00", return_id="r1", inspection_id="i1", units=[unit])
    assert (shop.on_hand("CHAIR"), shop.discrepancies()) == (2, [])
    (row,) = shop.rows("return_status")
    assert (row.pieces, row.received, row.restocked) == (2, 2, 2)
    assert shop.broken_invariants() == []


def test_a_receipt_told_again_with_fewer_pieces_contradicts_it() -> None:
    shop = delivered(3)
    ask_back(shop, "r1", 3)
    for count in (3, 2, 2):
        receive(shop, "r1", lines=pieces(count))
    assert (quarantine(shop), shop.discrepancies()) == (3, ["receipt_again_differently"])


def test_an_inspection_told_again_with_fewer_pieces_contradicts_it() -> None:
    shop = delivered(3)
    ask_back(shop, "r1", 3)
    receive(shop, "r1")
    for count in (2, 1, 1):
        inspect(shop, "r1", count)
    assert (shop.on_hand("CHAIR"), shop.discrepancies()) == (2, ["inspection_again_differently"])
    inspect(shop, "r1", 3)
    assert (shop.on_hand("CHAIR"), len(shop.discrepancies())) == (3, 1)
    assert shop.broken_invariants() == []


@pytest.mark.parametrize("condition", ["wrong_item", "defective", "damaged"])
def test_a_piece_that_may_not_be_sold_stays_in_quarantine(condition: str) -> None:
    shop = delivered()
    ask_back(shop, "r1")
    receive(shop, "r1")
    inspect(shop, "r1", condition=condition)
    inspect(shop, "r1", condition=condition)
    assert (shop.on_hand("CHAIR"), quarantine(shop)) == (0, 1)
    assert shop.discrepancies() == [f"{condition}_restocked"]
    inspect(shop, "r1", condition=condition, disposition="scrap", name="i2", at="2026-03-09T12:00")
    (row,) = shop.rows("return_status")
    assert (quarantine(shop), row.state, row.restocked, row.scrapped) == (0, "inspected", 0, 1)
    assert shop.order().lines["1"].returned == 1
    assert shop.broken_invariants() == []


def test_pieces_of_several_conditions_go_where_each_may() -> None:
    shop = delivered(3)
    ask_back(shop, "r1", 3)
    receive(shop, "r1")
    units = [
        {**pieces(1)[0], "condition": "wrong_item", "disposition": "restock"},
        {**pieces(1)[0], "condition": "opened", "disposition": "restock"},
        {**pieces(1)[0], "condition": "damaged", "disposition": "quarantine"},
    ]
    shop.send("return-inspected", "2026-03-09T12:00", return_id="r1", inspection_id="i1", units=units)
    assert (shop.on_hand("CHAIR"), quarantine(shop)) == (1, 2)
    assert shop.discrepancies() == ["wrong_item_restocked"]


STATES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "requested": [],
    "approved": [("return-decision-requested", {"approve": True})],
    "collected": [("return-collected", {})],
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("how", ["rejected by the seller", "rejected", "withdrawn"])
def test_a_return_ends_from_any_state_before_its_receipt(state: str, how: str) -> None:
    shop = delivered(3)
    ask_back(shop, "r1", 2)
    for kind, fields in STATES[state]:
        shop.send(kind, "2026-03-06T10:00", return_id="r1", **fields)
    if how == "rejected by the seller":
        assert reject(shop, "r1", "2026-03-07T10:00").state == "accepted"
    else:
        shop.send("return-decided", "2026-03-07T10:00", return_id="r1", decision=how)
    (row,) = shop.rows("return_status")
    assert row.state == how.split(" ", maxsplit=1)[0]
    assert ask_back(shop, "r2", 3, at="2026-03-07T11:00").state == "accepted"
    assert shop.broken_invariants() == []


def test_the_goods_of_a_withdrawn_return_that_arrive_are_no_new_debt() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    shop.send("return-collected", "2026-03-06T10:00", return_id="r1")
    shop.send("return-decided", "2026-03-07T10:00", return_id="r1", decision="withdrawn")
    receive(shop, "r1")
    shop.pass_time("2026-03-30T00:00")
    (row,) = shop.rows("return_status")
    assert (row.state, row.overdue, row.withdrawn_at is not None) == ("received", False, True)
    assert ask_back(shop, "r2", at="2026-03-09T10:00").rule == "more_than_returnable"
    inspect(shop, "r1")
    assert shop.on_hand("CHAIR") == 1
    assert shop.broken_invariants() == []


def test_a_withdrawal_told_after_the_receipt_ends_alike() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    receive(shop, "r1")
    shop.send("return-decided", "2026-03-07T10:00", return_id="r1", decision="withdrawn")
    shop.pass_time("2026-03-30T00:00")
    (row,) = shop.rows("return_status")
    assert (row.state, row.overdue, row.refund_due_at) == ("received", False, None)
    assert ask_back(shop, "r2", at="2026-03-09T10:00").rule == "more_than_returnable"
    assert shop.broken_invariants() == []


def test_a_return_that_the_channel_approved_is_no_longer_open() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    shop.send("return-decided", "2026-03-05T12:00", return_id="r1", decision="approved")
    shop.send("return-decided", "2026-03-05T12:00", return_id="r1", decision="approved")
    (row,) = shop.rows("return_status")
    assert row.state == "approved"
    assert shop.discrepancies() == []


def test_a_withdrawn_return_is_neither_approved_nor_rejected_by_the_seller() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    shop.send("return-decided", "2026-03-05T12:00", return_id="r1", decision="withdrawn")
    for approve in (True, False):
        refused = shop.send("return-decision-requested", "2026-03-05T13:00", return_id="r1", approve=approve)
        assert (refused.state, refused.rule) == ("refused", "not_in_state")
    again = ask_back(shop, "r1", at="2026-03-06T10:00")
    assert (again.state, again.rule) == ("refused", "return_opened_differently")


def test_an_approval_of_what_was_rejected_is_a_discrepancy() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    reject(shop, "r1")
    for _ in range(2):
        shop.send("return-decided", "2026-03-06T12:00", return_id="r1", decision="approved")
    (row,) = shop.rows("return_status")
    assert (row.state, shop.discrepancies()) == ("rejected", ["approved_after_closing"])


def busan(count: int) -> Shop:
    shop = Shop()
    shop.send("stock-received", receipt_id="in-1", sku="CHAIR", pieces=count, location="busan")
    shop.place(ordered(1), at="2026-03-02T10:00")
    shop.send("shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-04T10:00", **O1, shipment_id="s1", status="delivered")
    return shop


@pytest.mark.parametrize(("location", "at"), [(None, "busan"), ("seoul", "seoul"), ("main", "main")])
@pytest.mark.parametrize("is_rejected", [False, True])
def test_a_piece_goes_back_to_the_place_named_or_the_one_it_left_from(
    location: str | None, at: str, is_rejected: bool
) -> None:
    shop = busan(3)
    ask_back(shop, "r1")
    if is_rejected:
        reject(shop, "r1")
    receive(shop, "r1", **({} if location is None else {"location": location}))
    assert shop.stock("CHAIR").balances[at].quarantine == 1
    inspect(shop, "r1")
    on_hand = {"busan": 2}
    on_hand[at] = on_hand.get(at, 0) + 1
    assert {name: balance.on_hand for name, balance in shop.stock("CHAIR").balances.items()} == on_hand
    assert quarantine(shop) == 0
    assert shop.broken_invariants() == []


def test_a_piece_sent_before_anybody_promised_it_goes_back_to_where_it_left_from() -> None:
    shop = Shop()
    shop.send("stock-received", receipt_id="in-1", sku="CHAIR", pieces=3, location="busan")
    shop.place(ordered(1), at="2026-03-02T10:00", paid=False)
    shop.send("shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-04T10:00", **O1, shipment_id="s1", status="delivered")
    ask_back(shop, "r1")
    receive(shop, "r1")
    inspect(shop, "r1")
    assert shop.stock("CHAIR").balances["busan"].on_hand == 3


def test_a_receipt_told_again_at_another_location_contradicts_it() -> None:
    shop = delivered()
    ask_back(shop, "r1")
    for location in ("main", None, "busan", "busan"):
        receive(shop, "r1", receipt_id="g1", **({"location": location} if location else {}))
    assert shop.discrepancies() == ["receipt_at_another_location"]
    assert shop.broken_invariants() == []


@pytest.mark.parametrize("change", [{"reason": "defect"}, {"resolution": "exchange"}])
def test_a_return_that_is_open_does_not_change_its_reason(change: dict[str, Any]) -> None:
    """The wish would change nothing, so it is refused."""
    shop = delivered()
    ask_back(shop, "r1")
    assert ask_back(shop, "r1").state == "accepted"
    wish = {"return_id": "r1", "lines": pieces(1), "reason": "changed_mind"}
    again = shop.send("return-requested", "2026-03-05T12:00", **O1, **wish | change)
    assert (again.state, again.rule) == ("refused", "return_opened_differently")
