"""Question `kpi`: KPIs over any range of days, sellers and channels."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final

from pydantic import Field

from domain.punctuality import has_passed
from domain.values import Text
from projections.histogram import quantile
from projections.instants import SECOND, micros_of
from projections.kpis import DURATIONS, FULFILMENT_KPIS, WITH_LIMIT
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.exact_mean import mean
from projections.questions.question import (
    Account,
    AsOfMoment,
    Channel,
    Option,
    Parameters,
    Question,
    Since,
    Until,
)
from projections.questions.rows import AtLeast, Conditions, RowReader, between, equal, total

_SHARES: Final = (Fraction(1, 2), Fraction(9, 10), Fraction(99, 100))


@dataclass(frozen=True, slots=True)
class KpiAnswer(AsOf):
    """One KPI over a range of days, `until` excluded.

    `rate` is a share and `mean` is exact; `p50`, `p90` and `p99` are the middles of histogram buckets.
    Unit: seconds for durations, points for scores.  None: not enough data.
    """

    kpi: str
    since: date | None
    until: date | None
    numerator: int
    denominator: int
    open: int
    """Cases that are not due yet at `as_of`; the denominator leaves them out."""
    rate: Decimal | None
    measured: int
    mean: Decimal | None
    p50: Decimal | None
    p90: Decimal | None
    p99: Decimal | None


def kpi(  # noqa: PLR0913  each is a filter
    rows: RowReader,
    name: str,
    *,
    seller: str | None = None,
    channel: str | None = None,
    account: str | None = None,
    since: date | None = None,
    until: date | None = None,
    as_of: datetime | date | None = None,
) -> KpiAnswer:
    """The KPI `name` (see `projections.kpis`) over all cells that match the filters."""
    first, last = (day.isoformat() if day else None for day in (since, until))
    cells = [*equal(seller_id=seller, channel=channel, account=account), *between("day", first, last)]
    of_kpi = [*equal(kpi=name), *cells]
    numerator, denominator, measured, sum_ = _sums(rows, of_kpi)
    if ":" in name:
        denominator = _sums(rows, [*equal(kpi=name.partition(":")[0]), *cells])[1]
    when = as_of_now(rows, seller, as_of)
    not_due = _open(rows, of_kpi, when.as_of) if name in WITH_LIMIT else 0
    denominator -= not_due
    return KpiAnswer(
        when.as_of_position,
        when.as_of,
        name,
        since,
        until,
        numerator,
        denominator,
        not_due,
        mean(numerator, denominator),
        measured,
        mean(sum_, measured, _unit(name)),
        *_quantiles(name, _histogram(rows, of_kpi) if measured else Counter()),
    )


def stored_kpis(rows: RowReader) -> list[str]:
    """The names of the KPIs that have a cell, sorted."""
    return [name for (name,) in rows.aggregate(FULFILMENT_KPIS, (), by=("kpi",))]


def _unit(name: str) -> int:
    return SECOND if name in DURATIONS else 1


def _quantiles(name: str, counts: Counter[int]) -> list[Decimal | None]:
    values = [quantile(counts, share, of_durations=name in DURATIONS) for share in _SHARES]
    return [None if value is None else mean(value, 1, _unit(name)) for value in values]


def _sums(rows: RowReader, cells: Conditions) -> Sequence[int]:
    measures = [total(name) for name in ("numerator", "denominator", "measured", "total")]
    (sums,) = rows.aggregate(FULFILMENT_KPIS, measures, cells)
    return sums


def _open(rows: RowReader, cells: Conditions, as_of: datetime) -> int:
    """The cases whose limit has not passed at `as_of` and that are not in time yet."""
    now = micros_of(as_of)
    # The day of a limit may be behind that of the instant in UTC, by one day at most.
    recent = AtLeast("day", (as_of.astimezone(UTC).date() - timedelta(days=1)).isoformat())
    return sum(
        cases
        for (open_cases,) in rows.columns(FULFILMENT_KPIS, ("open",), [*cells, recent])
        for limit, cases in open_cases.items()
        if not has_passed(int(limit), now)
    )


def _histogram(rows: RowReader, cells: Conditions) -> Counter[int]:
    counts = Counter[int]()
    for (histogram,) in rows.columns(FULFILMENT_KPIS, ("histogram",), [*cells, AtLeast("measured", 1)]):
        counts.update({int(bucket): cases for bucket, cases in histogram.items()})
    return counts


class KpiParameters(Parameters):
    """The filters of `kpi`.  `since` is included, `until` is excluded."""

    name: Annotated[list[Text], Option("Names of the KPIs; default: all.", argument="names")] = Field(
        [], max_length=50
    )
    channel: Channel = None
    account: Account = None
    since: Since = None
    until: Until = None
    as_of: AsOfMoment = None


def _ask(rows: RowReader, seller: str | None, parameters: KpiParameters) -> Iterable[KpiAnswer]:
    for name in parameters.name or stored_kpis(rows):
        yield kpi(
            rows,
            name,
            seller=seller,
            channel=parameters.channel,
            account=parameters.account,
            since=parameters.since,
            until=parameters.until,
            as_of=parameters.as_of,
        )


QUESTION: Final = Question(
    name="kpi",
    help="Fulfilment KPIs, each with its numerator and denominator.",
    http_help="Fulfilment KPIs, each with its numerator and denominator.  `name`: which KPIs; default: all.",
    example="jumun kpi on_time_shipment processing_time --since 2026-03-01 --until 2026-04-01",
    parameters=KpiParameters,
    answer=KpiAnswer,
    row_help="`seller_id`: null if the figure is for all sellers.",
    scope="all sellers",
    ask=_ask,
)
