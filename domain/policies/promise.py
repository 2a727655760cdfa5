"""Computes when an order must be handed over and when its delivery is promised."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from domain.policies.calendar import BusinessCalendar, calendar
from domain.policies.documents import Policies, PromisePolicy, ref
from domain.punctuality import is_on_time


@dataclass(frozen=True, slots=True)
class Promise:
    """The deadlines of an order, in UTC.  Both are exclusive: at that instant it is too late."""

    ship_by: datetime | None
    """None if only a date of the channel counts."""
    promise_at: datetime | None
    """None if the policy promises nothing for the delivery zone."""
    policy: str
    calendar: str


def promise(  # noqa: PLR0913  two select the policy, three are its input
    policies: Policies,
    paid_at: datetime,
    channel: str,
    dispatch_type: str | None = None,
    *,
    zone: str | None = None,
    distance_km: Decimal | float | None = None,
) -> Promise | None:
    """What the seller's policies promise for an order of `channel` that was paid at `paid_at`.

    `zone`: the delivery zone; without it no delivery is promised.  `distance_km`: the distance to the buyer;
    without it no same-day dispatch is promised.  None: the seller has adopted no policy for such orders.
    """
    policy = policies.promise_for(channel, dispatch_type)
    if policy is None:
        return None
    return promise_by(policy, paid_at, zone=zone, distance_km=distance_km)


def promise_by(
    policy: PromisePolicy,
    paid_at: datetime,
    *,
    zone: str | None = None,
    distance_km: Decimal | float | None = None,
) -> Promise:
    """The promise of `policy`.  A payment strictly before the cut-off of a business day counts for that day.

    After the cut-off or on a day off, `after_cut_off_add` (1: the next business day) is added to the lead.
    """
    days = calendar(policy.calendar, policy.zone)
    if policy.due_date_from == "channel":
        return Promise(None, None, ref(policy), days.ref)
    paid_on = days.local_day(paid_at)
    if _leaves_same_day(policy, days, paid_on, paid_at, distance_km):
        assert policy.same_day is not None
        ship_by = days.instant(paid_on, policy.same_day.handover)
        return Promise(ship_by, days.end_of_day(paid_on), ref(policy), days.ref)
    in_time = _in_time(days, paid_on, paid_at, _cut_off(policy, paid_on, policy.cut_off))
    lead = policy.lead_business_days + (0 if in_time else policy.after_cut_off_add)
    ship_on = days.add_business_days(paid_on, lead)
    delivery_days = next((lead.days for lead in policy.delivery_lead if lead.zone == zone), None)
    arrives_on = None if delivery_days is None else days.add_business_days(ship_on, delivery_days)
    return Promise(
        ship_by=days.instant(ship_on, policy.handover),
        promise_at=None if arrives_on is None else days.end_of_day(arrives_on),
        policy=ref(policy),
        calendar=days.ref,
    )


def _leaves_same_day(
    policy: PromisePolicy,
    days: BusinessCalendar,
    paid_on: date,
    paid_at: datetime,
    distance_km: Decimal | float | None,
) -> bool:
    same_day = policy.same_day
    if same_day is None or distance_km is None or distance_km > same_day.max_distance_km:
        return False
    # On a date with an earlier cut-off, that one also applies to same-day dispatch.
    cut_off = min(same_day.cut_off, _cut_off(policy, paid_on, same_day.cut_off))
    return _in_time(days, paid_on, paid_at, cut_off)


def _cut_off(policy: PromisePolicy, day: date, usual: str) -> str:
    return next((other.cut_off for other in policy.overrides if other.date == day), usual)


def _in_time(days: BusinessCalendar, day: date, at: datetime, cut_off: str) -> bool:
    return days.is_business_day(day) and is_on_time(at, days.instant(day, cut_off))
