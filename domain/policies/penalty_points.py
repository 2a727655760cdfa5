"""Predicts penalty points of a marketplace: what causes them, from which day they count, when they expire.

A failure is certain before its points are given, on a later day: `accrued_on` may lie ahead.
The prediction only warns.  It never changes what is recorded: recording another reason saves no points.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from domain.policies.calendar import ONE_DAY, calendar
from domain.policies.rule_sets import PenaltyRules, PointKey
from domain.punctuality import punctuality


@dataclass(frozen=True, slots=True)
class PenaltyPoint:
    key: PointKey
    points: int
    accrued_on: date
    """Local day in the zone of the rules."""


def late_dispatch_points(
    rules: PenaltyRules, ship_by: datetime, dispatched_at: datetime | None, as_of: datetime
) -> list[PenaltyPoint]:
    """Points for an order not dispatched by `ship_by` (exclusive), as far as it has failed at `as_of`.

    A second rule adds points if it is still not dispatched at the end of the 4th business day after the due
    day.  They accrue on the 5th, even if it is dispatched on that day.
    """
    short = _points_if_missed(rules, "late_dispatch", ship_by, dispatched_at, as_of)
    return short + _points_if_missed(rules, "late_dispatch_long", ship_by, dispatched_at, as_of)


def delay_missed_points(
    rules: PenaltyRules, new_ship_by: datetime, dispatched_at: datetime | None, as_of: datetime
) -> list[PenaltyPoint]:
    """Points for an order that also missed the new date of its delay notice."""
    return _points_if_missed(rules, "delay_missed", new_ship_by, dispatched_at, as_of)


def late_return_points(
    rules: PenaltyRules,
    collected_at: datetime,
    handled_at: datetime | None,
    as_of: datetime,
    key: Literal["late_return", "late_exchange"] = "late_return",
) -> list[PenaltyPoint]:
    """Points for a return or exchange not handled by the end of the 3rd business day after its collection."""
    days = calendar(rules.calendar, rules.zone)
    return _points_if_missed(rules, key, days.end_of_day(days.local_day(collected_at)), handled_at, as_of)


def oos_cancel_points(rules: PenaltyRules, cancelled_at: datetime) -> list[PenaltyPoint]:
    """Points for a sold-out cancel.  They accrue on the next day, even on a holiday."""
    on = calendar(rules.calendar, rules.zone).local_day(cancelled_at) + ONE_DAY
    return _accrued(rules, "oos_cancel", on)


def _points_if_missed(
    rules: PenaltyRules, key: PointKey, until: datetime, done_at: datetime | None, as_of: datetime
) -> list[PenaltyPoint]:
    days = calendar(rules.calendar, rules.zone)
    due_on = days.last_day_before(until)
    grace = rules.points[key].grace_business_days
    if grace:
        until = days.end_of_day(days.add_business_days(due_on, grace))
    on = days.add_business_days(due_on, grace + 1)
    return _accrued(rules, key, on) if punctuality(done_at, until, as_of) == "late" else []


def _accrued(rules: PenaltyRules, key: PointKey, on: date) -> list[PenaltyPoint]:
    """The points of one rule; none if `on` lies in a suspension.

    What counts is the day on which points accrue, not the day of the failure.  Example, from the
    announcement of the suspension of 2025: an order that was due on its last day, Friday 2025-10-10, still
    got points, because they accrued on Monday.
    """
    rule = rules.points[key]
    if not rule.ignores_suspension and any(s.first <= on <= s.last for s in rules.suspensions):
        return []
    return [PenaltyPoint(key, rule.points, on)]


def expires_on(rules: PenaltyRules, accrued_on: date) -> date:
    """The first day on which points that accrued on `accrued_on` no longer count."""
    return accrued_on + timedelta(days=rules.trigger.window_days)


def in_window(rules: PenaltyRules, day: date, on: date) -> bool:
    """Whether `day` lies in the window that ends with `on` (included)."""
    return day <= on < expires_on(rules, day)


def points_in_window(rules: PenaltyRules, points: Iterable[PenaltyPoint], on: date) -> int:
    """The sum of the points in the window that ends with `on` (included); older points have expired."""
    return sum(point.points for point in points if in_window(rules, point.accrued_on, on))
