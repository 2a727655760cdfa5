"""What all questions share: as of which instant and event, filters, exact means, plain rows."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from infra.read_models.schema import PLACES, SQL
from projections.instants import micros_of
from projections.sellers import SellerRow

EXACT: Final = Decimal("1e-12")
DEFAULT_SELLER: Final = SellerRow("")


@dataclass(frozen=True, slots=True)
class AsOf:
    """`as_of_position`: the last event folded in.  `as_of`: the instant for which time-bound figures hold."""

    as_of_position: int
    as_of: datetime


def as_of_now(connection: sa.Connection, seller: str | None, asked: datetime | None = None) -> AsOf:
    """The instant asked for; else the end of the last local day on which anything happened."""
    position = connection.execute(sa.select(sa.func.max(PLACES.c.position))).scalar() or 0
    if asked is not None:
        return AsOf(position, asked)
    activity = SQL["activity"]
    last = sa.select(sa.func.max(activity.c.day)).where(*same(activity, seller_id=seller))
    day = connection.execute(last).scalar()
    zone = "UTC" if seller is None else zone_of(connection, seller)
    return AsOf(position, end_of(date.fromisoformat(day), zone) if day else datetime.fromtimestamp(0, UTC))


def end_of(day: date, zone: str) -> datetime:
    """The next local midnight (exclusive)."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return midnight.astimezone(UTC)


def zone_of(connection: sa.Connection, seller: str) -> str:
    sellers = SQL["sellers"]
    known = connection.execute(sa.select(sellers.c.zone).where(sellers.c.seller_id == seller)).scalar()
    return known or DEFAULT_SELLER.zone


def same(table: sa.Table, **wanted: Any) -> list[sa.ColumnElement[bool]]:
    """One condition for each value that is asked for; none for None."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def between(column: sa.Column[Any], since: Any, until: Any) -> list[sa.ColumnElement[bool]]:
    """`since` included, `until` not; instants become what rows hold."""
    since, until = (micros_of(end) if isinstance(end, datetime) else end for end in (since, until))
    low = [] if since is None else [column >= since]
    return low if until is None else [*low, column < until]


def tuples(found: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows whose columns only the statement knows."""
    for row in found:
        yield tuple(row)


def mean(total: int, count: int, unit: int = 1) -> Decimal | None:
    """The exact mean, 12 places; None: not enough data."""
    return None if count == 0 else decimal(Fraction(total, count * unit))


def decimal(value: Fraction) -> Decimal:
    whole, rest = divmod(value.numerator, value.denominator)
    return (Decimal(whole) + Decimal(rest) / Decimal(value.denominator)).quantize(EXACT, ROUND_HALF_EVEN)


def as_rows(answers: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Answers as flat rows for JSON and CSV: instants in RFC 3339, exact numbers as text."""
    for answer in answers:
        yield {name: plain(value) for name, value in asdict(answer).items()}


def plain(value: Any) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case {}:
            return {str(plain(name)): plain(item) for name, item in value.items()}
        case [*items]:
            return [plain(item) for item in items]
        case _:
            return value
