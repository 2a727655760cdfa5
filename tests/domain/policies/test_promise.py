"""When an order must be shipped: the rules for cut-off, Naver, holidays and same-day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policies.calendar import KR_PUBLIC, NAMES, calendar
from domain.policies.defaults import DEFAULTS, HISTORY, KR_STD
from domain.policies.documents import CutOffOn, PromisePolicy, SameDay
from domain.policies.promise import Promise, promise, promise_by

SEOUL = ZoneInfo("Asia/Seoul")


def korea(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SEOUL)


def promised(*args: Any, **values: Any) -> Promise:
    due = promise(*args, **values)
    assert due is not None
    return due


def limit(policy: PromisePolicy, paid_at: datetime, **values: Any) -> datetime:
    ship_by = promise_by(policy, paid_at, **values).ship_by
    assert ship_by is not None
    return ship_by


WEDNESDAY, THURSDAY = "2026-03-04", "2026-03-05"


@pytest.mark.parametrize(
    ("paid", "leaves_on"),
    [("12:59:59", WEDNESDAY), ("12:59:59.999999", WEDNESDAY), ("13:00:00", THURSDAY), ("13:00:01", THURSDAY)],
)
def test_paid_strictly_before_the_cut_off_leaves_today(paid: str, leaves_on: str) -> None:
    due = promised(DEFAULTS, korea(WEDNESDAY, paid), "shopify")
    assert due.ship_by == korea(leaves_on, "17:00")


def test_half_past_four_utc_is_after_the_cut_off_in_seoul() -> None:
    due = promised(DEFAULTS, datetime(2026, 3, 4, 4, 30, tzinfo=UTC), "shopify")
    assert due.ship_by == korea(THURSDAY, "17:00")


def test_paid_on_monday_naver_is_due_on_thursday_at_24_hours() -> None:
    due = promised(DEFAULTS, korea("2026-03-09", "23:59:59"), "naver", "normal")
    assert due.ship_by == datetime(2026, 3, 12, 15, tzinfo=UTC)


def test_paid_before_seollal_naver_is_due_on_the_third_business_day() -> None:
    due = promised(DEFAULTS, korea("2026-02-13", "10:00"), "naver")
    assert due.ship_by == korea("2026-02-24", "00:00")  # Monday the 23rd, 24:00


def test_paid_on_saturday_naver_counts_monday_as_the_first_day() -> None:
    assert promised(DEFAULTS, korea("2026-03-07", "10:00"), "naver").ship_by == korea("2026-03-12", "00:00")


@pytest.mark.parametrize("paid", ["2026-03-06 14:00", "2026-03-07 09:00", "2026-03-08 23:00"])
def test_what_is_paid_after_fridays_cut_off_leaves_on_monday(paid: str) -> None:
    assert promised(DEFAULTS, korea(*paid.split()), "shopify").ship_by == korea("2026-03-09", "17:00")


def test_the_last_order_before_a_holiday_leaves_after_it() -> None:
    assert promised(DEFAULTS, korea("2026-02-13", "13:00"), "shopify").ship_by == korea("2026-02-19", "17:00")


@pytest.mark.parametrize(("km", "clock"), [(100, "15:00"), (100.5, "17:00"), (None, "17:00")])
def test_same_day_is_promised_within_100_km_only(km: float | None, clock: str) -> None:
    due = promised(DEFAULTS, korea(WEDNESDAY, "12:00"), "shopify", zone="metro", distance_km=km)
    assert due.ship_by == korea(WEDNESDAY, clock)
    assert due.promise_at == korea(THURSDAY if km == 100 else "2026-03-06", "00:00")


def test_same_day_is_over_at_its_cut_off() -> None:
    due = promised(DEFAULTS, korea(WEDNESDAY, "13:00"), "shopify", distance_km=5)
    assert due.ship_by == korea(THURSDAY, "17:00")


def test_there_is_no_same_day_on_a_holiday() -> None:
    due = promised(DEFAULTS, korea("2026-03-02", "10:00"), "shopify", distance_km=5)
    assert due.ship_by == korea("2026-03-03", "17:00")


@pytest.mark.parametrize("km", [None, 5])
def test_a_shop_that_closes_early_promises_nothing_after_that(km: float | None) -> None:
    early = KR_STD.model_copy(update={"overrides": (CutOffOn(date=date(2026, 2, 13), cut_off="11:00"),)})
    assert promise_by(early, korea("2026-02-13", "11:00"), distance_km=km).ship_by == korea(
        "2026-02-19", "17:00"
    )
    assert limit(early, korea("2026-02-13", "10:59"), distance_km=km) < korea("2026-02-14", "00:00")
    assert limit(early, korea("2026-02-12", "11:00"), distance_km=km) < korea("2026-02-13", "00:00")


def test_a_far_zone_is_promised_later_and_an_unknown_one_not_at_all() -> None:
    def at_the_door(zone: str | None) -> datetime | None:
        return promised(DEFAULTS, korea(WEDNESDAY, "12:00"), "shopify", zone=zone).promise_at

    assert at_the_door("metro") == korea("2026-03-06", "00:00")
    assert at_the_door("remote") == korea("2026-03-10", "00:00")  # Thursday, Friday, Monday 24:00
    assert at_the_door("moon") is at_the_door(None) is None


def test_a_promise_names_its_policy_and_its_calendar() -> None:
    due = promised(DEFAULTS, korea(WEDNESDAY, "12:00"), "naver")
    assert (due.policy, due.calendar) == ("naver-normal@1", KR_PUBLIC)


def test_an_import_counts_every_day_in_utc() -> None:
    due = promised(HISTORY, datetime(2017, 9, 1, 12, tzinfo=UTC), "olist")
    assert (due.ship_by, due.calendar) == (datetime(2017, 9, 5, tzinfo=UTC), "every-day@1")


def test_the_cut_off_is_an_instant_even_while_clocks_change() -> None:
    york = KR_STD.model_copy(update={"zone": "America/New_York", "calendar": "every-day", "cut_off": "01:30"})
    # On 2026-11-01 the clock shows 01:30 twice: at 05:30 and at 06:30 UTC.  The first counts.
    again = datetime(2026, 11, 1, 6, 15, tzinfo=UTC)  # shows 01:15, but the cut-off has passed
    assert promise_by(york, again).ship_by == datetime(2026, 11, 2, 22, tzinfo=UTC)


clocks = st.integers(1, 24 * 60).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
"""00:01 to 24:00.  Not 00:00: a deadline at 00:00 belongs to the day before."""
instants = st.integers(0, 21 * 365 * 86_400).map(
    lambda s: datetime(2009, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)


@st.composite
def any_policy(draw: st.DrawFn) -> PromisePolicy:
    early, late = sorted([draw(clocks), draw(clocks)])
    same_early, same_late = sorted([draw(clocks), draw(clocks)])
    fields: dict[str, Any] = KR_STD.model_dump() | {
        "zone": draw(st.sampled_from(["Asia/Seoul", "America/New_York", "America/Santiago", "UTC"])),
        "calendar": draw(st.sampled_from(sorted(NAMES))),
        "cut_off": early,
        "handover": late,
        "lead_business_days": draw(st.integers(0, 5)),
        "after_cut_off_add": 1,
        "same_day": draw(
            st.none() | st.just(SameDay(cut_off=same_early, handover=same_late, max_distance_km=9))
        ),
    }
    return PromisePolicy.model_validate(fields)


@given(any_policy(), instants, st.sampled_from([None, 5, 50]))
def test_nothing_is_due_before_it_is_paid(policy: PromisePolicy, paid_at: datetime, km: int | None) -> None:
    due = promise_by(policy, paid_at, zone="metro", distance_km=km)
    assert due.ship_by is not None
    assert due.ship_by > paid_at
    assert due.promise_at is not None
    days = calendar(policy.calendar, policy.zone)
    assert days.is_business_day(days.last_day_before(due.ship_by))


@given(any_policy(), instants, st.timedeltas(timedelta(0), timedelta(10)))
def test_who_pays_later_is_never_due_earlier(policy: PromisePolicy, paid_at: datetime, by: timedelta) -> None:
    assert limit(policy, paid_at) <= limit(policy, paid_at + by)
