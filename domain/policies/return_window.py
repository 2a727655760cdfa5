"""Computes until when pieces may be returned."""

from collections.abc import Collection
from datetime import datetime, timedelta

from domain.policies.calendar import BusinessCalendar
from domain.policies.return_policy import ReturnPolicy


def window_end(
    policy: ReturnPolicy, days: BusinessCalendar, reason: str, delivered_at: Collection[datetime]
) -> datetime | None:
    """The exclusive end of the return window, counted from the latest delivery; None without a delivery.

    Some reasons, such as a defect, have a second, longer window.
    """
    if not delivered_at:
        return None
    second = policy.second_window
    longer = second is not None and reason in second.reasons
    term = second.days_from_delivery if second and longer else policy.window_days
    return days.end_of_day(days.local_day(max(delivered_at)) + timedelta(days=term))
