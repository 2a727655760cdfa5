"""Lines that need no parcel: digital goods, services, and goods that the buyer picks up."""

from typing import Any

from tests.cases.shop import DAY, O1, Shop, ordered

CARD = ordered(1, "2", "CARD", delivery="digital")


def bought(*lines: dict[str, Any]) -> Shop:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(*lines)
    return shop


def by_line(shop: Shop) -> dict[str, Any]:
    return {fact.line: fact for fact in shop.rows("order_facts")}


def test_a_digital_line_is_fulfilled_by_the_payment() -> None:
    shop = bought(ordered(1), CARD)
    assert (shop.units("1"), shop.units("2")) == ({"allocated": 1}, {"delivered": 1})
    assert [row.sku for row in shop.rows("stock_levels")] == ["CHAIR"]
    assert by_line(shop)["2"].ship_by is None


def test_the_order_is_delivered_with_its_only_parcel_and_nothing_is_late() -> None:
    shop = bought(ordered(1), CARD)
    chair = {"line": "1", "pieces": 1}
    shop.send("shipment-dispatched", "2026-03-10T10:00", **O1, shipment_id="s1", lines=[chair])
    shop.send("shipment-tracked", "2026-03-11T10:00", **O1, shipment_id="s1", status="delivered")
    shop.pass_time("2026-03-20T10:00")
    (order,) = shop.rows("order_status")
    assert order.status == "delivered"
    assert shop.rows("penalty_risk") == []
    assert shop.broken_invariants() == []


def test_a_parcel_without_lines_holds_no_digital_line() -> None:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(ordered(1), CARD, paid=False)
    shop.send("shipment-dispatched", "2026-03-10T10:00", **O1, shipment_id="s1")
    assert (shop.units("1"), shop.units("2")) == ({"in_transit": 1}, {"open": 1})
    assert shop.broken_invariants() == []


def test_what_the_buyer_picks_up_leaves_stock_then() -> None:
    shop = bought(ordered(2, delivery="pick_up"))
    assert shop.units() == {"allocated": 2}
    line = {"line": "1", "pieces": 2}
    for _ in range(2):
        shop.send("lines-fulfilled", f"{DAY}T15:00", **O1, fulfilment_id="f1", lines=[line])
    shop.pass_time("2026-03-20T10:00")
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 3)
    assert (shop.rows("penalty_risk"), shop.broken_invariants(), shop.discrepancies()) == ([], [], [])


def test_a_pick_up_nobody_came_for_yet_is_never_late() -> None:
    shop = bought(ordered(2, delivery="pick_up"))
    shop.pass_time("2026-03-20T10:00")
    assert shop.rows("penalty_risk") == []


def test_a_service_is_done_when_its_fact_comes_and_needs_no_stock() -> None:
    shop = bought(ordered(1, sku="ASSEMBLY", delivery="service"))
    assert shop.units() == {"open": 1}
    line = {"line": "1", "pieces": 1}
    shop.send("lines-fulfilled", f"{DAY}T15:00", **O1, fulfilment_id="f1", lines=[line])
    assert (shop.units(), shop.broken_invariants()) == ({"delivered": 1}, [])


def test_picked_up_instead_of_sent() -> None:
    shop = bought(ordered(2))
    line = {"line": "1", "pieces": 3}
    shop.send("lines-fulfilled", f"{DAY}T15:00", **O1, fulfilment_id="f1", lines=[line])
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 3)
    assert shop.discrepancies() == ["fulfilled_more_than_open"]
    assert shop.broken_invariants() == []


def test_a_digital_line_that_is_cancelled_before_the_payment_is_not_delivered() -> None:
    shop = Shop()
    shop.place(CARD, paid=False)
    shop.send("order-cancelled", **O1, cancellation_id="c1", reason="customer_request")
    shop.send("order-paid", f"{DAY}T11:00", **O1, payment_id="p1", amount=10_000)
    assert shop.units("2") == {"cancelled": 1}
