"""Business days, and the ends of local days."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policies.calendar import EVERY_DAY, KR_PUBLIC, NAMES, WEEKDAYS, calendar

OFFICIAL = Path(__file__).parents[2] / "samples" / "calendar"
KOREA = calendar(KR_PUBLIC)

days = st.dates(date(1970, 1, 1), date(2100, 12, 31))
names = st.sampled_from(sorted(NAMES))
zones = st.sampled_from(
    ["UTC", "Asia/Seoul", "America/New_York", "America/Santiago", "America/Havana", "Pacific/Apia"]
)


def official(year: int) -> set[date]:
    file = OFFICIAL / f"kr-holidays-{year}.json"
    if file.exists():
        return {date.fromisoformat(day) for day in json.loads(file.read_text("utf-8"))}
    with file.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as lines:
        return {date.fromisoformat(row["Start date"]) for row in csv.DictReader(lines)}


@pytest.mark.parametrize("year", [2024, 2025, 2026, 2027])
def test_the_korean_holidays_are_the_official_ones(year: int) -> None:
    assert {day for day in KOREA.holidays if day.year == year} == official(year)


def test_the_korean_calendar_reaches_from_2009_to_2030() -> None:
    assert {day.year for day in KOREA.holidays} == set(range(2009, 2031))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_published_calendar_can_be_read_and_says_who_it_is(name: str) -> None:
    assert calendar(name).ref == (name if "@" in name else f"{name}@1")


def test_new_holidays_of_2026_are_no_business_days() -> None:
    for holiday in (date(2026, 5, 1), date(2026, 6, 3), date(2026, 7, 17)):
        assert not KOREA.is_business_day(holiday)


def test_seollal_is_skipped() -> None:
    assert KOREA.next_business_day(date(2026, 2, 13)) == date(2026, 2, 19)
    assert KOREA.add_business_days(date(2026, 2, 13), 3) == date(2026, 2, 23)


def test_no_days_from_a_business_day_is_that_day_and_from_a_sunday_monday() -> None:
    assert calendar(WEEKDAYS).add_business_days(date(2026, 3, 6), 0) == date(2026, 3, 6)
    assert calendar(WEEKDAYS).add_business_days(date(2026, 3, 8), 0) == date(2026, 3, 9)


def test_where_every_day_counts_sunday_does() -> None:
    assert calendar(EVERY_DAY).add_business_days(date(2026, 3, 7), 1) == date(2026, 3, 8)


def test_thursday_24_hours_in_seoul_is_15_hours_utc() -> None:
    assert KOREA.end_of_day(date(2026, 3, 12)) == datetime(2026, 3, 12, 15, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25)])
def test_a_day_on_which_clocks_change_has_not_24_hours(day: date, hours: int) -> None:
    new_york = calendar(WEEKDAYS, "America/New_York")
    assert new_york.end_of_day(day) - new_york.end_of_day(day - timedelta(1)) == timedelta(hours=hours)


def test_where_midnight_does_not_exist_the_day_ends_as_clocks_change() -> None:
    santiago = calendar(EVERY_DAY, "America/Santiago")  # 2026-09-05 24:00 is 2026-09-06 01:00
    assert santiago.end_of_day(date(2026, 9, 5)) == datetime(2026, 9, 6, 4, tzinfo=UTC)


def test_a_term_until_midnight_is_last_open_on_the_day_before() -> None:
    assert KOREA.last_day_before(datetime(2026, 3, 12, 15, tzinfo=UTC)) == date(2026, 3, 12)


def test_a_seller_elsewhere_keeps_his_own_clock() -> None:
    assert calendar(KR_PUBLIC, "UTC").end_of_day(date(2026, 3, 12)) == datetime(2026, 3, 13, tzinfo=UTC)


@given(names, days, st.integers(0, 40))
def test_business_days_after_any_day_are_business_days_and_as_many(name: str, day: date, n: int) -> None:
    days = calendar(name)
    due_day = days.add_business_days(day, n)
    assert days.is_business_day(due_day)
    between = [day + timedelta(i) for i in range(1, (due_day - day).days + 1)]
    counted = sum(days.is_business_day(passed) for passed in between)
    assert counted == (n if n or days.is_business_day(day) else 1)


@given(names, days, st.integers(0, 20), st.integers(0, 10), st.integers(0, 10))
def test_a_later_day_or_a_longer_lead_is_never_due_earlier(
    name: str, day: date, n: int, later: int, more: int
) -> None:
    days = calendar(name)
    assert days.add_business_days(day, n) <= days.add_business_days(day + timedelta(later), n + more)


@given(zones, days, st.integers(1, 5))
def test_a_later_day_never_ends_earlier(zone: str, day: date, later: int) -> None:
    here = calendar(EVERY_DAY, zone)
    assert here.end_of_day(day) <= here.end_of_day(day + timedelta(later))


@given(zones, days)
def test_a_day_ends_where_the_next_begins(zone: str, day: date) -> None:
    here = calendar(EVERY_DAY, zone)
    end = here.end_of_day(day)
    assert here.local_day(end - timedelta.resolution) <= day < here.local_day(end)
