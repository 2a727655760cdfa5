"""Low stock and sold out are recorded once per crossing; recovery only well above the threshold."""

from dataclasses import replace

from domain.stock import STOCK
from domain.stock.book import ReceiveStock
from domain.stock.reservations import Confirm, Reserve
from domain.stock.state import LowStockDetected, SoldOutDetected, StockRecovered
from tests.domain.messages import (
    ORDER_1001,
    ORDER_1002,
    backordered,
    received,
    reserved,
    stock,
    stock_policies,
)
from tests.given import Given, happened

a_sku = Given(STOCK).under(stock_policies(safety_stock=2, low_stock={"units": 10, "clear_at": 15}))
twenty = a_sku.given(received(20))


def low(available: int) -> LowStockDetected:
    return happened(LowStockDetected, available=available, threshold=10, policy="stock-test@1")


def sold_out(available: int) -> SoldOutDetected:
    return happened(SoldOutDetected, available=available, safety_stock=2, policy="stock-test@1")


def recovered(available: int) -> StockRecovered:
    return happened(StockRecovered, available=available, policy="stock-test@1")


def receive(pieces: int) -> ReceiveStock:
    return stock(ReceiveStock, receipt_id="in-2", pieces=pieces)


def test_above_the_threshold_nothing_is_said() -> None:
    twenty.when(Reserve(ORDER_1001, "1", 9)).then(reserved(9))


def test_low_stock_is_said_at_the_threshold() -> None:
    twenty.when(Reserve(ORDER_1001, "1", 10)).then(reserved(10), low(10))


def test_low_stock_is_said_once() -> None:
    lower = twenty.given(reserved(10), low(10))
    lower.when(Reserve(ORDER_1002, "1", 3)).then(reserved(3, ORDER_1002))


def test_a_little_above_the_threshold_is_still_low() -> None:
    lower = twenty.given(reserved(10), low(10))
    lower.when(receive(4)).then_once_by_inbox(received(4, receipt_id="in-2"))


def test_well_above_the_threshold_stock_has_recovered() -> None:
    lower = twenty.given(reserved(10), low(10))
    lower.when(receive(5)).then_once_by_inbox(received(5, receipt_id="in-2"), recovered(15))


def test_after_it_recovered_low_stock_is_said_anew() -> None:
    again = twenty.given(reserved(10), low(10), received(5), recovered(15))
    again.when(Reserve(ORDER_1002, "1", 5)).then(reserved(5, ORDER_1002), low(10))


def test_stock_is_sold_out_when_only_the_safety_stock_is_left() -> None:
    lower = twenty.given(reserved(10), low(10))
    lower.when(Reserve(ORDER_1002, "1", 8)).then(reserved(8, ORDER_1002), sold_out(2))


def test_sold_out_is_said_once() -> None:
    out = twenty.given(reserved(18), sold_out(2))
    out.when(Reserve(ORDER_1002, "1", 3)).then(reserved(2, ORDER_1002), backordered(1, ORDER_1002))


def test_one_decision_says_the_worst_of_two_crossings() -> None:
    twenty.when(Reserve(ORDER_1001, "1", 20)).then(reserved(20), sold_out(0))


def test_from_sold_out_a_little_is_low_and_a_lot_is_well() -> None:
    out = twenty.given(reserved(20), sold_out(0))
    out.when(receive(5)).then_once_by_inbox(received(5, receipt_id="in-2"), low(5))
    out.when(receive(15)).then_once_by_inbox(received(15, receipt_id="in-2"), recovered(15))


def test_a_receipt_that_goes_to_who_waits_alarms_nobody() -> None:
    out = twenty.given(reserved(20), sold_out(0), backordered(15, ORDER_1002))
    out.when(receive(15)).then_once_by_inbox(received(15, receipt_id="in-2"), reserved(15, ORDER_1002))


def test_nothing_happened_nothing_is_said() -> None:
    a_sku.when(Confirm(ORDER_1001, "1")).then()


def test_without_a_limit_for_low_stock_only_sold_out_is_reported() -> None:
    plain = twenty.under(stock_policies(safety_stock=2, low_stock=None))
    plain.when(Reserve(ORDER_1001, "1", 17)).then(reserved(17))
    plain.when(Reserve(ORDER_1001, "1", 18)).then(reserved(18), sold_out(2))
    plain.given(reserved(18), sold_out(2)).when(receive(1)).then_once_by_inbox(
        received(1, receipt_id="in-2"), recovered(3)
    )


def test_a_seller_without_alerts_is_never_alarmed() -> None:
    twenty.under(stock_policies()).when(Reserve(ORDER_1001, "1", 20)).then(reserved(20))


def test_each_alert_names_the_version_of_the_policy_it_followed() -> None:
    changed = stock_policies(version=7, low_stock={"units": 10, "clear_at": 15})
    alert = replace(low(10), policy="stock-test@7")
    twenty.under(changed).when(Reserve(ORDER_1001, "1", 10)).then(reserved(10), alert)
