"""Each channel numbers its returns by itself, so two of them may give the same id."""

from typing import Any

import pytest

from tests.cases.shop import Shop, ordered
from tests.messages import message

A: dict[str, Any] = {"channel": "naver", "order_id": "A"}
B: dict[str, Any] = {"channel": "coupang", "order_id": "B"}
C: dict[str, Any] = {"channel": "coupang", "account": "second", "order_id": "C"}
GOODS = {"A": "CHAIR", "B": "DESK", "C": "LAMP"}


def shop_of(*orders: dict[str, Any]) -> Shop:
    """One piece of its own goods in each order; all are delivered."""
    shop = Shop()
    for order in orders:
        name = order["order_id"]
        shop.receive(GOODS[name], 1)
        lines = [ordered(1, sku=GOODS[name])]
        shop.send("order-placed", "2026-03-02T10:00", **order, currency="KRW", lines=lines)
        shop.send("order-paid", "2026-03-02T10:01", **order, payment_id="p", amount=10_000)
        shop.send("shipment-dispatched", "2026-03-03T10:00", **order, shipment_id="s")
        shop.send("shipment-tracked", "2026-03-04T10:00", **order, shipment_id="s", status="delivered")
    return shop


def ask_back(shop: Shop, order: dict[str, Any]) -> None:
    back = {"return_id": "1001", "lines": [{"line": "1", "pieces": 1}], "reason": "changed_mind"}
    shop.send("return-requested", "2026-03-05T10:00", **order, **back)


def of(order: dict[str, Any]) -> dict[str, Any]:
    """What names the return of an order."""
    return {**{name: order[name] for name in ("channel", "account") if name in order}, "return_id": "1001"}


def come_back(shop: Shop, order: dict[str, Any]) -> None:
    shop.send("return-received", "2026-03-06T12:00", **of(order))
    units = [{"line": "1", "pieces": 1, "condition": "new", "disposition": "restock"}]
    shop.send("return-inspected", "2026-03-06T13:00", **of(order), inspection_id="i", units=units)
    paid = {"refund_id": "f", "amount": 10_000, "cause": "return", "return_id": "1001"}
    shop.send("refund-recorded", "2026-03-06T14:00", **order, **paid)


def states(shop: Shop) -> dict[str | None, tuple[str, str, str, int, int]]:
    """What is known of each return, by its order."""
    return {
        row.order_id: (row.return_id, row.channel, row.state, row.restocked, row.refunded)
        for row in shop.rows("return_status")
    }


@pytest.mark.parametrize("first", [A, B, C], ids=lambda order: order["order_id"])
@pytest.mark.parametrize("returned", [A, B, C], ids=lambda order: order["order_id"])
def test_only_the_goods_of_the_return_that_is_named_come_back(
    first: dict[str, Any], returned: dict[str, Any]
) -> None:
    orders = [first, *(order for order in (A, B, C) if order is not first)]
    shop = shop_of(*orders)
    for order in orders:
        ask_back(shop, order)
    come_back(shop, returned)
    name = returned["order_id"]
    left = {other["order_id"] for other in orders} - {name}
    assert states(shop) == {
        name: ("1001", returned["channel"], "refunded", 1, 10_000),
        **{other["order_id"]: ("1001", other["channel"], "requested", 0, 0) for other in orders
           if other is not returned},
    }  # fmt: skip
    assert [shop.on_hand(GOODS[one]) for one in (name, *sorted(left))] == [1, 0, 0]
    assert (shop.discrepancies(), shop.broken_invariants()) == ([], [])


def from_channel(shop: Shop, source: str, kind: str = "return-received", **data: Any) -> str:
    """A message that names no channel: the state of its outcome."""
    body = {"return_id": "1001", **data}
    raw = message(kind, body, id=f"x-{len(shop.outcomes)}", at="2026-03-06T12:00:00+09:00", source=source)
    return shop.send_raw(raw).state


@pytest.mark.parametrize("channel", ["naver", "coupang"])
def test_a_channel_that_sends_the_message_itself_means_its_own_return(channel: str) -> None:
    shop = shop_of(A, B)
    ask_back(shop, A)
    ask_back(shop, B)
    from_channel(shop, channel)
    came_back = {row.channel: row.received for row in shop.rows("return_status")}
    assert came_back == {"naver": 0, "coupang": 0, channel: 1}


def test_where_nothing_tells_which_return_is_meant_none_changes() -> None:
    shop = shop_of(A, B)
    ask_back(shop, A)
    ask_back(shop, B)
    assert from_channel(shop, "warehouse") == "accepted"
    assert {row.channel: row.received for row in shop.rows("return_status")} == {"naver": 0, "coupang": 0}
    assert shop.discrepancies() == ["several_returns_have_this_id"]
    wish = shop.send("return-decision-requested", "2026-03-06T12:00", return_id="1001", approve=True)
    assert (wish.state, wish.rule) == ("refused", "several_returns_have_this_id")
    assert shop.broken_invariants() == []


def test_a_return_whose_id_is_its_own_needs_no_channel() -> None:
    shop = shop_of(A, B)
    ask_back(shop, A)
    assert from_channel(shop, "warehouse") == "accepted"
    ask_back(shop, B)
    assert {row.channel: row.received for row in shop.rows("return_status")} == {"naver": 1, "coupang": 0}


def test_what_is_told_before_its_return_waits_for_that_return() -> None:
    """Coupang's receipt comes first, then the return of naver with the same id."""
    shop = shop_of(A, B)
    come_back(shop, B)
    assert shop.discrepancies() == ["refund_of_unknown_return"]
    ask_back(shop, A)
    assert states(shop) == {"A": ("1001", "naver", "requested", 0, 0)}
    shop.send("return-received", "2026-03-06T12:00", **of(A))
    ask_back(shop, B)
    assert states(shop)["B"] == ("1001", "coupang", "refunded", 1, 10_000)
    assert states(shop)["A"] == ("1001", "naver", "received", 0, 0)
    assert [shop.on_hand("CHAIR"), shop.on_hand("DESK")] == [0, 1]
    assert shop.broken_invariants() == []


def test_an_early_receipt_reaches_the_first_return_with_its_id() -> None:
    shop = shop_of(A, B)
    come_back(shop, B)
    ask_back(shop, B)
    ask_back(shop, A)
    assert states(shop)["B"] == ("1001", "coupang", "refunded", 1, 10_000)
    assert states(shop)["A"] == ("1001", "naver", "requested", 0, 0)


def test_pieces_that_come_back_after_a_rejection_go_to_their_own_order() -> None:
    shop = shop_of(A, B)
    ask_back(shop, A)
    ask_back(shop, B)
    shop.send("return-decided", "2026-03-06T10:00", **of(B), decision="rejected")
    shop.send("return-received", "2026-03-07T10:00", **of(B))
    units = [{"line": "1", "pieces": 1, "condition": "new", "disposition": "restock"}]
    shop.send("return-inspected", "2026-03-07T13:00", **of(B), inspection_id="i", units=units)
    assert [shop.on_hand("CHAIR"), shop.on_hand("DESK")] == [0, 1]
    assert shop.broken_invariants() == []
