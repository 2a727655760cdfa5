"""Computes until when pieces may be returned."""

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
    second = policy.second_window
    longer = has_second_window(policy, reason)
    term = second.days_from_delivery if second and longer else policy.window_days
    last_day = days.local_day(max(starts_at)) + timedelta(days=term)
    if second and longer and noticed_on is not None:
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


def _weekends_off(days: BusinessCalendar) -> BusinessCalendar:
    """A policy may count every day for its refunds; no window ends on a weekend all the same."""
    return days if days.days_off else replace(days, days_off=SATURDAY_AND_SUNDAY)
