"""Each KPI, with examples that can be checked by hand."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

from domain.order.cancel import CancelLines
from domain.order.dispatch import RecordDispatch
from domain.order.payment import RecordPayment
from domain.order.place import AmendOrder, PlaceOrder
from domain.order.refund import RecordRefund
from domain.order.returns import RequestReturn
from domain.order.review import PostReview
from domain.order.track import RecordTracking
from domain.returns.receive import RecordInspection, RecordReceipt
from domain.stock.book import ReceiveStock
from projections.histogram import BOUNDS, bucket_of, quantile
from projections.instants import SECOND
from projections.kpis import FULFILMENT_KPIS, KpiCell
from projections.verify import recount
from tests.projections.story import Story, at, parsed

HOUR = 3_600 * SECOND


def cells(story: Story, kpi: str) -> dict[str, KpiCell]:
    rows = recount(story.events).rows["fulfilment_kpis"]
    return {row[3]: FULFILMENT_KPIS.read(row) for row in rows.values() if row[4] == kpi}


def rate(story: Story, kpi: str) -> tuple[int, int]:
    """Numerator and denominator long after all limits."""
    matches = cells(story, kpi).values()
    return sum(cell.numerator for cell in matches), sum(cell.denominator for cell in matches)


def of(order: str = "1", **fields: Any) -> dict[str, Any]:
    return {"channel": "naver", "order_id": order, **fields}


def placed(order: str = "1", pieces: int = 1, **fields: Any) -> PlaceOrder:
    line = {"line": "1", "sku": "CHAIR", "pieces": pieces, "unit_price": "10000"}
    return parsed(PlaceOrder, **of(order, currency="KRW", lines=[line], **fields))


def paid(order: str = "1", pieces: int = 1) -> RecordPayment:
    return parsed(RecordPayment, **of(order, payment_id="p", amount=10_000 * pieces))


def sent(order: str = "1", **fields: Any) -> RecordDispatch:
    return parsed(RecordDispatch, **of(order, shipment_id="box", **fields))


def tracked(status: Any = "delivered", order: str = "1") -> RecordTracking:
    return parsed(RecordTracking, **of(order, shipment_id="box", status=status))


def bought() -> Story:
    story = Story().handle(parsed(ReceiveStock, sku="CHAIR", receipt_id="r", pieces=1_000), at(-9))
    return story.handle(placed(promise_at=at(3)), at()).handle(paid(), at(hours=2))


def test_processing_time_runs_from_payment_to_the_first_dispatch() -> None:
    cell = cells(bought().handle(sent(), at(hours=7)), "processing_time")["2026-03-04"]
    assert (cell.measured, cell.total) == (1, 5 * HOUR)


def test_a_parcel_that_left_before_it_was_paid_has_no_processing_time() -> None:
    assert cells(bought().handle(sent(), at(hours=1)), "processing_time") == {}


def test_a_payment_before_the_order_has_no_approval_time() -> None:
    story = Story().handle(placed(), at(hours=2)).handle(paid(), at())
    assert cells(story, "approval_time") == {}


def test_an_inferred_hand_over_counts_in_no_kpi_of_the_hand_over() -> None:
    story = bought().handle(sent(), at(9), inferred=True).handle(tracked(), at(9))
    assert cells(story, "processing_time") == {}
    assert cells(story, "on_time_shipment") == {}
    assert cells(story, "delivery_time")["2026-03-04"].measured == 1, "the delivery was reported"


def test_approval_time_runs_from_placement_to_payment() -> None:
    assert cells(bought(), "approval_time")["2026-03-04"].total == 2 * HOUR


def test_delivery_time_runs_from_placement_to_the_last_delivery_of_a_whole_order() -> None:
    story = bought().handle(sent(), at(hours=7)).handle(tracked(), at(2))
    assert cells(story, "delivery_time")["2026-03-04"].total == 48 * HOUR


def test_an_order_half_delivered_has_no_delivery_time_yet() -> None:
    story = Story().handle(placed(pieces=2), at()).handle(paid(pieces=2), at())
    half = sent(lines=[{"line": "1", "pieces": 1}])
    assert cells(story.handle(half, at(1)).handle(tracked(), at(2)), "delivery_time") == {}


def test_report_lag_runs_from_the_delivery_to_its_report() -> None:
    story = bought().handle(sent(), at(1)).handle(tracked(), at(2), reported_at=at(5))
    assert cells(story, "report_lag")["2026-03-06"].total == 72 * HOUR


def test_an_open_line_counts_by_its_limit_and_is_not_in_time_until_it_left() -> None:
    story = bought()
    assert rate(story, "on_time_shipment") == (0, 1)
    assert rate(story.handle(sent(), at(1)), "on_time_shipment") == (1, 1)


def test_a_line_handed_over_after_its_limit_is_late() -> None:
    assert rate(bought().handle(sent(), at(9)), "on_time_shipment") == (0, 1)


def test_a_limit_at_midnight_belongs_to_the_day_that_it_ends() -> None:
    """Paid on Wednesday, due three business days later at 24:00: Monday."""
    assert set(cells(bought(), "on_time_shipment")) == {"2026-03-09"}


def in_two_parcels(*days: float) -> Story:
    story = Story().handle(placed(pieces=2), at()).handle(paid(pieces=2), at())
    for number, day in enumerate(days):
        box = parsed(RecordDispatch, **of(shipment_id=f"{number}", lines=[{"line": "1", "pieces": 1}]))
        story.handle(box, at(day))
    return story


def test_a_line_is_in_time_only_when_all_its_pieces_are() -> None:
    assert rate(in_two_parcels(1), "on_time_shipment") == (0, 1)
    assert rate(in_two_parcels(1, 9), "on_time_shipment") == (0, 1)
    assert rate(in_two_parcels(9, 1), "on_time_shipment") == (0, 1)
    assert rate(in_two_parcels(1, 2), "on_time_shipment") == (1, 1)


def test_on_the_promised_day_is_late_by_the_clock_and_in_time_by_the_calendar() -> None:
    story = bought().handle(sent(), at(1)).handle(tracked(), at(3, hours=2))
    assert rate(story, "on_time_delivery") == (0, 1)
    assert rate(story, "on_time_delivery_day") == (1, 1)


def test_a_promise_until_midnight_is_broken_on_the_next_day() -> None:
    """A promise of a policy ends at midnight, exclusive.  A delivery on the next day breaks it."""
    where = {"country": "KR", "zone": "metro"}
    story = Story().handle(placed(destination=where).model_copy(update={"channel": "own"}), at())
    story.handle(paid().model_copy(update={"channel": "own"}), at())
    assert set(cells(story, "on_time_delivery_day")) == {"2026-03-05"}


def test_cancels_are_counted_by_fault() -> None:
    story = bought().handle(placed("2"), at()).handle(paid("2"), at())
    cancel = parsed(
        CancelLines, **of(cancellation_id="c", lines=[{"line": "1", "pieces": 1}], reason="out_of_stock")
    )
    story.handle(cancel, at(1))
    assert rate(story, "cancel_rate") == (1, 2)
    assert rate(story, "cancel_rate:seller") == (1, 0)
    assert rate(story, "cancel_rate:customer") == (0, 0)
    assert rate(story, "out_of_stock_cancel_rate") == (1, 2)
    assert rate(story, "order_fulfilment") == (1, 2)


def test_fill_rates_of_the_golden_rows() -> None:
    """200 pieces requested, 170 shipped; 6 lines, 4 complete; 2 orders, none complete."""
    story = Story()
    for order, whole in (("a", 60), ("b", 40)):
        pieces = {"1": whole, "2": 20, "3": 30}
        lines = [{"line": name, "sku": f"S{name}", "pieces": n} for name, n in pieces.items()]
        story.handle(parsed(PlaceOrder, **of(order, currency="KRW", lines=lines)), at())
        short = {**pieces, "3": pieces["3"] - 15}
        box = [{"line": name, "pieces": n} for name, n in short.items()]
        story.handle(sent(order, lines=box), at(1))
    assert rate(story, "unit_fill_rate") == (170, 200)
    assert rate(story, "line_fill_rate") == (4, 6)
    assert rate(story, "order_fill_rate") == (0, 2)


def test_one_late_line_of_two_spoils_the_order_and_half_of_the_lines() -> None:
    story = Story().handle(placed(promise_at=at(3)), at())
    story.handle(
        parsed(AmendOrder, **of(amendment_id="a", lines=[{"line": "2", "sku": "DESK", "pieces": 1}])), at()
    )
    for name, day in (("1", 2), ("2", 4)):
        box = parsed(RecordDispatch, **of(shipment_id=name, lines=[{"line": name, "pieces": 1}]))
        story.handle(box, at(1))
        story.handle(parsed(RecordTracking, **of(shipment_id=name, status="delivered")), at(day))
    assert rate(story, "perfect_order") == (0, 1)
    assert rate(story, "perfect_line") == (1, 2)


def returned() -> Story:
    story = bought().handle(sent(), at(1)).handle(tracked(), at(2))
    wish = of(return_id="R", lines=[{"line": "1", "pieces": 1}], reason="defect")
    story.handle(parsed(RequestReturn, **wish), at(3)).handle(parsed(RecordReceipt, return_id="R"), at(5))
    units = [{"line": "1", "pieces": 1, "condition": "defective", "disposition": "scrap"}]
    return story.handle(parsed(RecordInspection, return_id="R", inspection_id="1", units=units), at(6))


def test_returns_count_by_reason_on_the_day_of_delivery() -> None:
    assert rate(returned(), "return_rate") == (1, 1)
    assert {day: cell.numerator for day, cell in cells(returned(), "return_rate:defect").items()} == {
        "2026-03-06": 1
    }


def test_refund_cycle_time_runs_from_receipt_to_refund() -> None:
    refund = parsed(RecordRefund, **of(refund_id="f", amount=10_000, cause="return", return_id="R"))
    assert cells(returned().handle(refund, at(7)), "refund_cycle_time")["2026-03-09"].total == 48 * HOUR


def test_only_the_latest_review_of_an_order_counts() -> None:
    story = bought().handle(parsed(PostReview, **of(review_id="b", score=5)), at(4))
    story.handle(parsed(PostReview, **of(review_id="a", score=2)), at(3))
    cell = cells(story, "satisfaction")["2026-03-08"]
    assert (cell.numerator, cell.denominator, cell.total) == (1, 1, 5)


def test_a_late_event_corrects_a_past_day() -> None:
    story = bought().handle(sent(), at(1)).handle(tracked(), at(2))
    assert rate(story, "on_time_delivery") == (1, 1)
    story.handle(tracked("out_for_delivery"), at(2, hours=1)).handle(tracked(), at(20))
    assert rate(story, "on_time_delivery") == (0, 1)
    assert {day: cell.total for day, cell in cells(story, "delivery_time").items()} == {
        "2026-03-04": 20 * 24 * HOUR
    }


def test_days_are_those_of_the_sellers_time_zone() -> None:
    story = Story(zone="Etc/GMT+3").handle(placed(), at(hours=-1)).handle(paid(), at(hours=1))
    assert set(cells(story, "approval_time")) == {"2026-03-03"}
    assert set(cells(story, "order_fulfilment")) == {"2026-03-04"}


def test_a_quantile_is_off_by_at_most_a_twentieth() -> None:
    for seconds in (2, 59, 3_600, 86_400, 10_000_000):
        result = quantile({bucket_of(seconds * SECOND): 7}, Fraction(9, 10))
        assert result is not None
        assert abs(result - seconds * SECOND) <= seconds * SECOND / 20
    assert BOUNDS[-1] > timedelta(days=365 * 250) / timedelta(microseconds=1)
