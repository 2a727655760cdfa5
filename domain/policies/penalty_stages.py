"""Determines when penalty points trigger a stage of a marketplace's sanctions, and which stage."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from domain.policies.penalty_points import PenaltyPoint, in_window, points_in_window
from domain.policies.rule_sets import PenaltyRules, Stage


@dataclass(frozen=True, slots=True)
class Assessment:
    """Unit of `ratio`: points per paid order, rounded to 6 places for display.  The trigger is exact."""

    points: int
    paid_orders: int
    ratio: Decimal | None
    triggered: bool | None
    """None: not enough data."""


@dataclass(frozen=True, slots=True)
class StageReached:
    stage: Stage
    on: date


def stage(rules: PenaltyRules, points_in_window: int, paid_orders_in_window: int) -> Assessment:
    """Whether this number of points, with this number of paid orders, triggers a penalty stage."""
    points, paid = points_in_window, paid_orders_in_window
    ratio = (Decimal(points) / paid).quantize(Decimal("0.000001"), ROUND_HALF_UP) if paid else None
    if points < rules.trigger.points:
        return Assessment(points, paid, ratio, triggered=False)
    return Assessment(points, paid, ratio, triggered=points >= rules.trigger.ratio * paid if paid else None)


def triggered_days(
    rules: PenaltyRules, points: Iterable[PenaltyPoint], paid_orders_on: Mapping[date, int]
) -> list[date]:
    """The days on which new points accrued and the trigger was met.

    Days without new points do not count, even while the trigger stays met; otherwise every trigger would
    reach the last stage after a few days.
    """
    accrued = list(points)
    days: list[date] = []
    for on in sorted({point.accrued_on for point in accrued}):
        paid = sum(count for day, count in paid_orders_on.items() if in_window(rules, day, on))
        if stage(rules, points_in_window(rules, accrued, on), paid).triggered:
            days.append(on)
    return days


def stages(rules: PenaltyRules, triggered_on: Iterable[date]) -> list[StageReached]:
    """The stage reached on each triggered day: the next one within `repeat_within_days`, else the first."""
    reached: list[StageReached] = []
    level = 0
    for on in sorted(set(triggered_on)):
        level = min(level + 1, len(rules.stages) - 1) if reached else 0
        within = rules.stages[level].repeat_within_days
        if within is not None and on - reached[-1].on > timedelta(days=within):
            level = 0
        reached.append(StageReached(rules.stages[level], on))
    return reached


def more_until_next(
    rules: PenaltyRules, points: Iterable[PenaltyPoint], paid_orders_on: Mapping[date, int], today: date
) -> int | None:
    """How many more sold-out cancels of today trigger a stage, with all points that are certain already.

    They are given tomorrow.  So of today and of each later day with certain points, the worst one counts.
    """
    certain = list(points)
    days = {today, *(point.accrued_on for point in certain if point.accrued_on > today)}
    counts = [
        more_until_trigger(
            rules,
            points_in_window(rules, certain, on),
            sum(count for day, count in paid_orders_on.items() if in_window(rules, day, on)),
        )
        for on in days
    ]
    return min((count for count in counts if count is not None), default=None)


def more_until_trigger(rules: PenaltyRules, points: int, paid_orders: int) -> int | None:
    """How many more sold-out cancels trigger a stage: 0 if triggered already, None without paid orders."""
    if paid_orders == 0:
        return None
    needed = max(Decimal(rules.trigger.points), rules.trigger.ratio * paid_orders) - points
    each = rules.points["oos_cancel"].points
    return max(0, int((needed / each).to_integral_value(ROUND_CEILING)))
