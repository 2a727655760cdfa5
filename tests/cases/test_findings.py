"""Wrong decisions of an earlier build are findings, and the message that `verify` names corrects each."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from domain.cascade import Deciders
from domain.findings import Finding, check_order
from domain.message import Event
from domain.order.discrepancy import OrderDiscrepancyDetected
from domain.order.payment import OrderPaid, RecordPayment
from domain.order.refund import WorkOutRefund
from domain.returns.receive import RecordReceipt
from domain.stock.book import RestockReturn
from domain.stock.reservations import Release, ReservePacked, Ship
from domain.stock.state import StockAdjusted
from domain.streams import order_stream
from tests.bugs import deciding, without
from tests.cases.shop import DAY, O1, Shop, ordered

CHAIR = {"line": "1", "pieces": 1}


def silent(_: object, events: list[Event]) -> list[Event]:
    """It recorded no discrepancies."""
    return [event for event in events if not isinstance(event, OrderDiscrepancyDetected)]


def twice(command: Any, events: list[Event]) -> list[Event]:
    """It restocked a piece twice."""
    return events * 2 if isinstance(command, RestockReturn) else events


def received_twice(command: Any, events: list[Event]) -> list[Event]:
    """It recorded the arrival of a piece twice."""
    return events * 2 if isinstance(command, RecordReceipt) else events


def uncorrected(_: object, events: list[Event]) -> list[Event]:
    """It let the book become negative."""
    return [event for event in events if not isinstance(event, StockAdjusted)]


def paid_by_any_payment(command: Any, events: list[Event]) -> list[Event]:
    """Any payment made an order paid."""
    if not isinstance(command, RecordPayment):
        return events
    data: dict[str, Any] = {"payment_id": command.payment_id, "amount": command.amount}
    due: dict[str, Any] = {"ship_by": None, "promise_at": None, "policy": None, "calendar": None}
    return [OrderPaid(at=event.at, **data, **due) for event in events]


def bought(deciders: Deciders, *lines: dict[str, Any], paid: bool = True) -> Shop:
    """Given an earlier build, ten chairs, and an order."""
    shop = Shop(deciders)
    shop.receive("CHAIR", 10)
    shop.place(*(lines or [ordered(2)]), paid=paid)
    return shop


def correct(shop: Shop, finding: Finding, **filled_in: Any) -> None:
    """When this build takes over, and the message of the finding is sent."""
    shop.upgrade()
    assert finding.correction is not None
    kind = finding.correction.type.removeprefix("jumun.inbound.").removesuffix(".v1")
    outcome = shop.send(kind, "2026-03-20T10:00", **{**finding.correction.data, **filled_in})
    assert outcome.state == "accepted"


def test_a_reservation_that_outlived_a_cancel_is_released() -> None:
    shop = bought(without("stock", Release))
    shop.send("order-cancelled", **O1, cancellation_id="c1", lines=[CHAIR], reason="customer_request")
    (finding,) = shop.findings()
    assert str(finding) == "I9 stock/acme/CHAIR: 1 more reserved for naver:main:O1 line 1 than it holds"
    correct(shop, finding)
    assert shop.findings() == []
    assert shop.stock("CHAIR").available == 9


def test_packed_pieces_without_a_reservation_are_reserved() -> None:
    shop = bought(without("stock", ReservePacked), paid=False)
    shop.send("shipment-packed", **O1, shipment_id="s1", lines=[{"line": "1", "pieces": 2}])
    (finding,) = shop.findings()
    assert finding.what == "2 fewer reserved for naver:main:O1 line 1 than it holds"
    correct(shop, finding)
    assert shop.findings() == []
    assert shop.stock("CHAIR").available == 8


def test_a_refund_that_nobody_recorded_as_owed_falls_due() -> None:
    shop = bought(without("order", WorkOutRefund))
    shop.send("order-cancelled", **O1, cancellation_id="c1", lines=[CHAIR], reason="customer_request")
    (finding,) = shop.findings()
    assert str(finding) == (
        "I17 order/acme/naver:main:O1: 10000 are owed to the buyer, and not recorded as owed"
    )
    correct(shop, finding)
    assert shop.findings() == []
    (owed,) = shop.events("RefundOwed")
    assert (owed.cause, owed.amount) == ("check", 10_000)


def test_a_refund_of_more_than_was_captured_becomes_a_discrepancy() -> None:
    shop = bought(deciding("order", silent))
    shop.send("refund-recorded", **O1, refund_id="r1", amount=25_000, cause="goodwill")
    (finding,) = shop.findings()
    assert str(finding) == "I5 order/acme/naver:main:O1: refunded 25000 of 20000"
    correct(shop, finding)
    assert shop.findings() == []
    (discrepancy,) = shop.events("OrderDiscrepancyDetected")
    assert discrepancy.kind == "refunded_more_than_captured"
    assert (discrepancy.expected, discrepancy.observed) == ("at most 20000", "25000")
    assert discrepancy.at == datetime.fromisoformat("2026-03-20T10:00+09:00"), "when it was checked"


def test_an_order_that_counts_as_paid_too_early_is_paid_by_the_rest() -> None:
    shop = bought(deciding("order", paid_by_any_payment), paid=False)
    shop.send("order-paid", **O1, payment_id="p1", amount=5_000)
    (finding,) = shop.findings()
    assert str(finding) == (
        "I18 order/acme/naver:main:O1: counts as paid, although 15000 of its price were not captured"
    )
    correct(shop, finding, payment_id="p2")
    assert shop.findings() == []


def test_a_parcel_that_never_left_the_book_is_settled_by_a_count() -> None:
    shop = bought(without("stock", Ship))
    shop.send("shipment-dispatched", **O1, shipment_id="s1")
    sent, reserved = shop.findings()
    assert str(sent) == "I10 stock/acme/CHAIR: 2 more orders sent than left stock"
    assert reserved.what == "2 more reserved for naver:main:O1 line 1 than it holds"
    correct(shop, reserved)
    correct(shop, sent, count_id="n1", location="main", counted=8)
    (settled,) = shop.findings()
    assert settled.settled
    assert shop.stock("CHAIR").available == 8


def test_what_was_settled_is_open_again_when_it_grows() -> None:
    shop = bought(without("stock", Ship))
    shop.send("shipment-dispatched", **O1, shipment_id="s1", lines=[CHAIR])
    shop.send("stock-counted", count_id="n1", sku="CHAIR", counted=9)
    assert [finding.settled for finding in shop.findings() if finding.rule == "I10"] == [True]
    shop.send("shipment-dispatched", **O1, shipment_id="s2", lines=[CHAIR])
    assert [finding.settled for finding in shop.findings() if finding.rule == "I10"] == [False]


def test_a_piece_that_was_restocked_twice_is_settled_by_a_count() -> None:
    shop = bought(deciding("stock", twice))
    shop.send("shipment-dispatched", **O1, shipment_id="s1")
    shop.send("return-requested", **O1, return_id="r1", lines=[CHAIR], reason="defect")
    shop.send("return-received", return_id="r1", lines=[CHAIR])
    unit = {**CHAIR, "condition": "new", "disposition": "restock"}
    shop.send("return-inspected", return_id="r1", inspection_id="i1", units=[unit])
    rules = {finding.rule: finding for finding in shop.findings()}
    assert rules["I11"].what == "1 more were inspected than came back"
    assert rules["I8"].what == "at main: -1 in quarantine"
    assert rules["I8"].correction is not None
    assert rules["I8"].correction.data["pieces"] == 1, "as many as are missing there"
    correct(shop, rules["I8"], quarantine_id="q1", reason="restocked twice")
    correct(shop, rules["I11"], count_id="n1", location="main", counted=9)
    (settled,) = shop.findings()
    assert settled.settled
    assert shop.on_hand("CHAIR") == 9


def test_a_book_that_became_negative_is_corrected_by_a_count() -> None:
    shop = bought(deciding("stock", uncorrected))
    shop.send("stock-counted", count_id="n1", sku="CHAIR", counted=0)
    shop.send("shipment-dispatched", **O1, shipment_id="s1")
    (finding,) = shop.findings()
    assert str(finding) == "I8 stock/acme/CHAIR: at main: -2 on hand"
    correct(shop, finding, count_id="n2", counted=0)
    assert shop.findings() == []
    assert shop.on_hand("CHAIR") == 0


def test_a_piece_that_came_back_twice_is_settled_by_a_check_and_a_count() -> None:
    shop = bought(deciding("return", received_twice), ordered(1))
    shop.send("shipment-dispatched", **O1, shipment_id="s1")
    shop.send("return-requested", **O1, return_id="r1", lines=[CHAIR], reason="defect")
    shop.send("return-received", return_id="r1", lines=[CHAIR])
    order, stock = shop.findings()
    assert str(order) == "I4 order/acme/naver:main:O1: line 1: 1 more came back than were sent"
    assert str(stock) == "I8 stock/acme/CHAIR: 1 more came back than were shipped"
    correct(shop, order)
    correct(shop, stock, count_id="n1", location="main", counted=9)
    assert [finding.settled for finding in shop.findings()] == [True, True]


def test_the_check_of_an_order_names_its_whole_id() -> None:
    stream = order_stream("acme", "naver", "main", "2026:03:1")
    assert check_order(stream).data == {"channel": "naver", "account": "main", "order_id": "2026:03:1"}


def order_rows(shop: Shop) -> list[Any]:
    """The rows of the orders without what only tells when they were recorded."""
    return [replace(row, position=0, recorded_at=0) for row in shop.rows("order_status")]


def test_an_order_without_mistakes_is_the_same_after_a_check() -> None:
    shop = bought(without("stock"))
    before = order_rows(shop)
    assert shop.send("order-check-requested", f"{DAY}T12:00", **O1).state == "accepted"
    assert shop.event_names()[-1] == "OrderChecked"
    assert order_rows(shop) == before


@pytest.mark.parametrize("field", ["order_id", "account"])
def test_a_check_of_an_order_that_is_not_there_waits_for_it(field: str) -> None:
    shop = bought(without("stock"))
    outcome = shop.send("order-check-requested", **{**O1, field: "other"})
    assert outcome.state == "parked"
