"""Order lines: handed over, delivered and reported in time or not."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from infra.read_models.asking import between, same, tuples
from infra.read_models.schema import SQL
from projections.instants import local_day


@dataclass(frozen=True, slots=True)
class LinesSummary:
    """Order lines.  `handed_over`: of which any piece left, and the source says when.

    `handed_over_inferred`: of which pieces left at a time that an importer worked out; no other count of
    what was handed over holds them.  Days are local; lags are in whole days.
    """

    lines: int
    pieces: int
    handed_over_inferred: int
    handed_over: int
    handed_over_after_limit: int
    pieces_handed_over: int
    pieces_handed_over_after_limit: int
    delivered_early: int
    delivered_on_the_day: int
    delivered_late: int
    reported_after_delivery: int
    max_report_lag_days: int | None


def lines_summary(
    connection: sa.Connection,
    equal: Mapping[str, str | None],
    since: datetime | None,
    until: datetime | None,
) -> LinesSummary:
    """All lines of the orders that the filters leave."""
    facts = SQL["order_facts"]
    which = same(facts, **equal) + between(facts.c.placed_at, since, until)
    left = sa.and_(facts.c.first_dispatched_at.is_not(None), sa.not_(facts.c.dispatch_inferred))
    after = sa.and_(left, facts.c.first_dispatched_at > facts.c.ship_by)
    counts = connection.execute(
        sa.select(
            sa.func.count(),
            _sum(facts.c.ordered),
            _sum(sa.case((facts.c.dispatch_inferred, 1), else_=0)),
            _sum(sa.case((left, 1), else_=0)),
            _sum(sa.case((after, 1), else_=0)),
            _sum(sa.case((left, facts.c.ordered), else_=0)),
            _sum(sa.case((after, facts.c.ordered), else_=0)),
        ).where(*which)
    ).one()
    columns = (facts.c.zone, facts.c.delivered_at, facts.c.promise_at, facts.c.delivery_reported_at)
    found = connection.execute(sa.select(*columns).where(*which, facts.c.delivered_at.is_not(None)))
    lines, pieces, inferred, gone, late, pieces_gone, pieces_late = (int(count) for count in counts)
    days = _by_day(tuples(found))
    return LinesSummary(lines, pieces, inferred, gone, late, pieces_gone, pieces_late, *days)


def _sum(value: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(value), 0)


def _by_day(rows: Iterable[tuple[Any, ...]]) -> tuple[int, int, int, int, int | None]:
    sides = Counter[int]()
    lags: list[int] = []
    for zone, at, promise, reported in rows:
        day = local_day(zone, at)
        if promise is not None:
            promised = local_day(zone, promise)
            sides[(day > promised) - (day < promised)] += 1
        if reported is not None:
            lag = date.fromisoformat(local_day(zone, reported)) - date.fromisoformat(day)
            lags.append(lag.days)
    return sides[-1], sides[0], sides[1], sum(lag > 0 for lag in lags), max(lags, default=None)
