"""What gives a seller penalty points on a marketplace, on which day they count, and when they expire.

They predict and warn.  They never change what is recorded: nobody saves points by another reason code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from domain.policies.calendar import ONE_DAY, calendar
from domain.policies.rule_sets import PenaltyRules, PointKey


@dataclass(frozen=True, slots=True)
class PenaltyPoint:
    key: PointKey
    points: int
    accrued_on: date
    """In the zone of the rules."""


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


def expires_on(rules: PenaltyRules, accrued_on: date) -> date:
    """The first day on which points given on `accrued_on` no longer count."""
    return accrued_on + timedelta(days=rules.trigger.window_days)


def in_window(rules: PenaltyRules, day: date, on: date) -> bool:
    """Whether what happened on `day` counts in the window that ends with `on`, that day included."""
    return day <= on < expires_on(rules, day)


def points_in_window(rules: PenaltyRules, points: Iterable[PenaltyPoint], on: date) -> int:
    """The sum over the window that ends with `on`, that day included; older points have expired."""
    return sum(point.points for point in points if in_window(rules, point.accrued_on, on))
