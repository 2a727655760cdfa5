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


def as_of_now(rows: RowReader, seller: str | None, as_of: datetime | date | None = None) -> AsOf:
    """The given instant, or the end of the given day, else of the last day with an event.

    Days are the seller's; for several sellers they are in UTC.
    """
    position = rows.position()
    if isinstance(as_of, datetime):
        return AsOf(position, as_of)
    if as_of is None:
        ((day,),) = rows.aggregate(ACTIVITY, [greatest("day")], equal(seller_id=seller))
        if not day:
            return AsOf(position, datetime.fromtimestamp(0, UTC))
        as_of = date.fromisoformat(day)
    return AsOf(position, end_of(as_of, "UTC" if seller is None else zone_of(rows, seller)))


def end_of(day: date, zone: str) -> datetime:
    """The end of the local day: the next local midnight (exclusive), in UTC."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return midnight.astimezone(UTC)


def zone_of(rows: RowReader, seller: str) -> str:
    return (rows.get(SELLERS, (seller,)) or DEFAULT_SELLER).zone
