"""What a marketplace's rules make of a seller's failures.

They predict and warn.  They never change what is recorded: nobody saves points by another reason code.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Literal

from domain.policies.calendar import ONE_DAY, calendar
from domain.policies.documents import Mark
from domain.policies.rule_sets import PenaltyRules, PointKey, Stage


@dataclass(frozen=True, slots=True)
class PenaltyPoint:
    key: PointKey
    points: int
    accrued_on: date
    """In the zone of the rules."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Unit of `ratio`: points per paid order, 6 places, for show: the trigger is decided on exact numbers."""

    points: int
    paid_orders: int
    ratio: Decimal | None
    triggered: bool | None
    """None: not enough data."""


@dataclass(frozen=True, slots=True)
class StageReached:
    stage: Stage
    on: date


def late_dispatch_points(
    rules: PenaltyRules, ship_by: datetime, dispatched_at: datetime | None, as_of: datetime
) -> list[PenaltyPoint]:
    """Points for an order not dispatched by `ship_by` (exclusive), as given up to the day of `as_of`.

    One more rule weighs on what is still not dispatched when the 4th business day after the due day ends:
    its points come on the 5th, whatever happens on that day.
    """
    short = _missed(rules, "late_dispatch", ship_by, dispatched_at, as_of)
    return short + _missed(rules, "late_dispatch_long", ship_by, dispatched_at, as_of)


def delay_missed_points(
    rules: PenaltyRules, new_ship_by: datetime, dispatched_at: datetime | None, as_of: datetime
) -> list[PenaltyPoint]:
    """Points for an order that missed the date of its delay notice too."""
    return _missed(rules, "delay_missed", new_ship_by, dispatched_at, as_of)


def late_return_points(
    rules: PenaltyRules,
    collected_at: datetime,
    handled_at: datetime | None,
    as_of: datetime,
    key: Literal["late_return", "late_exchange"] = "late_return",
) -> list[PenaltyPoint]:
    """Points for a return or exchange not handled by the end of the 3rd business day after its collection."""
    days = calendar(rules.calendar, rules.zone)
    return _missed(rules, key, days.end_of_day(days.local_day(collected_at)), handled_at, as_of)


def oos_cancel_points(rules: PenaltyRules, cancelled_at: datetime) -> list[PenaltyPoint]:
    """Points for a cancel because the goods were sold out: the next day, holiday or not."""
    on = calendar(rules.calendar, rules.zone).local_day(cancelled_at) + ONE_DAY
    return _given(rules, "oos_cancel", on)


def _missed(
    rules: PenaltyRules, key: PointKey, until: datetime, done_at: datetime | None, as_of: datetime
) -> list[PenaltyPoint]:
    days = calendar(rules.calendar, rules.zone)
    due_on = days.last_day_before(until)
    grace = rules.points[key].grace_business_days
    if grace:
        until = days.end_of_day(days.add_business_days(due_on, grace))
    on = days.add_business_days(due_on, grace + 1)
    if (done_at is not None and done_at < until) or on > days.local_day(as_of):
        return []
    return _given(rules, key, on)


def _given(rules: PenaltyRules, key: PointKey, on: date) -> list[PenaltyPoint]:
    """What counts in a suspension is the day on which the points would come, not the day of the failure.

    That is how one announcement read: due on its last day, Friday 2025-10-10, gave points on Monday.
    """
    rule = rules.points[key]
    if not rule.ignores_suspension and any(s.first <= on <= s.last for s in rules.suspensions):
        return []
    return [PenaltyPoint(key, rule.points, on)]


def points_in_window(rules: PenaltyRules, points: Iterable[PenaltyPoint], on: date) -> int:
    """The sum over the window that ends with `on`, that day included; older points have expired."""
    since = on - timedelta(days=rules.trigger.window_days)
    return sum(point.points for point in points if since < point.accrued_on <= on)


def stage(rules: PenaltyRules, points_in_window: int, paid_orders_in_window: int) -> Assessment:
    """Whether that many points on that many paid orders set off a stage."""
    points, paid = points_in_window, paid_orders_in_window
    ratio = (Decimal(points) / paid).quantize(Decimal("0.000001"), ROUND_HALF_UP) if paid else None
    if points < rules.trigger.points:
        return Assessment(points, paid, ratio, triggered=False)
    return Assessment(points, paid, ratio, triggered=points >= rules.trigger.ratio * paid if paid else None)


def triggered_days(
    rules: PenaltyRules, points: Iterable[PenaltyPoint], paid_orders_on: Mapping[date, int]
) -> list[date]:
    """The days on which new points came and the trigger was met.

    A day on which it merely goes on being met is none, or every trigger would reach the last stage by itself.
    """
    given = list(points)
    found: list[date] = []
    for on in sorted({point.accrued_on for point in given}):
        since = on - timedelta(days=rules.trigger.window_days)
        paid = sum(count for day, count in paid_orders_on.items() if since < day <= on)
        if stage(rules, points_in_window(rules, given, on), paid).triggered:
            found.append(on)
    return found


def stages(rules: PenaltyRules, triggered_on: Iterable[date]) -> list[StageReached]:
    """The stage reached on each of the `triggered_days`: the next if it follows soon enough, or the first."""
    reached: list[StageReached] = []
    level = 0
    for on in sorted(set(triggered_on)):
        level = min(level + 1, len(rules.stages) - 1) if reached else 0
        within = rules.stages[level].repeat_within_days
        if within is not None and on - reached[-1].on > timedelta(days=within):
            level = 0
        reached.append(StageReached(rules.stages[level], on))
    return reached


def more_until_trigger(rules: PenaltyRules, points: int, paid_orders: int) -> int | None:
    """How many more sold-out cancels set off a stage: 0 if one is due already, None if nothing was paid."""
    if paid_orders == 0:
        return None
    needed = max(Decimal(rules.trigger.points), rules.trigger.ratio * paid_orders) - points
    each = rules.points["oos_cancel"].points
    return max(0, int((needed / each).to_integral_value(ROUND_CEILING)))


ScoreState = Literal["pass", "caution", "warning", "fail", "no mark", "not enough data"]


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One metric of a seller score.  Unit of `rate`: a share, 6 places, for show."""

    metric: str
    rate: Decimal | None
    mark: Decimal | None
    state: ScoreState


def score_rate(metric: str, numerator: int, denominator: int, mark: Mark | None) -> ScoreLine:
    """How `numerator` out of `denominator` stands against the mark; every level but "pass" lies below it."""
    asked = mark.pass_mark if mark else None
    if denominator == 0:
        return ScoreLine(metric, None, asked, "not enough data")
    rate = (Decimal(numerator) / denominator).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return ScoreLine(metric, rate, asked, _state(numerator, denominator, mark))


def _state(numerator: int, denominator: int, mark: Mark | None) -> ScoreState:
    def below(level: Decimal | None) -> bool:
        return level is not None and numerator < level * denominator

    if mark is not None and below(mark.warning):
        return "warning"
    if mark is not None and below(mark.caution):
        return "caution"
    if mark is None or mark.pass_mark is None:
        return "no mark"
    return "fail" if below(mark.pass_mark) else "pass"
