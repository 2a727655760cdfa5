"""Where a parcel is, whatever its carrier reports, and in whichever order."""

from collections.abc import Callable, Iterator
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
    assert shop.discrepancies() == []
    back = {"return_id": "r1", "lines": [{"line": "1", "pieces": 2}], "reason": "changed_mind"}
    assert shop.send("return-requested", "2026-03-16T10:00", **O1, **back).state == "accepted"


def test_a_replacement_of_one_piece_leaves_the_other_lost(shop: Shop) -> None:
    scan(shop, "lost", "2026-03-12T10:00")
    again(shop, "2026-03-13T10:00", {"line": "1", "pieces": 1})
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"in_transit": 1, "lost": 1}, 2)
    scan(shop, "delivered", "2026-03-20T10:00")  # it turned up
    assert shop.units() == {"in_transit": 1, "delivered": 1}


def test_one_replacement_of_two_lost_parcels_holds_the_pieces_of_both() -> None:
    shop = Shop()
    shop.receive("CHAIR", 6)
    shop.place(ordered(3), at="2026-03-03T10:00")
    for name, count in (("a", 1), ("b", 2)):
        lines = [{"line": "1", "pieces": count}]
        shop.send("shipment-dispatched", "2026-03-09T10:00", **O1, shipment_id=name, lines=lines)
        shop.send("shipment-tracked", "2026-03-12T10:00", **O1, shipment_id=name, status="lost")
    again(shop, "2026-03-13T10:00", {"line": "1", "pieces": 3})
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"in_transit": 3}, 0)
    assert shop.discrepancies() == []


def test_a_second_parcel_of_an_order_that_has_arrived_is_a_discrepancy(shop: Shop) -> None:
    scan(shop, "delivered", "2026-03-10T12:00")
    again(shop, "2026-03-13T10:00", {"line": "1", "pieces": 1})
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 3)
    assert shop.discrepancies() == ["dispatched_more_than_ordered"]


# A parcel that is reported again with another number.


def reported(shop: Shop, at: str, number: str | None, **fields: Any) -> Any:
    facts = {"shipment_id": "s1", "carrier": "CJGLS", "tracking_number": number, **fields}
    return shop.send("shipment-dispatched", at, **O1, **facts)


def invoice_of(shop: Shop) -> tuple[str, str, str]:
    """Carrier, tracking number and time of the hand-over in UTC."""
    (parcel,) = shop.rows("parcels")
    held = shop.order().shipments["s1"]
    assert (held.carrier, held.tracking_number) == (parcel.carrier, parcel.tracking_number)
    (line,) = shop.rows("order_facts")
    (order,) = shop.rows("order_status")
    times = {parcel.dispatched_at, line.last_dispatched_at, line.first_dispatched_at}
    assert times == {order.first_dispatched_at} == {order.last_dispatched_at}
    at = instant(parcel.dispatched_at).isoformat(timespec="minutes").removesuffix("+00:00")
    return parcel.carrier, parcel.tracking_number, at


@pytest.fixture
def packed() -> Shop:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(ordered(2), at="2026-03-03T10:00")
    pack(shop)
    return shop


def pack(shop: Shop) -> None:
    lines = [{"line": "1", "pieces": 2}]
    shop.send("shipment-packed", "2026-03-03T11:00", **O1, shipment_id="s1", lines=lines)


NUMBERS = {"111": "2026-03-10T10:00", "222": "2026-03-10T11:00", "333": "2026-03-10T10:30"}


@pytest.mark.parametrize("numbers", list(permutations(NUMBERS)), ids="-".join)
def test_the_number_reported_last_holds_and_the_first_hand_over(packed: Shop, numbers: list[str]) -> None:
    for number in (*numbers, *numbers):
        reported(packed, NUMBERS[number], number)
    assert invoice_of(packed) == ("CJGLS", "222", "2026-03-10T01:00")
    assert len(packed.events("InvoiceCorrected")) == 2, "each number after the first is recorded once"
    assert (packed.units(), packed.on_hand("CHAIR")) == ({"in_transit": 2}, 3)
    assert packed.discrepancies() == []


def test_a_number_may_be_reported_after_the_hand_over(packed: Shop) -> None:
    packed.send("dispatch-requested", "2026-03-10T10:00", **O1, shipment_id="s1")
    reported(packed, "2026-03-10T10:05", "111")
    assert invoice_of(packed) == ("CJGLS", "111", "2026-03-10T01:00")


def test_another_carrier_corrects_the_invoice_too(packed: Shop) -> None:
    reported(packed, "2026-03-10T10:00", "111")
    reported(packed, "2026-03-10T11:00", "111", carrier="LOTTE")
    assert invoice_of(packed) == ("LOTTE", "111", "2026-03-10T01:00")


