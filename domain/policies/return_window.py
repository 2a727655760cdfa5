"""Computes until when pieces may be returned."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from domain.policies.calendar import BusinessCalendar
from domain.policies.return_policy import ReturnPolicy

DIFFERS_FROM_CONTRACT: Final = frozenset(
    {"defect", "damaged", "not_as_described", "wrong_item", "parts_missing"}
)
"""The reasons that say: the goods are not those of the contract."""


def window_end(
    policy: ReturnPolicy, days: BusinessCalendar, reason: str, delivered_at: Collection[datetime]
) -> datetime | None:
    """The exclusive end of the return window, counted from the latest delivery; None without a delivery.

    Some reasons, such as a defect, have a second, longer window.  Korean law gives it to all goods that
    differ from the contract, whichever of these reasons the policy names: E-Commerce Act, article 17 (3).
    """
    if not delivered_at:
        return None
    second = policy.second_window
    differs = policy.region == "KR" and reason in DIFFERS_FROM_CONTRACT
    longer = second is not None and (differs or reason in second.reasons)
    term = second.days_from_delivery if second and longer else policy.window_days
    return days.end_of_day(days.local_day(max(delivered_at)) + timedelta(days=term))
