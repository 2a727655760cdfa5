"""Stock facts count at the time when they happened, whenever and in whatever order they are reported."""

from itertools import permutations
from typing import Any

import pytest

from domain.stock.past import KEPT
from tests.cases.shop import DAY, O1, Shop, ordered

SHORT = "less_on_hand_than_taken"


def received(shop: Shop, at: str, pieces: int, receipt_id: str = "in", **fields: Any) -> None:
    data = {"receipt_id": receipt_id, "sku": "CHAIR", "pieces": pieces, **fields}
    shop.send("stock-received", f"{DAY}T{at}", message_id=receipt_id, **data)


def counted(shop: Shop, at: str, pieces: int, count_id: str = "n1", **fields: Any) -> None:
    data = {"count_id": count_id, "sku": "CHAIR", "counted": pieces, **fields}
    shop.send("stock-counted", f"{DAY}T{at}", message_id=count_id, **data)


def adjusted(shop: Shop, at: str, delta: int) -> None:
    data = {"adjustment_id": f"a{at}", "sku": "CHAIR", "delta": delta, "reason": "damaged"}
    shop.send("stock-adjusted", f"{DAY}T{at}", message_id=f"a{at}", **data)


def quarantined(shop: Shop, at: str, pieces: int) -> None:
    data = {"quarantine_id": f"q{at}", "sku": "CHAIR", "pieces": pieces, "reason": "wet"}
    shop.send("stock-quarantined", f"{DAY}T{at}", message_id=f"q{at}", **data)


def dispatched(shop: Shop, at: str, shipment_id: str = "s1", pieces: int = 1) -> None:
    lines = [{"line": "1", "pieces": pieces}]
    shop.send("shipment-dispatched", f"{DAY}T{at}", **O1, shipment_id=shipment_id, lines=lines)


def book(shop: Shop) -> tuple[int, int, int, int]:
    """(on hand, sum of counts, of adjustments, of corrections), once all invariants hold."""
    assert shop.broken_invariants() == []
    row = shop.rows("stock_items")[0]
    return shop.on_hand("CHAIR"), row.counted, row.adjusted, row.corrected


# A count is true at its time.


def test_a_count_that_is_reported_after_a_later_receipt_does_not_take_its_pieces_away() -> None:
    """Ten are counted at 10:00; five come at 11:00: fifteen are there."""
    shop = Shop()
    received(shop, "11:00", 5)
    counted(shop, "10:00", 10)
    assert book(shop) == (15, 10, 0, 0)
    (count,) = shop.events("StockCounted")
    assert (count.book, count.delta) == (0, 10)


def test_a_receipt_that_is_reported_after_a_later_count_was_counted() -> None:
    """Five come at 10:00; ten are counted at 11:00, these five among them."""
    shop = Shop()
    counted(shop, "11:00", 10)
    received(shop, "10:00", 5)
    assert book(shop) == (10, 5, 0, 0)


def test_what_comes_at_the_time_of_a_count_counts_in_the_order_of_arrival() -> None:
    shop = Shop()
    counted(shop, "10:00", 10)
    received(shop, "10:00", 5)
    assert shop.on_hand("CHAIR") == 15
    counted(shop, "10:00", 12, "n2")
    assert book(shop) == (12, 7, 0, 0)


def test_the_facts_of_a_day_come_to_the_same_book_in_any_order() -> None:
    """Ten come, two are written off; nine are counted; one is wet, five come, one leaves: twelve are there.

    What is put down to the count, and what to corrections, depends on what was reported first.
    """
    for order in permutations(range(6)):
        shop = Shop()
        shop.place(ordered(1), at=f"{DAY}T08:00")
        facts = [
            lambda shop=shop: received(shop, "09:00", 10, "in-1"),
            lambda shop=shop: adjusted(shop, "10:00", -2),
            lambda shop=shop: counted(shop, "11:00", 9),
            lambda shop=shop: quarantined(shop, "12:00", 1),
            lambda shop=shop: received(shop, "13:00", 5, "in-2"),
            lambda shop=shop: dispatched(shop, "14:00"),
        ]
        for number in order:
            facts[number]()
        assert book(shop)[0] == 12, order
        assert shop.stock("CHAIR").balances["main"].quarantine == 1, order


def test_an_older_count_that_is_reported_late_is_recorded_and_changes_nothing() -> None:
    shop = Shop()
    received(shop, "09:00", 10)
    counted(shop, "12:00", 7, "n2")
    counted(shop, "10:00", 9, "n1")
    assert book(shop) == (7, -3, 0, 0)
    assert [(count.book, count.delta) for count in shop.events("StockCounted")] == [(10, -3), (10, -1)]


def test_each_location_has_counts_of_its_own() -> None:
    shop = Shop()
    counted(shop, "11:00", 3, location="busan")
    received(shop, "10:00", 5)
    assert {name: one.on_hand for name, one in shop.stock("CHAIR").balances.items()} == {
        "busan": 3,
        "main": 5,
    }


def test_a_count_of_before_the_moves_that_are_kept_asks_for_another() -> None:
    shop = Shop()
    for number in range(KEPT + 1):
        at = f"{10 + number // 60:02}:{number % 60:02}"
        received(shop, at, 1, f"in-{number}")
    counted(shop, "09:59", 4)
    assert shop.discrepancies() == ["counted_too_late"]
    assert book(shop) == (KEPT + 1, 0, 0, 0)
    counted(shop, "10:00", 4, "n2")
    assert book(shop) == (KEPT + 4, 3, 0, 0)


