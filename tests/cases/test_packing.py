"""Packed pieces are promised to their order, and a parcel holds what is left of what was packed."""

from typing import Any

import pytest

from tests.cases.shop import DAY, Shop, ordered

CHECKED: dict[str, Any] = {"quality_check": {"passed": True, "by": "choi"}}


def of(order_id: str) -> dict[str, Any]:
    return {"channel": "naver", "order_id": order_id}


def pieces(count: int, line: str = "1") -> list[dict[str, Any]]:
    return [{"line": line, "pieces": count}]


def stocked(count: int) -> Shop:
    shop = Shop()
    shop.receive("CHAIR", count)
    return shop


def place(shop: Shop, order_id: str, count: int, at: str = f"{DAY}T10:00", *, paid: bool = True) -> None:
    shop.place(ordered(count), order_id=order_id, at=at, paid=paid)


def held_for_half_an_hour(count: int) -> Shop:
    shop = Shop()
    policy = {
        "kind": "stock_policy", "id": "hold", "version": 2, "valid_from": "2026-03-01", "region": "KR",
        "source": "test", "confidence": "high", "safety_stock": 0, "hold_unpaid_minutes": 30,
    }  # fmt: skip
    shop.send("policy-adoption-requested", "2026-03-01T09:00", policy=policy)
    shop.receive("CHAIR", count)
    return shop


def test_a_packed_piece_of_an_unpaid_order_stays_promised_when_its_hold_ends() -> None:
    shop = held_for_half_an_hour(1)
    place(shop, "O1", 1, paid=False)
    shop.send("shipment-packed", f"{DAY}T10:10", **of("O1"), shipment_id="s1", lines=pieces(1))
    shop.pass_time(f"{DAY}T10:31")
    place(shop, "O2", 1, f"{DAY}T10:35")
    assert (shop.units("1", "O1"), shop.units("1", "O2")) == ({"packed": 1}, {"backordered": 1})
    assert shop.broken_invariants() == []


def test_of_an_order_packed_in_part_only_the_rest_falls_free() -> None:
    shop = held_for_half_an_hour(3)
    place(shop, "O1", 3, paid=False)
    shop.send("shipment-packed", f"{DAY}T10:10", **of("O1"), shipment_id="s1", lines=pieces(1))
    shop.pass_time(f"{DAY}T10:31")
    assert (shop.units("1", "O1"), shop.stock("CHAIR").available) == ({"open": 2, "packed": 1}, 2)
    shop.send("order-paid", f"{DAY}T11:00", **of("O1"), payment_id="p", amount=30_000)
    assert (shop.units("1", "O1"), shop.stock("CHAIR").available) == ({"allocated": 2, "packed": 1}, 0)
    assert shop.broken_invariants() == []


def test_what_a_warehouse_packs_of_an_unpaid_order_is_promised_to_nobody_else() -> None:
    shop = stocked(1)
    place(shop, "O1", 1, paid=False)
    shop.send("shipment-packed", **of("O1"), shipment_id="s1", lines=pieces(1))
    assert shop.stock("CHAIR").available == 0
    place(shop, "O2", 1)
    assert (shop.units("1", "O1"), shop.units("1", "O2")) == ({"packed": 1}, {"backordered": 1})
    shop.send("shipment-dispatched", f"{DAY}T12:00", **of("O1"), shipment_id="s1")
    assert (shop.on_hand("CHAIR"), shop.discrepancies()) == (0, [])
    assert shop.broken_invariants() == []


def test_a_piece_packed_for_one_that_was_promised_to_another_is_a_discrepancy() -> None:
    shop = stocked(1)
    place(shop, "O1", 1)
    place(shop, "O2", 1)
    shop.send("shipment-packed", **of("O2"), shipment_id="s1", lines=pieces(1))
    assert shop.stock("CHAIR").available == -1
    assert shop.discrepancies() == ["packed_unreserved"]
    assert shop.broken_invariants() == []


def test_the_rest_of_a_parcel_that_left_in_part_can_be_packed_again() -> None:
    shop = stocked(2)
    place(shop, "O1", 2)
    shop.send("pack-requested", **of("O1"), **CHECKED, shipment_id="s1", lines=pieces(2))
    shop.send("shipment-dispatched", f"{DAY}T12:00", **of("O1"), shipment_id="s1", lines=pieces(1))
    assert shop.units("1", "O1") == {"allocated": 1, "in_transit": 1}
    packed = shop.send("pack-requested", **of("O1"), **CHECKED, shipment_id="s2", lines=pieces(1))
    assert packed.state == "accepted"
    shop.send("dispatch-requested", f"{DAY}T13:00", **of("O1"), shipment_id="s2")
    assert (shop.units("1", "O1"), shop.on_hand("CHAIR")) == ({"in_transit": 2}, 0)
    assert shop.broken_invariants() == []


@pytest.mark.parametrize("dispatch", ["shipment-dispatched", "dispatch-requested"])
def test_a_parcel_of_which_a_piece_was_cancelled_leaves_with_the_rest(dispatch: str) -> None:
    shop = stocked(5)
    place(shop, "O1", 2)
    shop.send("shipment-packed", **of("O1"), shipment_id="s1", lines=pieces(2))
    cancel = {"cancellation_id": "c1", "reason": "customer_request", "lines": pieces(1)}
    shop.send("order-cancelled", f"{DAY}T12:00", **of("O1"), **cancel)
    shop.send(dispatch, f"{DAY}T15:00", **of("O1"), shipment_id="s1")
    assert (shop.units("1", "O1"), shop.on_hand("CHAIR")) == ({"cancelled": 1, "in_transit": 1}, 4)
    (parcel,) = shop.rows("parcels")
    assert parcel.contents == {"1": 1}
    assert (shop.discrepancies(), shop.broken_invariants()) == ([], [])


def test_packing_told_after_the_dispatch_and_with_other_contents_is_a_discrepancy() -> None:
    shop = stocked(2)
    place(shop, "O1", 2)
    shop.send("shipment-dispatched", f"{DAY}T12:00", **of("O1"), shipment_id="s1")
    shop.send("shipment-packed", f"{DAY}T11:00", **of("O1"), shipment_id="s1", lines=pieces(1))
    shop.send("shipment-packed", f"{DAY}T11:00", **of("O1"), shipment_id="s1", lines=pieces(1))
    assert shop.units("1", "O1") == {"in_transit": 2}
    assert shop.discrepancies() == ["packed_other_than_dispatched"]


def test_a_parcel_told_when_nothing_is_left_to_send_is_a_discrepancy() -> None:
    shop = stocked(1)
    place(shop, "O1", 1)
    shop.send("shipment-dispatched", f"{DAY}T12:00", **of("O1"), shipment_id="s1")
    shop.send("shipment-dispatched", f"{DAY}T13:00", **of("O1"), shipment_id="s2")
    assert (shop.units("1", "O1"), shop.on_hand("CHAIR")) == ({"in_transit": 1}, 0)
    assert shop.discrepancies() == ["dispatched_nothing_left"]
