"""How an order is placed and paid, and when it is due."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain.order import ORDER
from domain.order.allocate import MirrorAllocation
from domain.order.cancel import CancelLines, DecideCancel, RecordCancellation, RequestCancel
from domain.order.dispatch import DispatchShipment, RecordDispatch
from domain.order.pack import PackShipment, QualityCheck, RecordPacking
from domain.order.payment import PaymentCaptured, RecordPayment
from domain.order.place import (
    AcknowledgeOrder,
    AmendOrder,
    ClaimStatus,
    Destination,
    NoteOrder,
    OrderAcknowledged,
    OrderAmended,
    OrderedLine,
    OrderNoted,
    PlaceOrder,
    StatusClaimed,
)
from domain.order.refund import RecordRefund
from domain.order.returns import RequestReturn
from domain.order.review import PostReview
from domain.order.state import OrderCommand
from domain.order.track import RecordTracking
from domain.policies.defaults import DEFAULTS, KR_STD
from domain.policies.documents import CutOffOn, adopt
from tests.domain.messages import (
    SHIP_BY,
    contradiction,
    order,
    order_paid,
    order_placed,
    ordered,
    some,
    stock_policies,
)
from tests.given import NOON, Given, at, happened

an_order = Given(ORDER)
placed = order_placed(ordered(2), region="metro", country="KR", distance_km=30)

CHAIRS = OrderedLine(line="1", sku="CHAIR", pieces=2, unit_price="1000")
TABLE = OrderedLine(line="2", sku="TABLE", pieces=1, unit_price="9000")
TO_SEOUL = Destination(country="KR", zone="metro", distance_km=30)

SEOUL = ZoneInfo("Asia/Seoul")


def korea(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SEOUL)


def test_an_order_is_placed_with_what_decisions_need() -> None:
    command = order(PlaceOrder, currency="KRW", lines=(CHAIRS,), destination=TO_SEOUL)
    an_order.when(command).then(placed)


def test_an_order_told_twice_in_two_messages_is_placed_once() -> None:
    an_order.given(placed).when(order(PlaceOrder, currency="KRW", lines=(CHAIRS,))).then()


def test_a_channel_that_tells_fewer_lines_the_second_time_contradicts_nothing() -> None:
    an_order.given(placed).when(order(PlaceOrder, currency="KRW")).then()


def test_an_order_placed_again_with_other_lines_is_a_discrepancy_said_once() -> None:
    again = order(PlaceOrder, currency="KRW", lines=(TABLE,))
    differs = contradiction("placed_again_differently", "lines", "[('1', 'CHAIR', 2)]", "[('2', 'TABLE', 1)]")
    an_order.given(placed).when(again).then(differs)


def test_where_the_policy_holds_stock_for_the_unpaid_the_order_says_until_when() -> None:
    command = order(PlaceOrder, currency="KRW", lines=(CHAIRS,), destination=TO_SEOUL)
    held = replace(placed, hold_until=at(minutes=30), policy="stock-test@1")
    an_order.under(stock_policies(hold_unpaid_minutes=30)).when(command).then(held)
    an_order.under(stock_policies(channel_holds={"naver:main": 30})).when(command).then(held)


def test_no_line_is_named_twice_in_an_order() -> None:
    with pytest.raises(ValidationError, match="a line is named twice"):
        order(PlaceOrder, currency="KRW", lines=(CHAIRS, CHAIRS))


@pytest.mark.parametrize(
    "command",
    [
        order(AmendOrder, amendment_id="a1", lines=(TABLE,)),
        order(RecordPayment, payment_id="p1", amount=5_000),
        order(AcknowledgeOrder),
        order(NoteOrder, note_id="n1", kind="picked"),
        order(ClaimStatus, status="PAYED"),
        order(RequestCancel, request_id="q1", lines=some(1)),
        order(DecideCancel, request_id="q1", approve=True),
        order(CancelLines, cancellation_id="c1", lines=some(1), reason="other"),
        order(RecordCancellation, cancellation_id="c1", reason="other"),
        order(
            PackShipment, shipment_id="s1", lines=some(1), quality_check=QualityCheck(passed=True, by="lee")
        ),
        order(RecordPacking, shipment_id="s1"),
        order(DispatchShipment, shipment_id="s1"),
        order(RecordDispatch, shipment_id="s1"),
        order(RecordTracking, shipment_id="s1", status="delivered"),
        order(RecordRefund, refund_id="f1", amount=1, cause="cancel"),
        order(PostReview, review_id="v1", score=5),
        order(RequestReturn, return_id="r1", lines=some(1), reason="defect"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_whatever_comes_before_its_order_waits_for_it(command: OrderCommand) -> None:
    an_order.when(command).then_too_early("order 1001")


def test_a_step_of_the_process_never_comes_before_its_order() -> None:
    an_order.when(MirrorAllocation("1", 1)).then_too_early("its order")


def test_the_channel_may_add_lines() -> None:
    added = happened(OrderAmended, amendment_id="a1", lines=[ordered(1, "2", "TABLE", unit_price="9000")])
    an_order.given(placed).when(order(AmendOrder, amendment_id="a1", lines=(TABLE,))).then(added)


def test_only_the_lines_not_known_are_added() -> None:
    added = happened(OrderAmended, amendment_id="a1", lines=[ordered(1, "2", "TABLE", unit_price="9000")])
    an_order.given(placed).when(order(AmendOrder, amendment_id="a1", lines=(CHAIRS, TABLE))).then(added)


def test_an_amendment_of_nothing_new_is_nothing() -> None:
    an_order.given(placed).when(order(AmendOrder, amendment_id="a1", lines=(CHAIRS,))).then()


def test_the_first_payment_sets_the_deadline_with_its_policy_and_calendar() -> None:
    an_order.given(placed).when(order(RecordPayment, payment_id="p1", amount=2_000)).then(order_paid(2_000))


def test_a_second_payment_moves_no_deadline() -> None:
    second = happened(PaymentCaptured, payment_id="p2", amount=700)
    too_much = contradiction("paid_more_than_owed", "p2", "at most 0", "700")
    command = order(RecordPayment, payment_id="p2", amount=700)
    an_order.given(placed, order_paid()).when(command).then(second, too_much)


def test_a_payment_told_twice_is_captured_once() -> None:
    again = order(RecordPayment, payment_id="p1", amount=5_000)
    an_order.given(placed, order_paid()).when(again, at=at(days=1)).then()


@pytest.mark.parametrize(
    ("paid", "leaves"),
    [
        (korea("2026-03-04", "12:59:59"), korea("2026-03-04", "17:00")),
        (korea("2026-03-04", "13:00:00"), korea("2026-03-05", "17:00")),
        (korea("2026-03-04", "13:00:01"), korea("2026-03-05", "17:00")),
        (datetime(2026, 3, 4, 4, 30, tzinfo=UTC), korea("2026-03-05", "17:00")),  # 13:30 in Seoul
        (korea("2026-03-06", "14:00"), korea("2026-03-09", "17:00")),  # over the weekend
        (korea("2026-02-13", "13:00"), korea("2026-02-19", "17:00")),  # over Seollal
    ],
)
def test_paid_strictly_before_the_cut_off_of_a_business_day_leaves_that_day(
    paid: datetime, leaves: datetime
) -> None:
    command = order(RecordPayment, channel="shopify", payment_id="p1", amount=5_000)
    due = order_paid(5_000, at=paid, ship_by=leaves.astimezone(UTC), policy="kr-std@1")
    an_order.given(order_placed()).when(command, at=paid).then(due)


@pytest.mark.parametrize(
    ("paid", "due"),
    [
        (korea("2026-03-09", "23:59"), datetime(2026, 3, 12, 15, tzinfo=UTC)),  # Thursday 24:00 in Seoul
        (korea("2026-02-13", "10:00"), datetime(2026, 2, 23, 15, tzinfo=UTC)),  # Seollal 16 to 18
    ],
)
def test_naver_is_due_at_the_end_of_the_third_business_day(paid: datetime, due: datetime) -> None:
    command = order(RecordPayment, payment_id="p1", amount=2_000)
    an_order.given(placed).when(command, at=paid).then(order_paid(2_000, at=paid, ship_by=due))


def test_near_the_shop_and_in_time_it_leaves_and_arrives_the_same_day() -> None:
    command = order(RecordPayment, channel="shopify", payment_id="p1", amount=2_000)
    due = order_paid(2_000, ship_by=at(hours=3), promise_at=at(hours=12), policy="kr-std@1")
    an_order.given(placed).when(command).then(due)


def test_where_it_goes_says_how_long_it_is_on_its_way() -> None:
    far = order_placed(region="remote", distance_km=400)
    command = order(RecordPayment, channel="shopify", payment_id="p1", amount=5_000)
    due = order_paid(5_000, ship_by=at(hours=5), promise_at=SHIP_BY, policy="kr-std@1")
    an_order.given(far).when(command).then(due)


def test_a_day_on_which_the_shop_closes_early_is_the_adopted_version_of_the_policy() -> None:
    changed = {"version": 2, "overrides": (CutOffOn(date=date(2026, 3, 4), cut_off="11:00"),)}
    policies = adopt(DEFAULTS, KR_STD.model_copy(update=changed))
    command = order(RecordPayment, channel="shopify", payment_id="p1", amount=5_000)
    due = order_paid(5_000, ship_by=at(days=1, hours=5), policy="kr-std@2")
    an_order.under(policies).given(order_placed()).when(command).then(due)


def test_a_deadline_once_set_is_not_moved_by_a_policy_adopted_later() -> None:
    paid = an_order.given(placed, order_paid())
    later = replace(DEFAULTS, promise=(KR_STD.model_copy(update={"version": 2}),))
    assert paid.under(later).state.ship_by == SHIP_BY


def test_the_seller_acknowledges_once() -> None:
    acknowledged = happened(OrderAcknowledged, by="operator:kim")
    an_order.given(placed).when(order(AcknowledgeOrder)).then(acknowledged)


@pytest.mark.parametrize("kind", ["picked", "stock_missing", "reordered", "payment_reminded"])
def test_a_note_changes_no_unit(kind: str) -> None:
    noted = happened(OrderNoted, note_id="n1", kind=kind, lines=["1"])
    an_order.given(placed).when(order(NoteOrder, note_id="n1", kind=kind, lines=("1",))).then(noted)
    assert an_order.given(placed, noted).state.lines == an_order.given(placed).state.lines


def test_a_channels_status_is_a_claim_by_a_source_at_a_time() -> None:
    claim = order(ClaimStatus, status="DEPARTURE")
    an_order.given(placed).when(claim).then(happened(StatusClaimed, status="DEPARTURE"))


def test_the_same_status_at_another_time_is_another_claim() -> None:
    earlier = happened(StatusClaimed, status="DEPARTURE", at=NOON - timedelta(hours=1))
    claim = order(ClaimStatus, status="DEPARTURE")
    an_order.given(placed, earlier).when(claim).then(happened(StatusClaimed, status="DEPARTURE"))
