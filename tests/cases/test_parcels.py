"""Where a parcel is, whatever its carrier reports, and in whichever order."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from projections.instants import instant
from tests.cases.shop import O1, Shop, ordered

SCANS = {
    "picked_up": "2026-03-09T18:00",
    "delivered": "2026-03-10T12:00",
    "unknown": "2026-03-10T14:00",
    "delivered again": "2026-03-17T12:00",
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The two chairs of O1 have left in parcel s1."""
    shop = sent()
    yield shop
    assert shop.broken_invariants() == []


def sent() -> Shop:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(ordered(2))
    shop.send("shipment-dispatched", "2026-03-09T16:00", **O1, shipment_id="s1")
    return shop


def scan(shop: Shop, status: str, at: str, **fields: Any) -> None:
    shop.send("shipment-tracked", at, **O1, shipment_id="s1", status=status, **fields)


def delivered_at(shop: Shop) -> str:
    """In UTC."""
    (parcel,) = shop.rows("parcels")
    assert parcel.status == "delivered"
    return instant(parcel.status_at).isoformat(timespec="minutes")


def test_the_first_delivery_holds_when_the_scan_is_sent_again_a_week_later(shop: Shop) -> None:
    scan(shop, "delivered", "2026-03-10T12:00")
    scan(shop, "delivered", "2026-03-17T12:00")
    assert delivered_at(shop) == "2026-03-10T03:00+00:00"
    late = {"return_id": "r1", "lines": [{"line": "1", "pieces": 1}], "reason": "changed_mind"}
    refused = shop.send("return-requested", "2026-03-20T12:00", **O1, **late)
    assert (refused.state, refused.rule) == ("refused", "return_window_closed")


@pytest.mark.parametrize("names", list(permutations(SCANS)), ids="-".join)
def test_scans_in_any_order_lead_to_the_same_parcel(names: tuple[str, ...]) -> None:
    shop = sent()
    for name in names:
        scan(shop, name.removesuffix(" again"), SCANS[name])
    assert delivered_at(shop) == "2026-03-10T03:00+00:00"
    assert shop.units() == {"delivered": 2}
    assert shop.broken_invariants() == []


def test_a_parcel_that_goes_back_is_not_delivered_to_the_buyer_at_its_end(shop: Shop) -> None:
    scan(shop, "return_to_sender", "2026-03-11T12:00")
    scan(shop, "in_transit", "2026-03-12T12:00")
    scan(shop, "delivered", "2026-03-13T12:00")
    assert shop.units() == {"returned_to_sender": 2}


def test_a_parcel_lost_on_its_way_back_is_lost(shop: Shop) -> None:
    scan(shop, "return_to_sender", "2026-03-11T12:00")
    scan(shop, "lost", "2026-03-20T12:00")
    assert shop.units() == {"lost": 2}


def test_a_word_that_nobody_knows_takes_no_parcel_from_its_buyer(shop: Shop) -> None:
    scan(shop, "delivered", "2026-03-10T12:00")
    scan(shop, "unknown", "2026-03-10T14:00", raw_code="ZZ9")
    assert shop.units() == {"delivered": 2}


@pytest.mark.parametrize(("reason", "units"), [(None, {"delivered": 2}), ("DAMAGED", {"in_transit": 2})])
def test_an_exception_after_the_delivery_needs_a_reason(
    shop: Shop, reason: str | None, units: dict[str, int]
) -> None:
    scan(shop, "delivered", "2026-03-10T12:00")
    scan(shop, "exception", "2026-03-10T14:00", raw_code=reason)
    assert shop.units() == units


def test_a_false_delivery_is_corrected_and_the_next_one_holds(shop: Shop) -> None:
    scan(shop, "delivered", "2026-03-10T12:00")
    scan(shop, "out_for_delivery", "2026-03-11T09:00")
    assert shop.units() == {"in_transit": 2}
    scan(shop, "delivered", "2026-03-11T12:00")
    assert delivered_at(shop) == "2026-03-11T03:00+00:00"


def again(shop: Shop, at: str, *lines: dict[str, Any]) -> None:
    """The order leaves in another parcel, s2."""
    shop.send("shipment-dispatched", at, **O1, shipment_id="s2", lines=list(lines))


def test_the_pieces_of_a_voided_label_travel_under_the_new_one(shop: Shop) -> None:
    scan(shop, "cancelled", "2026-03-09T17:00")
    again(shop, "2026-03-10T10:00")
    scan(shop, "in_transit", "2026-03-10T12:00")  # the old label, once more
    scan(shop, "delivered", "2026-03-10T13:00")
    assert shop.units() == {"in_transit": 2}
    shop.send("shipment-tracked", "2026-03-11T10:00", **O1, shipment_id="s2", status="delivered")
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 3)
    assert [(parcel.shipment_id, parcel.contents) for parcel in shop.rows("parcels")] == [
        ("s1", {}),
        ("s2", {"1": 2}),
    ]
    late = {"return_id": "r1", "lines": [{"line": "1", "pieces": 1}], "reason": "changed_mind"}
    assert shop.send("return-requested", "2026-03-30T10:00", **O1, **late).rule == "return_window_closed"
    assert shop.discrepancies() == []


@pytest.mark.parametrize("status", ["lost", "return_to_sender"])
@pytest.mark.parametrize("lines", [(), ({"line": "1", "pieces": 2},)], ids=["without lines", "with lines"])
def test_a_replacement_of_a_parcel_that_failed_leaves_stock_and_is_delivered(
    shop: Shop, status: str, lines: tuple[dict[str, Any], ...]
) -> None:
    scan(shop, status, "2026-03-12T10:00")
    again(shop, "2026-03-13T10:00", *lines)
    shop.send("shipment-tracked", "2026-03-14T10:00", **O1, shipment_id="s2", status="delivered")
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 1)
    back = {"return_id": "r1", "lines": [{"line": "1", "pieces": 2}], "reason": "changed_mind"}
    assert shop.send("return-requested", "2026-03-16T10:00", **O1, **back).state == "accepted"


def test_a_replacement_of_one_piece_leaves_the_other_lost(shop: Shop) -> None:
    scan(shop, "lost", "2026-03-12T10:00")
    again(shop, "2026-03-13T10:00", {"line": "1", "pieces": 1})
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"in_transit": 1, "lost": 1}, 2)
    scan(shop, "delivered", "2026-03-20T10:00")  # it turned up
    assert shop.units() == {"in_transit": 1, "delivered": 1}


def test_a_second_parcel_of_an_order_that_has_arrived_is_a_discrepancy(shop: Shop) -> None:
    scan(shop, "delivered", "2026-03-10T12:00")
    again(shop, "2026-03-13T10:00", {"line": "1", "pieces": 1})
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 3)
    assert shop.discrepancies() == ["dispatched_more_than_ordered"]
