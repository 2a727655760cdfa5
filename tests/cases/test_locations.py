"""Where parcels are packed, and where their pieces leave stock."""

from typing import Any

import pytest

from tests.cases.shop import DAY, O1, Shop, ordered

CHECKED: dict[str, Any] = {"quality_check": {"passed": True, "by": "choi"}}


def stocked(**locations: int) -> Shop:
    """Chairs at these locations, and a paid order of five."""
    shop = Shop()
    for location, pieces in locations.items():
        receipt = f"in-{location}"
        shop.send("stock-received", receipt_id=receipt, sku="CHAIR", pieces=pieces, location=location)
    shop.place(ordered(5))
    return shop


def send(shop: Shop, kind: str, pieces: int, **fields: Any) -> None:
    lines = {} if kind == "dispatch-requested" else {"lines": [{"line": "1", "pieces": pieces}]}
    check = CHECKED if kind == "pack-requested" else {}
    shop.send(kind, f"{DAY}T11:00", **O1, shipment_id="s1", **lines, **check, **fields)


def at_each(shop: Shop) -> dict[str, tuple[int, int]]:
    """(on hand, reserved) at each location."""
    assert shop.broken_invariants() == []
    return {row.location: (row.on_hand, row.reserved) for row in shop.rows("stock_levels")}


def test_a_parcel_without_a_location_leaves_the_one_that_has_all_its_pieces() -> None:
    shop = stocked(BUS=2, SEL=3)
    send(shop, "pack-requested", 3)
    send(shop, "dispatch-requested", 3)
    assert at_each(shop) == {"BUS": (2, 2), "SEL": (0, 0)}


@pytest.mark.parametrize("packing", ["pack-requested", "shipment-packed"])
@pytest.mark.parametrize("dispatch", ["dispatch-requested", "shipment-dispatched"])
def test_a_parcel_leaves_the_location_where_it_was_packed(packing: str, dispatch: str) -> None:
    shop = stocked(BUS=2, SEL=3)
    send(shop, packing, 2, location="SEL")
    send(shop, dispatch, 2)
    assert at_each(shop) == {"BUS": (2, 2), "SEL": (1, 1)}


@pytest.mark.parametrize("dispatch", ["dispatch-requested", "shipment-dispatched"])
def test_where_it_left_counts_more_than_where_it_was_packed(dispatch: str) -> None:
    shop = stocked(BUS=2, SEL=3)
    send(shop, "pack-requested", 2, location="SEL")
    send(shop, dispatch, 2, location="BUS")
    assert at_each(shop) == {"BUS": (0, 0), "SEL": (3, 3)}


def test_pieces_that_were_reserved_elsewhere_free_that_reservation() -> None:
    """Three are reserved in Busan; four leave from Seoul, so one in Busan is still promised to the order."""
    shop = stocked(BUS=3, SEL=5)
    assert at_each(shop) == {"BUS": (3, 0), "SEL": (5, 5)}
    send(shop, "shipment-dispatched", 3, location="BUS")
    assert at_each(shop) == {"BUS": (0, 0), "SEL": (5, 2)}
    assert shop.discrepancies() == []


def test_more_than_the_book_has_there_is_a_discrepancy() -> None:
    shop = stocked(BUS=2, SEL=3)
    send(shop, "shipment-dispatched", 4, location="SEL")
    assert at_each(shop) == {"BUS": (2, 1), "SEL": (0, 0)}
    assert shop.discrepancies() == ["less_on_hand_than_taken"]


def test_what_a_warehouse_packed_without_a_reservation_is_reserved_where_it_is() -> None:
    """Four of five are reserved, the fifth is backordered; all five are in a parcel in Seoul."""
    shop = stocked(BUS=2, SEL=2)
    send(shop, "shipment-packed", 5, location="SEL")
    assert at_each(shop) == {"BUS": (2, 2), "SEL": (2, 3)}
    assert shop.discrepancies() == ["packed_unreserved"]


def test_each_line_of_a_return_goes_back_to_where_it_left() -> None:
    """The desk left from Busan, the chair from the main location."""
    shop = Shop()
    shop.receive("CHAIR", 1)
    shop.send("stock-received", receipt_id="in", sku="DESK", pieces=1, location="BUS")
    shop.place(ordered(1, line="1", sku="DESK"), ordered(1, line="2"))
    shop.send("shipment-dispatched", f"{DAY}T11:00", **O1, shipment_id="s1")
    both = [{"line": line, "pieces": 1} for line in ("1", "2")]
    shop.send("return-requested", f"{DAY}T12:00", **O1, return_id="r1", lines=both, reason="changed_mind")
    shop.send("return-received", f"{DAY}T13:00", return_id="r1")
    units = [{**one, "condition": "new", "disposition": "restock"} for one in both]
    shop.send("return-inspected", f"{DAY}T14:00", return_id="r1", inspection_id="i1", units=units)
    levels = {(row.sku, row.location): row.on_hand for row in shop.rows("stock_levels")}
    assert levels == {("CHAIR", "main"): 1, ("DESK", "BUS"): 1}
    assert shop.discrepancies() == []
