"""Business days, and conversions between local days and instants.

A policy names a calendar and its version, `kr-public@2026a`, so that a new file changes no existing deadline.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

ONE_DAY: Final = timedelta(days=1)
MIDNIGHT: Final = "24:00"
"""A time of day: the end of the day."""

SATURDAY_AND_SUNDAY: Final = frozenset({5, 6})
EVERY_DAY: Final = "every-day"
WEEKDAYS: Final = "weekdays"
KR_PUBLIC: Final = "kr-public@2026a"
NAMES: Final = frozenset({EVERY_DAY, WEEKDAYS, KR_PUBLIC})
"""Every calendar ever published.  A name is never removed or reused."""


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Business days in one time zone.  Outside the years of its file it only knows weekends."""

    id: str
    version: str
    zone: str
    holidays: frozenset[date]
    days_off: frozenset[int] = SATURDAY_AND_SUNDAY
    """Weekdays that are not business days.  Monday is 0."""

    @property
    def ref(self) -> str:
        """The name that events store, for example `kr-public@2026a`."""
        return f"{self.id}@{self.version}"

    def is_business_day(self, day: date) -> bool:
        return day.weekday() not in self.days_off and day not in self.holidays

    def next_business_day(self, day: date) -> date:
        """The first business day strictly after `day`."""
        day += ONE_DAY
        while not self.is_business_day(day):
            day += ONE_DAY
        return day

    def add_business_days(self, day: date, n: int) -> date:
        """The n-th business day after `day`.  For n = 0: `day` if it is one, else the next business day."""
        assert n >= 0, n
        if n == 0 and self.is_business_day(day):
            return day
        for _ in range(max(n, 1)):
            day = self.next_business_day(day)
        return day

    def local_day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    def last_day_before(self, until: datetime) -> date:
        """The last local day of a period that ends at `until` (exclusive)."""
        return self.local_day(until - timedelta.resolution)

    def instant(self, day: date, clock: str) -> datetime:
        """The UTC instant of the local time `clock` ("HH:MM" or "24:00") on `day`."""
        if clock == MIDNIGHT:
            return self.end_of_day(day)
        local = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(self.zone))
        return local.astimezone(UTC)

    def end_of_day(self, day: date) -> datetime:
        """The next local midnight (exclusive), in UTC.

        Computed from the date, because a day has 23 or 25 hours when the clocks change.
        """
        return datetime.combine(day + ONE_DAY, time.min, ZoneInfo(self.zone)).astimezone(UTC)


@cache
def calendar(calendar_id: str, zone: str | None = None) -> BusinessCalendar:
    """The calendar `calendar_id` (one of `NAMES`) in the time zone `zone`; by default in its own zone."""
    assert calendar_id in NAMES, calendar_id
    published = _read(calendar_id)
    return published if zone is None else replace(published, zone=zone)


def _read(calendar_id: str) -> BusinessCalendar:
    if calendar_id == EVERY_DAY:
        return BusinessCalendar(EVERY_DAY, "1", "UTC", frozenset(), days_off=frozenset())
    if calendar_id == WEEKDAYS:
        return BusinessCalendar(WEEKDAYS, "1", "UTC", frozenset())
    file = files("domain.policies.calendars") / f"{calendar_id.replace('@', '-')}.json"
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    days = frozenset(date.fromisoformat(day) for day in content["holidays"])
    return BusinessCalendar(content["id"], content["version"], content["zone"], days)