def test_a_count_below_what_left_since_corrects_the_book() -> None:
    """Two are counted at 10:00, but three left at 11:00."""
    shop = Shop()
    received(shop, "09:00", 5)
    shop.place(ordered(3), at=f"{DAY}T09:30")
    dispatched(shop, "11:00", pieces=3)
    counted(shop, "10:00", 2)
    assert book(shop) == (0, -3, 0, 1)
    assert shop.discrepancies() == [SHORT]


def test_pieces_promised_beyond_a_late_count_are_a_shortfall_by_what_is_there_now() -> None:
    """Two are counted at 10:00, two come at 11:00; five are promised, so one is missing."""
    shop = Shop()
    received(shop, "09:00", 3, "in-1")
    received(shop, "11:00", 2, "in-2")
    shop.place(ordered(5), at=f"{DAY}T11:30")
    counted(shop, "10:00", 2)
    (shortfall,) = shop.events("StockDiscrepancyDetected")
    assert (shortfall.kind, shortfall.expected, shortfall.observed) == ("reservation_shortfall", 5, 4)


# Pieces that left before their receipt was reported.


@pytest.mark.parametrize("at", ["09:00", "16:00"])
def test_a_receipt_settles_the_correction_that_was_made_for_want_of_it(at: str) -> None:
    """One leaves though none is booked; then five are reported as received: four are there."""
    shop = Shop()
    shop.place(ordered(1), at=f"{DAY}T08:00")
    dispatched(shop, "14:00")
    assert book(shop) == (0, 0, 0, 1)
    received(shop, at, 5)
    assert book(shop) == (4, 0, 0, 0)


def test_a_receipt_in_parts_settles_it_in_parts() -> None:
    shop = Shop()
    shop.place(ordered(3), at=f"{DAY}T08:00")
    dispatched(shop, "14:00", pieces=3)
    received(shop, "15:00", 2, "in-1")
    assert book(shop) == (0, 0, 0, 1)
    received(shop, "16:00", 2, "in-2")
    assert book(shop) == (1, 0, 0, 0)
    received(shop, "17:00", 2, "in-3")
    assert book(shop) == (3, 0, 0, 0)


def test_a_receipt_of_another_location_settles_nothing() -> None:
    shop = Shop()
    shop.place(ordered(1), at=f"{DAY}T08:00")
    dispatched(shop, "14:00")
    received(shop, "15:00", 5, location="busan")
    assert book(shop)[3] == 1


def test_pieces_that_are_written_up_later_did_not_leave_before() -> None:
    shop = Shop()
    shop.place(ordered(1), at=f"{DAY}T08:00")
    dispatched(shop, "14:00")
    adjusted(shop, "15:00", 3)
    assert book(shop) == (3, 0, 3, 1)


def test_pieces_that_were_written_up_before_they_left_are_the_ones_that_left() -> None:
    shop = Shop()
    shop.place(ordered(1), at=f"{DAY}T08:00")
    dispatched(shop, "14:00")
    adjusted(shop, "13:00", 3)
    assert book(shop) == (2, 0, 3, 0)


def test_a_later_count_settles_the_book_so_the_receipt_after_it_is_new() -> None:
    shop = Shop()
    shop.place(ordered(1), at=f"{DAY}T08:00")
    dispatched(shop, "14:00")
    counted(shop, "15:00", 0)
    received(shop, "16:00", 5)
    assert book(shop) == (5, 0, 0, 1)


def test_a_count_of_before_they_left_explains_them() -> None:
    """Four are counted at 10:00, one leaves at 14:00: three are there, whatever was reported first."""
    shop = Shop()
    shop.place(ordered(1), at=f"{DAY}T08:00")
    dispatched(shop, "14:00")
    counted(shop, "10:00", 4)
    assert book(shop) == (3, 4, 0, 0)


def test_opening_stock_says_what_is_there_and_settles_nothing() -> None:
    shop = Shop()
    shop.place(ordered(1), at=f"{DAY}T08:00")
    dispatched(shop, "14:00")
    received(shop, "15:00", 5, "in-1", reason="opening")
    received(shop, "16:00", 2, "in-2")
    assert book(shop) == (7, 0, 0, 1)


# A sale that was closed.


def closed(shop: Shop, at: str) -> None:
    lines = [{"line": "1", "pieces": 1}]
    cancel = {"cancellation_id": "c1", "lines": lines, "reason": "out_of_stock"}
    shop.send("order-cancelled", f"{DAY}T{at}", **O1, **cancel)


@pytest.mark.parametrize(("at", "resumed"), [("10:59", False), ("11:00", True), ("12:00", True)])
def test_only_a_count_of_after_the_closing_opens_the_sale_again(at: str, resumed: bool) -> None:
    shop = Shop()
    received(shop, "08:00", 5)
    shop.place(ordered(1), at=f"{DAY}T09:00")
    closed(shop, "11:00")
    counted(shop, at, 3)
    item = shop.stock("CHAIR")
    assert (item.closed, item.uncounted) == (not resumed, not resumed)
    assert book(shop)[0] == 3


def test_a_closing_that_is_reported_after_a_later_count_is_over() -> None:
    shop = Shop()
    received(shop, "08:00", 5)
    shop.place(ordered(1), at=f"{DAY}T09:00")
    counted(shop, "12:00", 3)
    closed(shop, "11:00")
    item = shop.stock("CHAIR")
    assert (item.closed, item.uncounted, item.available) == (False, False, 3)
    assert [name for name in shop.event_names() if "sale" in name.lower()] == ["SaleClosed", "SaleResumed"]
    assert shop.events("CountRequested") == []
