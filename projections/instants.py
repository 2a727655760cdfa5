"""Instants as whole microseconds, and the local day on which they fall.

Rows hold integers: exact in every sum, compared in one step, and stored alike by every database.
"""

from datetime import UTC, datetime, timedelta
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
    """Microseconds since 1970-01-01T00:00Z.  A whole cascade happened, and a commit is recorded, at one."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def instant(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def local_day(zone: str, at: int) -> str:
    """The date that the calendar on a wall in `zone` shows at that instant, as `2026-03-04`.

    Remembers quarters of an hour that lie within one local day: midnight seldom falls inside one.
    """
    slot = at // _SLOT
    known = _days.get((zone, slot), "")
    if known == "":
        if len(_days) > _MOST_KEPT:
            _days.clear()
        first, last = _day(zone, slot * _SLOT), _day(zone, slot * _SLOT + _SLOT - 1)
        known = _days[zone, slot] = first if first == last else None
    return known if known is not None else _day(zone, at)


def _day(zone: str, at: int) -> str:
    known = _zones.get(zone)
    if known is None:
        known = _zones[zone] = ZoneInfo(zone)
    return instant(at).astimezone(known).date().isoformat()
