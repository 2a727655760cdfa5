"""Naver's penalty points and Coupang's seller score."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policies.documents import Mark
from domain.policies.penalty_points import (
    PenaltyPoint,
    delay_missed_points,
    expires_on,
    late_dispatch_points,
    late_return_points,
    oos_cancel_points,
    points_in_window,
)
from domain.policies.penalty_stages import more_until_trigger, stage, stages, triggered_days
from domain.policies.rule_sets import COUPANG_WINDOW_DAYS
from domain.policies.rule_sets import NAVER_SALES_PENALTY as NAVER
from domain.policies.seller_score import ScoreState, score_rate

SEOUL = ZoneInfo("Asia/Seoul")


def korea(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL).astimezone(UTC)


def end_of(day: str) -> datetime:
    return korea(day) + timedelta(days=1)


LONG_AFTER = korea("2030-01-01")
THURSDAY = end_of("2026-03-12")  # due on Thursday, 24:00; the business days after it: 13, 16, 17, 18, 19
SHORT = PenaltyPoint("late_dispatch", 1, date(2026, 3, 13))
LONG = PenaltyPoint("late_dispatch_long", 3, date(2026, 3, 19))


def test_dispatched_in_the_last_instant_gives_no_point() -> None:
    assert late_dispatch_points(NAVER, THURSDAY, THURSDAY - timedelta.resolution, LONG_AFTER) == []


def test_dispatched_at_24_hours_is_late_and_gives_a_point_on_the_next_business_day() -> None:
    assert late_dispatch_points(NAVER, THURSDAY, THURSDAY, LONG_AFTER) == [SHORT]


def test_still_not_dispatched_when_the_fourth_business_day_ends_gives_three_more_on_the_fifth() -> None:
    ends = end_of("2026-03-18")
    assert late_dispatch_points(NAVER, THURSDAY, ends - timedelta.resolution, LONG_AFTER) == [SHORT]
    assert late_dispatch_points(NAVER, THURSDAY, ends, LONG_AFTER) == [SHORT, LONG]
    assert late_dispatch_points(NAVER, THURSDAY, None, LONG_AFTER) == [SHORT, LONG]


@pytest.mark.parametrize(
    ("as_of", "given"),
    [
        ("2026-03-12T23:59:59", []),
        ("2026-03-13T00:00:00", [SHORT]),
        ("2026-03-18T23:59:59", [SHORT]),
        ("2026-03-19T00:00:00", [SHORT, LONG]),
    ],
)
def test_points_come_with_their_day(as_of: str, given: list[PenaltyPoint]) -> None:
    assert late_dispatch_points(NAVER, THURSDAY, None, korea(as_of)) == given


def test_an_order_due_during_the_day_counts_from_that_day() -> None:
    assert late_dispatch_points(NAVER, korea("2026-03-12T17:00"), korea("2026-03-12T18:00"), LONG_AFTER) == [
        SHORT
    ]


def test_due_on_the_eve_of_a_suspension_gives_no_point() -> None:
    due = end_of("2025-09-30")
    assert late_dispatch_points(NAVER, due, due, LONG_AFTER) == []


def test_due_on_the_last_day_of_a_suspension_gives_a_point_on_the_monday_after() -> None:
    due = end_of("2025-10-10")
    assert late_dispatch_points(NAVER, due, due, LONG_AFTER) == [
        PenaltyPoint("late_dispatch", 1, date(2025, 10, 13))
    ]


def test_a_sold_out_cancel_gives_two_points_the_next_day_suspension_or_not() -> None:
    assert oos_cancel_points(NAVER, korea("2025-10-03T23:59")) == [
        PenaltyPoint("oos_cancel", 2, date(2025, 10, 4))
    ]


def test_the_next_day_is_the_next_day_in_seoul() -> None:
    late_evening = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)  # the 5th in Seoul
    assert oos_cancel_points(NAVER, late_evening)[0].accrued_on == date(2026, 3, 6)


def test_to_miss_the_date_of_the_delay_notice_gives_two_points() -> None:
    friday = end_of("2026-03-13")
    missed = [PenaltyPoint("delay_missed", 2, date(2026, 3, 16))]
    assert delay_missed_points(NAVER, friday, None, LONG_AFTER) == missed
    assert delay_missed_points(NAVER, friday, korea("2026-03-13T20:00"), LONG_AFTER) == []


def test_a_return_may_wait_three_business_days_after_collection() -> None:
    collected = korea("2026-03-12T10:00")  # to be handled by Tuesday the 17th, 24:00
    late = [PenaltyPoint("late_return", 1, date(2026, 3, 18))]
    assert late_return_points(NAVER, collected, end_of("2026-03-17") - timedelta.resolution, LONG_AFTER) == []
    assert late_return_points(NAVER, collected, end_of("2026-03-17"), LONG_AFTER) == late
    assert late_return_points(NAVER, collected, None, korea("2026-03-17T23:59")) == []
    exchange = late_return_points(NAVER, collected, None, LONG_AFTER, "late_exchange")
    assert [point.key for point in exchange] == ["late_exchange"]


@pytest.mark.parametrize(
    ("points", "paid", "ratio", "triggered"),
    [
        (10, 25, "0.400000", True),
        (10, 26, "0.384615", False),
        (9, 10, "0.900000", False),
        (10, 0, None, None),
        (0, 0, None, False),
        (11, 27, "0.407407", True),
        # 39.99996 % is shown as 0.400000, and yet does not trigger
        (39_999_960, 100_000_000, "0.400000", False),
    ],
)
def test_ten_points_and_forty_percent_trigger_a_stage(
    points: int, paid: int, ratio: str | None, triggered: bool | None
) -> None:
    result = stage(NAVER, points, paid)
    assert result.ratio == (None if ratio is None else Decimal(ratio))
    assert result.triggered is triggered


def test_a_return_collected_at_night_counts_from_the_day_in_seoul() -> None:
    collected = datetime(2026, 3, 11, 15, 30, tzinfo=UTC)  # the 12th in Seoul
    assert late_return_points(NAVER, collected, None, LONG_AFTER)[0].accrued_on == date(2026, 3, 18)


def test_points_expire_after_thirty_days() -> None:
    points = [PenaltyPoint("oos_cancel", 2, date(2026, 3, 1))]
    assert points_in_window(NAVER, points, date(2026, 2, 28)) == 0
    assert points_in_window(NAVER, points, date(2026, 3, 1)) == 2
    assert points_in_window(NAVER, points, date(2026, 3, 30)) == 2
    assert points_in_window(NAVER, points, date(2026, 3, 31)) == 0
    assert expires_on(NAVER, date(2026, 3, 1)) == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("days", "names"),
    [
        ([1], ["주의"]),
        ([1, 8], ["주의", "경고"]),
        ([1, 9], ["주의", "주의"]),
        ([1, 8, 15, 20], ["주의", "경고", "이용제한", "이용제한"]),
        ([1, 8, 16], ["주의", "경고", "주의"]),
    ],
)
def test_triggered_again_within_seven_days_is_the_next_stage(days: list[int], names: list[str]) -> None:
    reached = stages(NAVER, [date(2026, 3, day) for day in days])
    assert [(entry.on.day, entry.stage.name) for entry in reached] == list(zip(days, names, strict=True))


def test_a_trigger_that_lasts_is_one_and_new_points_make_it_another() -> None:
    points = [
        PenaltyPoint("oos_cancel", 10, date(2026, 3, 2)),
        PenaltyPoint("late_dispatch", 1, date(2026, 3, 5)),
    ]
    assert triggered_days(NAVER, points, {date(2026, 3, 1): 20}) == [date(2026, 3, 2), date(2026, 3, 5)]
    assert triggered_days(NAVER, points, {date(2026, 3, 1): 26}) == [date(2026, 3, 5)]
    assert triggered_days(NAVER, points, {}) == []
    out_of_window = {date(2026, 1, 31): 20, date(2026, 3, 1): 20, date(2026, 3, 6): 20}
    assert len(triggered_days(NAVER, points, out_of_window)) == 2


@pytest.mark.parametrize(
    ("points", "paid", "more"),
    [(0, 25, 5), (9, 25, 1), (10, 25, 0), (20, 25, 0), (10, 26, 1), (0, 100, 20), (10, 0, None)],
)
def test_so_many_more_sold_out_cancels_set_off_a_stage(points: int, paid: int, more: int | None) -> None:
    assert more_until_trigger(NAVER, points, paid) == more


@given(st.integers(0, 10_000), st.integers(1, 100_000))
def test_one_cancel_fewer_than_that_sets_off_none(points: int, paid: int) -> None:
    more = more_until_trigger(NAVER, points, paid)
    assert more is not None
    assert stage(NAVER, points + 2 * more, paid).triggered
    assert more == 0 or not stage(NAVER, points + 2 * (more - 1), paid).triggered


MARK = Mark(pass_mark=Decimal("0.99"), caution=Decimal("0.97"), warning=Decimal("0.95"))


@pytest.mark.parametrize(
    ("numerator", "denominator", "mark", "state"),
    [
        (99, 100, MARK, "pass"),
        (98, 100, MARK, "fail"),
        (97, 100, MARK, "fail"),
        (96, 100, MARK, "caution"),
        (94, 100, MARK, "warning"),
        (98, 100, Mark(), "no mark"),
        (94, 100, Mark(warning=Decimal("0.95")), "warning"),
        (98, 100, None, "no mark"),
        (0, 0, MARK, "not enough data"),
        (9_899_999_999, 10_000_000_000, MARK, "fail"),  # shown as 0.990000
    ],
)
def test_a_score_is_held_against_the_sellers_own_mark(
    numerator: int, denominator: int, mark: Mark | None, state: ScoreState
) -> None:
    assert score_rate("on_time_delivery", numerator, denominator, mark).state == state


def test_a_score_shows_its_rate_and_its_mark() -> None:
    line = score_rate("on_time_delivery", 1, 3, MARK)
    assert (line.rate, line.mark) == (Decimal("0.333333"), Decimal("0.99"))


def test_on_time_delivery_is_taken_over_seven_days() -> None:
    assert COUPANG_WINDOW_DAYS["on_time_delivery"] == 7
