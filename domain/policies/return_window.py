"""Computes until when pieces may be returned."""

from calendar import monthrange
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from domain.policies.calendar import SATURDAY_AND_SUNDAY, BusinessCalendar
from domain.policies.return_policy import ReturnPolicy

DIFFERS_FROM_CONTRACT: Final = frozenset(
    {"defect", "damaged", "not_as_described", "wrong_item", "parts_missing"}
)
"""The reasons that say: the goods are not those of the contract."""
KR_MONTHS: Final = 3
"""How long such goods may be returned at least, by the KR E-Commerce Act, article 17 (3)."""


def window_end(
    policy: ReturnPolicy,
    days: BusinessCalendar,
    reason: str,
    starts_at: Collection[datetime],
    noticed_on: date | None = None,
) -> datetime | None:
    """The exclusive end of the return window, counted from the latest of `starts_at`; None without one.

    Some reasons, such as a defect, have a second, longer window.  It also ends some days after the buyer
    noticed the defect, if that day is stated.
    """
    if not starts_at:
        return None
    first_day = days.local_day(max(starts_at))
    last_day = first_day + timedelta(days=policy.window_days)
    second = policy.second_window
    if second is not None and has_second_window(policy, reason):
        last_day = first_day + timedelta(days=second.days_from_delivery)
        if policy.region == "KR":
            last_day = max(last_day, _months_after(first_day, KR_MONTHS))
        if noticed_on is not None:
            last_day = min(last_day, noticed_on + timedelta(days=second.days_from_knowing))
    if policy.roll_to_next_business_day:
        last_day = _weekends_off(days).add_business_days(last_day, 0)
    return days.end_of_day(last_day)


def has_second_window(policy: ReturnPolicy, reason: str) -> bool:
    """Whether the second window holds for that reason.

    Korean law gives it to all goods that differ from the contract, whichever of these reasons the policy
    names: E-Commerce Act, article 17 (3).
    """
    differs = policy.region == "KR" and reason in DIFFERS_FROM_CONTRACT
    return policy.second_window is not None and (differs or reason in policy.second_window.reasons)


def _months_after(day: date, months: int) -> date:
    """The same day of a later month, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _weekends_off(days: BusinessCalendar) -> BusinessCalendar:
    """A policy may count every day for its refunds; no window ends on a weekend all the same."""
    return days if days.days_off else replace(days, days_off=SATURDAY_AND_SUNDAY)
