"""Due dates, compared with a slow calculation that walks through the days one by one.

It is written from the rules as people state them and shares no code with the policies: only the file of
holidays.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from domain.policies.defaults import DEFAULTS
from domain.policies.promise import promise

ROOT: Final = Path(__file__).parents[3]
HOLIDAYS: Final = set(
    json.loads((ROOT / "domain/policies/calendars/kr-public-2026a.json").read_text("utf-8"))["holidays"]
)
SEOUL: Final = ZoneInfo("Asia/Seoul")
CLOCKS: Final = ("00:00:00", "10:30:00", "12:59:59", "13:00:00", "23:59:59")
DAYS: Final = [
    *(date(2026, 2, 10) + timedelta(days=number) for number in range(14)),  # Seollal
    *(date(2026, 3, 1) + timedelta(days=number) for number in range(10)),
    *(date(2025, 10, 1) + timedelta(days=number) for number in range(12)),  # Chuseok
    *(date(2025, 12, 29) + timedelta(days=number) for number in range(5)),  # the turn of the year
]


def is_open(day: date) -> bool:
    return day.weekday() < 5 and day.isoformat() not in HOLIDAYS


def midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), SEOUL)


def naver_normal(paid: datetime) -> datetime:
    """Three business days after the day of the payment, at 24:00."""
    day, left = paid.date(), 3
    while left:
        day += timedelta(days=1)
        if is_open(day):
            left -= 1
    return midnight_after(day)


def naver_same_day(paid: datetime) -> datetime:
    """Today at 24:00 if paid on a business day before 13:00, else on the next business day."""
    day = paid.date()
    if is_open(day) and paid.hour < 13:
        return midnight_after(day)
    day += timedelta(days=1)
    while not is_open(day):
        day += timedelta(days=1)
    return midnight_after(day)


def own_shop(paid: datetime) -> datetime:
    """Taken by 17:00 of the day if paid before 13:00, else by 17:00 of the next business day."""
    return naver_same_day(paid) - timedelta(hours=7)


RULES: Final[dict[tuple[str, str], Any]] = {
    ("naver", "normal"): naver_normal,
    ("naver", "same_day"): naver_same_day,
    ("coupang", "normal"): own_shop,
}


@pytest.mark.parametrize(("channel", "kind"), list(RULES))
def test_due_dates_are_those_of_a_walk_through_the_calendar(channel: str, kind: str) -> None:
    rows = 0
    for day in DAYS:
        for clock in CLOCKS:
            paid = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SEOUL)
            due = promise(DEFAULTS, paid.astimezone(UTC), channel, kind)
            assert due is not None
            assert due.ship_by == RULES[channel, kind](paid), (channel, kind, paid)
            rows += 1
    assert rows == 205


@pytest.mark.parametrize(("zone", "business_days"), [("metro", 1), ("remote", 3)])
def test_promised_deliveries_are_those_of_a_walk_through_the_calendar(zone: str, business_days: int) -> None:
    for day in DAYS:
        for clock in CLOCKS:
            paid = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SEOUL)
            due = promise(DEFAULTS, paid.astimezone(UTC), "coupang", zone=zone)
            arrives, left = own_shop(paid).date(), business_days
            while left:
                arrives += timedelta(days=1)
                left -= is_open(arrives)
            assert due is not None
            assert due.promise_at == midnight_after(arrives), (zone, paid)