def test_a_wish_to_dispatch_a_parcel_again_under_another_number_corrects_it(packed: Shop) -> None:
    wish = {"shipment_id": "s1", "carrier": "CJGLS"}
    for at, number in (("10:00", "111"), ("11:00", "222"), ("11:00", "222")):
        sent = packed.send("dispatch-requested", f"2026-03-10T{at}", **O1, **wish, tracking_number=number)
        assert sent.state == "accepted"
    assert invoice_of(packed) == ("CJGLS", "222", "2026-03-10T01:00")
    late = packed.send("dispatch-requested", "2026-03-10T10:30", **O1, **wish, tracking_number="333")
    assert (late.state, late.rule) == ("refused", "invoice_reported_later")
    assert invoice_of(packed) == ("CJGLS", "222", "2026-03-10T01:00")


def test_lines_of_a_parcel_reported_one_by_one_keep_their_own_times() -> None:
    for times in permutations([("1", "10:00"), ("2", "10:05")]):
        shop = Shop()
        shop.receive("CHAIR", 5)
        shop.place(ordered(1), ordered(1, "2"))
        for line, clock in times:
            reported(shop, f"2026-03-10T{clock}", "111", lines=[{"line": line, "pieces": 1}])
        (parcel,) = shop.rows("parcels")
        left = [instant(row.last_dispatched_at).minute for row in shop.rows("order_facts")]
        assert (instant(parcel.dispatched_at).minute, left) == (0, [0, 5])


# A parcel of which only the carrier reports.

REPORTS: dict[str, Callable[[Shop], Any]] = {
    "packing": pack,
    "pick-up": lambda shop: scan(shop, "picked_up", "2026-03-04T18:00"),
    "delivery": lambda shop: scan(shop, "delivered", "2026-03-05T10:00"),
    "dispatch": lambda shop: reported(shop, "2026-03-04T17:00", "111"),
}


@pytest.mark.parametrize("status", ["delivered", "in_transit", "lost", "return_to_sender"])
def test_a_packed_parcel_that_its_carrier_scans_was_handed_over(packed: Shop, status: str) -> None:
    scan(packed, status, "2026-03-05T10:00")
    packed.pass_time("2026-03-10T00:00")
    state = {"return_to_sender": "returned_to_sender"}.get(status, status)
    assert (packed.units(), packed.on_hand("CHAIR"), packed.discrepancies()) == ({state: 2}, 3, [])
    (parcel,) = packed.rows("parcels")
    assert (parcel.contents, parcel.dispatch_inferred) == ({"1": 2}, True)
    assert [row for row in packed.rows("penalty_risk") if row.kind == "late_dispatch"] == []
    assert packed.broken_invariants() == []


@pytest.mark.parametrize("status", ["unknown", "label_created", "exception", "cancelled"])
def test_other_scans_do_not_show_that_the_carrier_has_the_parcel(packed: Shop, status: str) -> None:
    scan(packed, status, "2026-03-05T10:00")
    assert packed.units() == {"packed": 2}


@pytest.mark.parametrize("names", list(permutations(REPORTS)), ids="-".join)
def test_scans_and_the_dispatch_in_any_order_end_alike(names: tuple[str, ...]) -> None:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(ordered(2), at="2026-03-03T10:00")
    for name in (*names, *names):
        REPORTS[name](shop)
    assert invoice_of(shop) == ("CJGLS", "111", "2026-03-04T08:00")
    (parcel,) = shop.rows("parcels")
    (line,) = shop.rows("order_facts")
    assert (parcel.dispatch_inferred, line.dispatch_inferred, parcel.status) == (False, False, "delivered")
    assert (shop.units(), shop.on_hand("CHAIR"), shop.discrepancies()) == ({"delivered": 2}, 3, [])
    assert shop.broken_invariants() == []


@pytest.mark.parametrize("names", list(permutations(["packing", "pick-up", "delivery"])), ids="-".join)
def test_without_a_dispatch_the_first_scan_is_the_hand_over(names: tuple[str, ...]) -> None:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(ordered(2), at="2026-03-03T10:00")
    for name in names:
        REPORTS[name](shop)
    (parcel,) = shop.rows("parcels")
    assert (instant(parcel.dispatched_at).isoformat(), parcel.dispatch_inferred) == (
        "2026-03-04T09:00:00+00:00",
        True,
    )
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 3)


@pytest.mark.parametrize("late", [False, True], ids=["scan first", "ship-by first"])
def test_a_scanned_parcel_that_nobody_packed_or_dispatched_is_a_discrepancy_once(late: bool) -> None:
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(ordered(2), at="2026-03-03T10:00")
    steps: list[Callable[[], object]] = [
        lambda: scan(shop, "delivered", "2026-03-05T10:00"),
        lambda: shop.pass_time("2026-03-07T00:00"),
    ]
    for step in reversed(steps) if late else steps:
        step()
    scan(shop, "delivered", "2026-03-05T10:30")
    shop.pass_time("2026-03-08T00:00")
    assert (shop.units(), shop.discrepancies()) == ({"allocated": 2}, ["tracked_without_dispatch"])
    reported(shop, "2026-03-04T10:00", "111")
    assert (shop.units(), shop.on_hand("CHAIR")) == ({"delivered": 2}, 3)
    assert [row for row in shop.rows("penalty_risk") if row.kind == "late_dispatch"] == []
    assert shop.discrepancies() == ["tracked_without_dispatch"]
