"""The questions of users, on small stories whose answers can be checked by hand."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.order.cancel import CancelLines
from domain.order.dispatch import RecordDispatch
from domain.order.payment import RecordPayment
from domain.order.place import PlaceOrder
from domain.order.track import RecordTracking
from domain.policies.defaults import STOCK_STD
from domain.policies.penalty_stages import Assessment
from domain.seller import AdoptPolicy
from domain.stock.book import AdjustStock, ReceiveStock
from infra.http.asking.parameters import QuestionParameters
from projections.fold import Recorded
from projections.questions.activity import activity
from projections.questions.catalogue import QUESTIONS
from projections.questions.kpi import kpi
from projections.questions.memory import folded
from projections.questions.net_units import NetUnits, distinct_skus, net_units
from projections.questions.order import order as one_order
from projections.questions.orders import orders
from projections.questions.penalty import PenaltyAnswer, penalty
from projections.questions.plain_rows import as_rows
from projections.questions.question import Question
from projections.questions.returns import returns
from projections.questions.rows import RowReader
from projections.questions.score import score
from projections.questions.stock import stock
from tests.infra.read_models.conftest import Database
from tests.projections.story import Story, at, parsed, together
from tests.projections.test_folds import (
    EVERYTHING,
    claimed,
    of,
    paid,
    placed,
    received,
    sent,
    stocked,
    tracked,
)

Reading = Callable[..., AbstractContextManager[RowReader]]


@contextmanager
def in_memory(events: Sequence[Recorded]) -> Generator[RowReader]:
    yield folded(events)


@contextmanager
def stored(database: Database, events: Sequence[Recorded]) -> Generator[RowReader]:
    models = database.models()
    models.apply(events, after=0)
    try:
        with models.snapshot() as rows:
            yield rows
    finally:
        models.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def reading(request: pytest.FixtureRequest) -> Reading:
    """Opens the rows of stories, in memory and in each database.  The answers are the same."""
    if request.param == "memory":
        return lambda *stories: in_memory(together(stories))
    database: Database = request.getfixturevalue({"sqlite": "on_sqlite"}.get(request.param, "on_postgres"))
    return lambda *stories: stored(database, together(stories))


def now_of(answer: PenaltyAnswer) -> Assessment:
    assert answer.now is not None
    return answer.now


def sold_out(order: str) -> CancelLines:
    lines = [{"line": "1", "pieces": 2}]
    return parsed(CancelLines, **of(order, cancellation_id="k", lines=lines, reason="out_of_stock"))


def in_march(cancels: int, paid_orders: int) -> Story:
    """`paid_orders` orders of Wednesday noon: `cancels` of them are cancelled as sold out, the rest sent."""
    story = Story().handle(received(10_000), at(-9))
    for number in range(paid_orders):
        name = f"{number:02}"
        story.handle(placed(name), at()).handle(paid(name), at())
        story.handle(sold_out(name) if number < cancels else sent(name), at(hours=1))
        if number < cancels:
            story.handle(received(1, f"r{number}"), at(hours=1))
    return story


@pytest.mark.parametrize(
    ("cancels", "orders", "points", "triggered", "more"),
    [(5, 25, 10, True, 0), (5, 26, 10, False, 1), (4, 10, 8, False, 1), (0, 0, 0, False, None)],
)
def test_ten_points_on_forty_percent_of_the_paid_orders_set_off_a_stage(
    reading: Reading, cancels: int, orders: int, points: int, triggered: bool, more: int | None
) -> None:
    with reading(in_march(cancels, orders)) as reader:
        answer = penalty(reader, "acme", "naver", at(1, 3))
    now = now_of(answer)
    assert (now.points, now.paid_orders, now.triggered) == (points, orders, triggered)
    assert answer.more_until_trigger == more
    assert (answer.stage.stage.name if answer.stage else None) == ("주의" if triggered else None)


def test_points_come_the_next_day_and_expire_without_any_event(reading: Reading) -> None:
    with reading(in_march(1, 3)) as reader:
        points = [now_of(penalty(reader, "acme", "naver", at(day))).points for day in (0.2, 1, 30, 31)]
        answer = penalty(reader, "acme", "naver", at(1))
    assert points == [0, 2, 2, 0]
    assert answer.expiring == {date(2026, 4, 4): 2}
    assert [(case.order_id, case.rule, case.points) for case in answer.cases] == [("00", "oos_cancel", 2)]


def test_a_line_not_sent_by_its_limit_costs_a_point_and_one_sent_in_time_none(reading: Reading) -> None:
    story = stocked().handle(placed("late"), at()).handle(paid("late"), at())
    story.handle(placed("good"), at()).handle(paid("good"), at()).handle(sent("good"), at(1))
    story.handle(placed("too late"), at(-60)).handle(paid("too late"), at(-60)).handle(
        sent("too late"), at(-52)
    )
    with reading(story) as reader:
        ahead = penalty(reader, "acme", "naver", at(2))
        after = penalty(reader, "acme", "naver", at(6))
        long_after = penalty(reader, "acme", "naver", at(14))
        before = penalty(reader, "acme", "naver", at(-31))
    assert (now_of(ahead).points, ahead.at_risk_lines, ahead.overdue_lines) == (0, 1, 0)
    assert (now_of(after).points, after.at_risk_lines, after.overdue_lines) == (1, 0, 1)
    assert now_of(long_after).points == 4
    assert [(case.order_id, case.rule) for case in before.cases] == [("too late", "late_dispatch")]


def test_each_channel_shows_its_share_above_the_safety_stock(reading: Reading) -> None:
    shares = {"shopify": Decimal("0.8")}
    policy = STOCK_STD.model_copy(update={"version": 2, "safety_stock": 3, "channel_shares": shares})
    story = stocked().handle(AdoptPolicy(policy=policy), at(-8)).handle(placed(), at()).handle(paid(), at())
    with reading(story) as reader:
        (answer,) = stock(reader, "acme")
    assert (answer.on_hand, answer.reserved, answer.available, answer.safety_stock) == (100, 2, 98, 3)
    assert answer.sellable == {"naver": 95, "shopify": 76}
    assert answer.conserved


def test_an_account_may_show_another_share_than_its_channel(reading: Reading) -> None:
    shares = {"naver": Decimal("0.5"), "naver:second": Decimal("0.1")}
    policy = STOCK_STD.model_copy(update={"version": 2, "channel_shares": shares})
    story = stocked().handle(AdoptPolicy(policy=policy), at(-8))
    with reading(story) as reader:
        (answer,) = stock(reader, "acme")
        (others,) = stock(reader, "acme", shops=("naver:third", "coupang:main"))
    assert answer.sellable == {"naver": 50, "naver:second": 10}
    assert others.sellable == {"naver:third": 50, "coupang:main": 100}


def test_a_sku_that_was_cancelled_as_sold_out_is_for_sale_nowhere(reading: Reading) -> None:
    story = stocked().handle(placed(), at()).handle(paid(), at()).handle(sold_out("1"), at(1))
    with reading(story) as reader:
        (answer,) = stock(reader, "acme", "CHAIR", ("naver", "coupang"))
    assert answer.closed
    assert answer.sellable == {"naver": 0, "coupang": 0}


def test_a_marketplace_order_of_two_sellers_counts_once(reading: Reading) -> None:
    stories = [Story(seller=name) for name in ("a", "b")]
    for story in stories:
        story.handle(placed(promise_at=at(2)), at()).handle(paid(), at(hours=6)).handle(sent(), at(1))
        story.handle(tracked("delivered"), at(2, hours=1)).handle(claimed("delivered"), at(3))
    stories[0].handle(placed("2"), at()).handle(claimed("canceled", "2"), at(1))
    with reading(*stories) as reader:
        every = orders(reader)
        came = orders(reader, claimed_status="delivered")
        cancelled = orders(reader, claimed_status="canceled")
    assert every.orders == 2
    assert every.by_claimed_status == {"canceled": 1, "delivered": 1}
    assert (came.orders, came.delivered, came.by_seller) == (1, 1, {"a": 1, "b": 1})
    assert cancelled.by_seller == {"a": 1}
    assert (came.late_by_timestamp, came.late_by_calendar_day, came.on_the_promised_day) == (1, 0, 1)
    assert came.approval_hours == Decimal(6)
    assert came.delivery_days_floor == Decimal(2)
    assert came.delivery_days is not None
    assert round(came.delivery_days, 4) == Decimal("2.0417")
    assert (came.lines.handed_over, came.lines.handed_over_after_limit) == (2, 0)


def test_lines_with_an_inferred_time_of_dispatch_are_counted_separately(reading: Reading) -> None:
    story = stocked()
    for name, inferred in (("reported", False), ("inferred", True)):
        story.handle(placed(name), at()).handle(paid(name), at()).handle(sent(name), at(9), inferred=inferred)
    with reading(story) as reader:
        left = orders(reader).lines
        points = now_of(penalty(reader, "acme", "naver", at(10))).points
        answer = one_order(reader, "acme", "naver", "inferred")
    assert (left.handed_over, left.handed_over_after_limit, left.handed_over_inferred) == (1, 1, 1)
    assert points == 1, "for the order that is reported as dispatched late"
    assert answer is not None
    assert (answer.lines[0].dispatch_inferred, answer.parcels[0].dispatch_inferred) == (True, True)


def test_lines_are_counted_by_promised_day_and_report_lag(reading: Reading) -> None:
    story = stocked()
    for name, day, reported in (("1", 1, 2), ("2", 2, None), ("3", 3, 368)):
        story.handle(placed(name, promise_at=at(2)), at()).handle(sent(name), at(hours=1))
        reported_at = None if reported is None else at(reported)
        story.handle(tracked("delivered", name), at(day), reported_at=reported_at)
    with reading(story) as reader:
        lines = orders(reader).lines
    assert (lines.delivered_early, lines.delivered_on_the_day, lines.delivered_late) == (1, 1, 1)
    assert (lines.reported_after_delivery, lines.max_report_lag_days) == (2, 365)


def test_a_rate_without_cases_is_not_enough_data(reading: Reading) -> None:
    with reading(stocked()) as reader:
        answer = kpi(reader, "on_time_shipment", seller="acme")
    assert (answer.rate, answer.mean, answer.p50) == (None, None, None)


def test_a_kpi_over_days_adds_up_to_exact_means_and_quantiles_within_a_twentieth(reading: Reading) -> None:
    story = stocked()
    for number in range(10):
        name = str(number)
        story.handle(placed(name), at(number)).handle(paid(name), at(number))
        story.handle(sent(name), at(number, hours=number + 1))
    with reading(story) as reader:
        every = kpi(reader, "processing_time", seller="acme")
        two = kpi(reader, "processing_time", channel="naver", since=date(2026, 3, 5), until=date(2026, 3, 7))
    assert (every.measured, every.mean) == (10, Decimal(19_800))
    assert (two.measured, two.mean) == (2, Decimal(9_000))
    assert every.p90 is not None
    assert abs(every.p90 - 32_400) <= 32_400 / 20


def test_the_part_of_a_rate_has_the_denominator_of_the_whole(reading: Reading) -> None:
    story = stocked()
    for name in ("1", "2"):
        story.handle(placed(name), at()).handle(paid(name), at())
    story.handle(sold_out("1"), at(1))
    with reading(story) as reader:
        assert kpi(reader, "cancel_rate:seller").rate == Decimal("0.5")


def on_coupang(kind: type[Any], order: str, **fields: Any) -> Any:
    return parsed(kind, channel="coupang", order_id=order, **fields)


def test_the_score_is_judged_by_the_marks_of_the_seller(reading: Reading) -> None:
    story = stocked()
    for number in range(4):
        name, line = str(number), {"line": "1", "sku": "CHAIR", "pieces": 1}
        order = on_coupang(PlaceOrder, name, currency="KRW", lines=[line], promise_at=at(3))
        story.handle(order, at()).handle(on_coupang(RecordPayment, name, payment_id="p", amount=1), at())
        story.handle(on_coupang(RecordDispatch, name, shipment_id="b"), at(hours=1))
        delivered = on_coupang(RecordTracking, name, shipment_id="b", status="delivered")
        story.handle(delivered, at(2 if number else 4))
    with reading(story) as reader:
        lines = {line.metric: line for line in score(reader, "acme", as_of=at(5))}
    assert (lines["on_time_delivery"].rate, lines["on_time_delivery"].state) == (Decimal("0.75"), "fail")
    assert lines["order_fulfilment"].state == "no mark"


def test_net_units_are_what_left_less_what_came_back_and_was_written_off(reading: Reading) -> None:
    story = stocked().handle(parsed(ReceiveStock, sku="DESK", receipt_id="d", pieces=9), at())
    story.handle(parsed(AdjustStock, sku="DESK", adjustment_id="x", delta=-5, reason="lost"), at(1))
    story.handle(placed(), at()).handle(sent(), at(1))
    with reading(story) as reader:
        best = net_units(reader, "acme", best=1)
        worst = net_units(reader, "acme", worst=1)
        count = distinct_skus(reader, "acme")
    assert (best, worst, count) == ([NetUnits("CHAIR", 2)], [NetUnits("DESK", -5)], 2)


def test_activity_sums_facts_by_kind_over_days(reading: Reading) -> None:
    with reading(stocked().handle(placed("1"), at()).handle(placed("2"), at(1))) as reader:
        (one,) = activity(reader, "acme", kind="order.placed", until=date(2026, 3, 5))
        (both,) = activity(reader, "acme", kind="order.*")
        shouted = activity(reader, "acme", kind="ORDER.*")
    assert (one.facts, one.units, both.facts, shouted) == (1, 2, 2, [])


def test_every_answer_has_its_position_and_time_and_makes_plain_rows(database: Database) -> None:
    with stored(database, EVERYTHING) as reader:
        answers: list[Any] = [
            *stock(reader, "acme"),
            penalty(reader, "acme"),
            kpi(reader, "delivery_time", seller="acme"),
            orders(reader, seller="acme"),
            one_order(reader, "acme", "naver", "1"),
            *returns(reader, "acme"),
            *activity(reader, "acme", by_reason=True),
        ]
    for row in as_rows(answers):
        assert row["as_of_position"] == EVERYTHING[-1].position
        assert datetime.fromisoformat(row["as_of"]) == datetime(2026, 3, 13, 15, tzinfo=UTC)
        json.dumps(row)


def test_the_answer_for_an_unknown_order_is_none(reading: Reading) -> None:
    with reading(stocked()) as reader:
        assert one_order(reader, "acme", "naver", "nobody") is None


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_each_question_has_the_same_answer_for_stored_rows_and_rows_in_memory(
    database: Database, question: Question[Any]
) -> None:
    named = {"order_id": "1"} if question.name == "order" else {}
    memory, given = folded(EVERYTHING), question.parameters(**named)
    with stored(database, EVERYTHING) as rows:
        answers = list(question.ask(rows, "acme", given))
    assert answers
    assert answers == list(question.ask(memory, "acme", given))
    assert all(isinstance(answer, question.answer) for answer in answers)


def test_question_names_are_unique_and_no_parameter_has_a_name_that_http_uses() -> None:
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS)
    for question in QUESTIONS:
        assert not question.parameters.model_fields.keys() & QuestionParameters.model_fields.keys()
