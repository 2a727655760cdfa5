"""A time that has not come: the fact counts, the claim is flagged, and nothing is measured by it."""

from datetime import date
from typing import Any

import pytest

from projections.questions.penalty import penalty
from tests.cases.shop import DAY, O1, SELLER, Shop, micros, ordered

LATER = "2099-03-05T10:00"
FLAG = "claimed_from_the_future"


def sent() -> Shop:
    shop = Shop()
    shop.receive("CHAIR", 1)
    shop.place(ordered(1), at="2026-03-16T10:00")
    shop.send("shipment-dispatched", "2026-03-17T10:00", **O1, shipment_id="s1")
    return shop


def scan(shop: Shop, status: str, at: str) -> None:
    shop.send("shipment-tracked", at, **O1, shipment_id="s1", status=status)


@pytest.mark.parametrize("first", [True, False])
def test_a_scan_of_the_year_2099_makes_no_later_scan_late(first: bool) -> None:
    shop = sent()
    scans = [("in_transit", LATER), ("delivered", "2026-03-18T10:00")]
    for status, at in scans if first else reversed(scans):
        scan(shop, status, at)
    assert shop.units() == {"delivered": 1}
    assert shop.discrepancies() == [FLAG]
    (parcel,) = shop.rows("parcels")
    assert parcel.status == "delivered"
    assert penalty(shop.reader(), SELLER).as_of.date() == date(2026, 3, 18)
    assert shop.broken_invariants() == []


def test_the_same_wrong_time_is_flagged_once() -> None:
    shop = sent()
    for _ in range(3):
        scan(shop, "in_transit", LATER)
    assert shop.discrepancies() == [FLAG]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("order-paid", {"payment_id": "p2", "amount": 10_000}),
        ("shipment-dispatched", {"shipment_id": "s1"}),
        ("order-cancelled", {"cancellation_id": "c1", "reason": "customer_request"}),
    ],
)
def test_facts_of_every_kind_count_and_move_no_time(kind: str, fields: dict[str, Any]) -> None:
    shop = Shop()
    shop.place(ordered(1), at="2026-03-16T10:00", paid=kind != "order-paid")
    assert shop.send(kind, LATER, **O1, **fields).state == "accepted"
    assert FLAG in shop.discrepancies()
    assert {row.day for row in shop.rows("activity")} == {"2026-03-16"}
    (row,) = shop.rows("order_status")
    times = (row.paid_at, row.last_dispatched_at, row.cancelled_at)
    assert {at for at in times if at is not None} == {row.placed_at}


def test_after_a_tick_the_clock_is_the_credible_time() -> None:
    shop = Shop()
    shop.place(ordered(1), at="2026-03-16T10:00")
    shop.pass_time("2026-03-17T09:00")
    shop.send("shipment-dispatched", LATER, **O1, shipment_id="s1")
    (dispatched,) = shop.events("ShipmentDispatched")
    assert dispatched.at.isoformat() == "2026-03-17T00:00:00+00:00"


def test_a_simulated_clock_that_runs_ahead_makes_its_own_times_credible() -> None:
    shop = sent()
    shop.pass_time("2031-01-01T00:00")
    scan(shop, "delivered", "2030-12-31T10:00")
    assert shop.discrepancies() == []


def test_a_clock_that_is_a_few_minutes_ahead_is_believed() -> None:
    shop = sent()
    scan(shop, "delivered", "2027-01-01T09:04")  # the intake's clock shows 09:00 in Seoul
    assert shop.discrepancies() == []
    scan(shop, "in_transit", "2027-01-01T09:06")
    assert shop.discrepancies() == [FLAG]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("stock-received", {"receipt_id": "in-2", "pieces": 5}),
        ("stock-counted", {"count_id": "n1", "counted": 5}),
        ("stock-adjusted", {"adjustment_id": "a1", "delta": 5, "reason": "found"}),
        ("stock-quarantined", {"quarantine_id": "q1", "pieces": 1, "reason": "wet"}),
    ],
)
def test_a_stock_fact_of_the_year_2099_counts_and_is_flagged(kind: str, fields: dict[str, Any]) -> None:
    shop = Shop()
    shop.receive("CHAIR", 2)
    assert shop.send(kind, LATER, sku="CHAIR", **fields).state == "accepted"
    (flag,) = shop.events("StockDiscrepancyDetected")
    assert (flag.kind, flag.claimed.isoformat()) == (FLAG, "2099-03-05T01:00:00+00:00")
    assert {row.day for row in shop.rows("activity")} == {DAY}


def test_a_receipt_of_returned_pieces_in_the_year_2099_is_flagged_once_for_each_message() -> None:
    shop = sent()
    scan(shop, "delivered", "2026-03-18T10:00")
    back = {"return_id": "R1", "lines": [{"line": "1", "pieces": 1}]}
    shop.send("return-requested", "2026-03-19T10:00", **O1, **back, reason="changed_mind")
    for _ in range(2):
        shop.send("return-received", LATER, **back, receipt_id="in-1")
    assert shop.discrepancies() == [FLAG]
    (row,) = shop.rows("return_status")
    assert row.received_at == micros("2026-03-19T10:00")
    assert shop.broken_invariants() == []
