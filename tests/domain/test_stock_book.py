"""Facts from the warehouse are always recorded, and never make the stock on hand negative."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from domain.stock import STOCK
from domain.stock.book import (
    AdjustStock,
    CountStock,
    QuarantineReturn,
    QuarantineStock,
    ReceiveStock,
    RestockReturn,
    ScrapReturn,
)
from domain.stock.state import (
    OrderAtRisk,
    ReturnQuarantined,
    ReturnRestocked,
    ReturnScrapped,
    StockAdjusted,
    StockCounted,
    StockDiscrepancyDetected,
    StockQuarantined,
)
from tests.domain.messages import received, reserved, stock, stock_policies
from tests.given import Given, happened

a_sku = Given(STOCK).under(stock_policies())
five = a_sku.given(received(5))
two_promised = five.given(reserved(2))


def adjusted(delta: int, adjustment_id: str = "a1", reason: str = "found", missing: int = 0) -> StockAdjusted:
    values = {"adjustment_id": adjustment_id, "location": "main", "reason": reason}
    return happened(StockAdjusted, delta=delta, missing=missing, **values)


def counted(counted: int, book: int) -> StockCounted:
    values = {"count_id": "n1", "location": "main"}
    return happened(StockCounted, counted=counted, book=book, delta=counted - book, **values)


def discrepancy(
    kind: str, subject: str, expected: int, observed: int, **details: Any
) -> StockDiscrepancyDetected:
    return happened(
        StockDiscrepancyDetected,
        kind=kind,
        subject=subject,
        expected=expected,
        observed=observed,
        **details,
    )


def corrected(subject: str, missing: int) -> StockAdjusted:
    return adjusted(missing, f"{subject}/correction", "negative_stock_corrected", missing)


def quarantined(pieces: int) -> StockQuarantined:
    return happened(StockQuarantined, location="main", pieces=pieces, reason="wet")


in_return = {"return_id": "r1", "line": "1", "location": "main"}
came_back = happened(ReturnQuarantined, pieces=3, **in_return)


# Receipts.


def test_a_receipt_adds_to_what_is_there() -> None:
    a_sku.when(stock(ReceiveStock, receipt_id="in-1", pieces=5)).then_once_by_inbox(received(5))
    assert five.state.available == 5


def test_each_location_has_a_book_of_its_own() -> None:
    item = five.given(received(3, "busan")).state
    assert [balance.on_hand for balance in item.balances.values()] == [5, 3]
    assert item.available == 8


def test_a_receipt_of_nothing_is_no_receipt() -> None:
    with pytest.raises(ValidationError):
        stock(ReceiveStock, receipt_id="in-1", pieces=0)


# Counts.


def test_a_count_says_what_the_book_said_and_puts_it_right() -> None:
    five.when(stock(CountStock, count_id="n1", counted=3)).then_once_by_inbox(counted(3, 5))
    assert five.given(counted(3, 5)).state.available == 3


def test_counting_again_finds_no_difference() -> None:
    again = five.given(counted(3, 5)).when(stock(CountStock, count_id="n1", counted=3))
    again.then_once_by_inbox(counted(3, 3))


def test_more_than_the_book_says_is_found() -> None:
    a_sku.when(stock(CountStock, count_id="n1", counted=4)).then_once_by_inbox(counted(4, 0))


def test_a_count_below_what_is_promised_is_recorded_and_said() -> None:
    risk = OrderAtRisk(order="naver:main:1001", line="1", pieces=2, ship_by=None)
    short = discrepancy("reservation_shortfall", "n1", 2, 1, at_risk=[risk], at_risk_lines=1)
    two_promised.when(stock(CountStock, count_id="n1", counted=1)).then_once_by_inbox(counted(1, 5), short)
    assert two_promised.given(counted(1, 5)).state.available == -1


# Adjustments.


def test_an_adjustment_adds() -> None:
    command = stock(AdjustStock, adjustment_id="a1", delta=2, reason="found")
    five.when(command).then_once_by_inbox(adjusted(2))


def test_an_adjustment_takes_away_and_may_say_what_it_was_worth() -> None:
    command = stock(AdjustStock, adjustment_id="a1", delta=-2, reason="broken", unit_price="12.50")
    event = replace(adjusted(-2, reason="broken"), unit_price="12.50")
    five.when(command).then_once_by_inbox(event)


def test_more_taken_away_than_was_there_is_put_right_first() -> None:
    command = stock(AdjustStock, adjustment_id="a1", delta=-7, reason="broken")
    difference = discrepancy("less_on_hand_than_taken", "a1", 5, 7)
    five.when(command).then_once_by_inbox(difference, corrected("a1", 2), adjusted(-7, reason="broken"))


# Quarantine.


def test_doubtful_pieces_go_to_quarantine() -> None:
    command = stock(QuarantineStock, quarantine_id="k1", pieces=2, reason="wet")
    five.when(command).then_once_by_inbox(quarantined(2))
    assert five.given(quarantined(2)).state.available == 3


def test_pieces_found_fit_come_back_from_quarantine() -> None:
    command = stock(QuarantineStock, quarantine_id="k1", pieces=-2, reason="wet")
    five.given(quarantined(2)).when(command).then_once_by_inbox(quarantined(-2))


def test_more_than_is_in_quarantine_does_not_come_back() -> None:
    command = stock(QuarantineStock, quarantine_id="k1", pieces=-3, reason="wet")
    difference = discrepancy("more_released_than_quarantined", "k1", 2, 3)
    five.given(quarantined(2)).when(command).then_once_by_inbox(difference, quarantined(-2))


def test_nothing_comes_back_from_an_empty_quarantine() -> None:
    command = stock(QuarantineStock, quarantine_id="k1", pieces=-1, reason="wet")
    difference = discrepancy("more_released_than_quarantined", "k1", 0, 1)
    five.when(command).then_once_by_inbox(difference)


def test_more_quarantined_than_was_there_is_put_right_first() -> None:
    command = stock(QuarantineStock, quarantine_id="k1", pieces=6, reason="wet")
    difference = discrepancy("less_on_hand_than_taken", "k1", 5, 6)
    five.when(command).then_once_by_inbox(difference, corrected("k1", 1), quarantined(6))


# Returned pieces.


def test_returned_pieces_wait_in_quarantine() -> None:
    a_sku.when(QuarantineReturn("r1", "1", "main", 3)).then_once_by_inbox(came_back)
    assert a_sku.given(came_back).state.available == 0


def test_an_inspected_piece_goes_back_on_sale() -> None:
    restocked = happened(ReturnRestocked, pieces=1, **in_return)
    a_sku.given(came_back).when(RestockReturn("r1", "1", "main", 1)).then_once_by_inbox(restocked)
    assert a_sku.given(came_back, restocked).state.available == 1


def test_a_piece_that_is_scrapped_never_was_on_sale() -> None:
    scrapped = happened(ReturnScrapped, pieces=2, **in_return)
    a_sku.given(came_back).when(ScrapReturn("r1", "1", "main", 2)).then_once_by_inbox(scrapped)
    balance = a_sku.given(came_back, scrapped).state.balances["main"]
    assert (balance.on_hand, balance.quarantine) == (0, 1)


@pytest.mark.parametrize("step", [RestockReturn("r1", "1", "main", 3), ScrapReturn("r1", "1", "main", 3)])
def test_pieces_let_out_of_quarantine_by_hand_are_not_let_out_again_by_the_inspection(
    step: RestockReturn | ScrapReturn,
) -> None:
    """Three pieces came back, and two were restocked by hand.  Then the inspection reports all three."""
    after = a_sku.given(came_back, quarantined(-2)).when(step).after()
    assert after.balances["main"].quarantine == 0
