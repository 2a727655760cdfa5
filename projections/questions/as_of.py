"""The event and the instant as of which an answer is valid."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from projections.activity import ACTIVITY
from projections.questions.rows import RowReader, equal, greatest
from projections.sellers import SELLERS, SellerRow

DEFAULT_SELLER: Final = SellerRow("")


@dataclass(frozen=True, slots=True)
class AsOf:
    """`as_of_position`: the last folded event.  `as_of`: the instant for figures that depend on time."""

    as_of_position: int
    as_of: datetime


def as_of_now(rows: RowReader, seller: str | None, instant: datetime | None = None) -> AsOf:
    """The given instant, else the end of the last local day with an event."""
    position = rows.position()
    if instant is not None:
        return AsOf(position, instant)
    ((day,),) = rows.aggregate(ACTIVITY, [greatest("day")], equal(seller_id=seller))
    zone = "UTC" if seller is None else zone_of(rows, seller)
    return AsOf(position, end_of(date.fromisoformat(day), zone) if day else datetime.fromtimestamp(0, UTC))


def end_of(day: date, zone: str) -> datetime:
    """The end of the local day: the next local midnight (exclusive), in UTC."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return midnight.astimezone(UTC)


def zone_of(rows: RowReader, seller: str) -> str:
    return (rows.get(SELLERS, (seller,)) or DEFAULT_SELLER).zone
