"""Converts instants to whole microseconds and to local days.

Rows store integers, because their sums are exact and every database stores and compares them alike.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
_SLOT: Final = 900 * SECOND
_days: dict[tuple[str, int], str | None] = {}
_zones: dict[str, ZoneInfo] = {}
_MOST_KEPT: Final = 200_000


@lru_cache(1_000)
def micros_of(at: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z.  Cached, as all events of a commit share the same instants."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def instant(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def local_day(zone: str, at: int) -> str:
    """The local date in `zone` at that instant, as `2026-03-04`.

    Caches the date per quarter of an hour; if midnight lies within the quarter, None is cached.
    """
    slot = at // _SLOT
    day = _days.get((zone, slot), "")
    if day == "":
        if len(_days) > _MOST_KEPT:
            _days.clear()
        first, last = _day(zone, slot * _SLOT), _day(zone, slot * _SLOT + _SLOT - 1)
        day = _days[zone, slot] = first if first == last else None
    return day if day is not None else _day(zone, at)


def _day(zone: str, at: int) -> str:
    zone_info = _zones.get(zone)
    if zone_info is None:
        zone_info = _zones[zone] = ZoneInfo(zone)
    return instant(at).astimezone(zone_info).date().isoformat()


@lru_cache(10_000)
def end_of_day(zone: str, day: str) -> int:
    """The end of the local day, such as `2026-03-04`: the next local midnight (exclusive)."""
    midnight = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time.min, ZoneInfo(zone))
    return micros_of(midnight.astimezone(UTC))
