"""KPIs over any range of days, sellers and channels; and the seller score that is made of them."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

import sqlalchemy as sa

from domain.policies.rule_sets import COUPANG_WINDOW_DAYS
from domain.policies.seller_score import ScoreLine, score_rate
from infra.read_models.asking import AsOf, as_of_now, between, mean, same, zone_of
from infra.read_models.schema import SQL
from projections.histogram import quantile
from projections.instants import SECOND, local_day, micros_of
from projections.kpis import DURATIONS
from projections.sellers import SellerRow, score_marks

SCORED: Final = ("order_fulfilment", "on_time_shipment", "on_time_delivery")
_HALF, _NINE_TENTHS, _NEARLY_ALL = Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)


@dataclass(frozen=True, slots=True)
class KpiAnswer(AsOf):
    """One KPI over days, `until` excluded.

    `rate` is a share, `mean` exact; `p50`, `p90` and `p99` are the middles of their buckets.
    Unit: durations in seconds, scores in points.  None: not enough data.
    """

    kpi: str
    since: date | None
    until: date | None
    numerator: int
    denominator: int
    rate: Decimal | None
    measured: int
    mean: Decimal | None
    p50: Decimal | None
    p90: Decimal | None
    p99: Decimal | None


def kpi(  # noqa: PLR0913  each is a filter
    connection: sa.Connection,
    name: str,
    *,
    seller: str | None = None,
    channel: str | None = None,
    since: date | None = None,
    until: date | None = None,
    as_of: datetime | None = None,
) -> KpiAnswer:
    """The KPI of that name (see `projections.kpis`) over all cells that the filters leave."""
    numerator, denominator, measured, total, counts = _summed(connection, name, seller, channel, since, until)
    if ":" in name:
        denominator = _summed(connection, name.partition(":")[0], seller, channel, since, until)[1]
    asked = as_of_now(connection, seller, as_of)
    return KpiAnswer(
        asked.as_of_position,
        asked.as_of,
        name,
        since,
        until,
        numerator,
        denominator,
        mean(numerator, denominator),
        measured,
        mean(total, measured, _unit(name)),
        *(_quantile(name, counts, share) for share in (_HALF, _NINE_TENTHS, _NEARLY_ALL)),
    )


def _unit(name: str) -> int:
    return SECOND if name in DURATIONS else 1


def _quantile(name: str, counts: Counter[int], share: Fraction) -> Decimal | None:
    found = quantile(counts, share, of_durations=name in DURATIONS)
    return None if found is None else mean(found, 1, _unit(name))


def _summed(  # noqa: PLR0913, PLR0917
    connection: sa.Connection,
    name: str,
    seller: str | None,
    channel: str | None,
    since: date | None,
    until: date | None,
) -> tuple[int, int, int, int, Counter[int]]:
    cells = SQL["fulfilment_kpis"]
    numbers = (cells.c.numerator, cells.c.denominator, cells.c.measured, cells.c.total, cells.c.histogram)
    first, last = (day.isoformat() if day else None for day in (since, until))
    which = same(cells, kpi=name, seller_id=seller, channel=channel) + between(cells.c.day, first, last)
    sums, counts = [0, 0, 0, 0], Counter[int]()
    for *cell, histogram in connection.execute(sa.select(*numbers).where(*which)):
        sums = [known + more for known, more in zip(sums, cell, strict=True)]
        if histogram != "{}":
            counts.update({int(bucket): cases for bucket, cases in json.loads(histogram).items()})
    return sums[0], sums[1], sums[2], sums[3], counts


def score(
    connection: sa.Connection, seller: str, channel: str = "coupang", as_of: datetime | None = None
) -> list[ScoreLine]:
    """The seller score over its windows, which end with the local day of `as_of`, against the seller's marks.

    `answer_24h` is not known here: buyers' questions are no part of the log.
    """
    asked = as_of_now(connection, seller, as_of)
    sellers = SQL["sellers"]
    known = connection.execute(sa.select(sellers.c.score_marks).where(sellers.c.seller_id == seller)).scalar()
    documents = score_marks(SellerRow(seller, score_marks=known or "[]"))
    marks = {name: mark for kept in documents if kept.channel == channel for name, mark in kept.marks.items()}
    last_instant = micros_of(asked.as_of) - 1
    until = date.fromisoformat(local_day(zone_of(connection, seller), last_instant)) + timedelta(days=1)
    found: list[ScoreLine] = []
    for name in SCORED:
        since = until - timedelta(days=COUPANG_WINDOW_DAYS[name])
        answer = kpi(connection, name, seller=seller, channel=channel, since=since, until=until, as_of=as_of)
        found.append(score_rate(name, answer.numerator, answer.denominator, marks.get(name)))
    return found
