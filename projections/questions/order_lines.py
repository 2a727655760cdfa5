"""Counts order lines by whether they were handed over, delivered and reported in time."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from domain.order.state import HANDED_OVER
from projections.instants import local_day
from projections.orders.rows import ORDER_FACTS
from projections.questions.rows import (
    AtLeast,
    Conditions,
    Equal,
    IsNotNone,
    RowReader,
    count,
    total,
)

_LEFT: Final = (IsNotNone("first_dispatched_at"), Equal("dispatch_inferred", False))
_LEFT_LATE: Final = (*_LEFT, AtLeast("late_pieces", 1))
_COUNTS: Final = (
    count(),
    total("ordered"),
    count(Equal("dispatch_inferred", True)),
    count(*_LEFT),
    count(*_LEFT_LATE),
    total("late_pieces", *_LEFT_LATE),
    *(total(state, *_LEFT) for state in HANDED_OVER),
)


@dataclass(frozen=True, slots=True)
class LinesSummary:
    """Counts of order lines.  `handed_over`: a piece was handed over at a time that the source states.

    `handed_over_inferred`: a converter inferred the time.  The other counts of handed-over lines exclude
    these lines.  Days are local; lags are in whole days.
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


def lines_summary(rows: RowReader, where: Conditions) -> LinesSummary:
    """Summarises the lines that match `where`."""
    (counts,) = rows.aggregate(ORDER_FACTS, _COUNTS, where)
    columns = ("zone", "delivered_at", "promise_at", "delivery_reported_at")
    delivered = rows.columns(ORDER_FACTS, columns, [*where, IsNotNone("delivered_at")])
    lines, pieces, inferred, left, left_late, pieces_late, *handed_over = counts
    days = _by_day(delivered)
    return LinesSummary(lines, pieces, inferred, left, left_late, sum(handed_over), pieces_late, *days)


def _by_day(lines: Iterable[tuple[Any, ...]]) -> tuple[int, int, int, int, int | None]:
    """Counts lines delivered before, on and after the promised day, and deliveries reported late.

    The last value is the longest time from a delivery to its report, in microseconds.
    """
    sides = Counter[int]()
    lags: list[int] = []
    for zone, at, promise, reported in lines:
        day = local_day(zone, at)
        if promise is not None:
            promised = local_day(zone, promise)
            sides[(day > promised) - (day < promised)] += 1
        if reported is not None:
            lag = date.fromisoformat(local_day(zone, reported)) - date.fromisoformat(day)
            lags.append(lag.days)
    return sides[-1], sides[0], sides[1], sum(lag > 0 for lag in lags), max(lags, default=None)
