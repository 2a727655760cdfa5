"""Computes the amount of a refund and when it is due."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from domain.policies.calendar import BusinessCalendar
from domain.policies.return_policy import ReturnPolicy
from domain.punctuality import has_passed
from domain.values import Fault

DAYS_OF_A_YEAR = 365


def rest_value(total_minor: int, units: int, gone: int) -> int:
    """The part of a line's price that is left when `gone` of its `units` are.

    The price is rounded down per unit; the last unit gets the rest, so that all parts add up to the line.
    """
    return total_minor - total_minor // units * gone if gone < units else 0


@dataclass(frozen=True, slots=True)
class ShippingTerms:
    """Shipping costs `fee_minor`; it is free for goods of `free_from_minor` or more."""

    free_from_minor: int
    fee_minor: int


def claw_back(terms: ShippingTerms, before_minor: int, cancelled_minor: int, fault: Fault) -> int:
    """The shipping fee that a cancel makes due again, at most the cancelled amount.

    Only if the customer is at fault, only if the rest falls below the limit of free shipping (so at most
    once per order), and only if goods are left to ship.
    """
    left_minor = before_minor - cancelled_minor
    was_free = before_minor >= terms.free_from_minor
    if fault != "customer" or not was_free or left_minor >= terms.free_from_minor or left_minor <= 0:
        return 0
    return min(terms.fee_minor, cancelled_minor)


def late_interest(amount_minor: int, apr: Decimal, days: int) -> int:
    """Interest on a refund that is `days` late: 365 days a year, halves rounded up.

    Source: KR E-Commerce Act, article 18 (2).  The rate is in the return policy.
    """
    assert amount_minor >= 0, amount_minor
    assert days >= 0, days
    exact = Fraction(apr) * amount_minor * days / DAYS_OF_A_YEAR
    return int(exact + Fraction(1, 2))


def refund_due(policy: ReturnPolicy, days: BusinessCalendar, from_at: datetime) -> datetime:
    """The UTC instant (exclusive) by which a refund is due; the day of `from_at` does not count."""
    last_day = days.add_business_days(days.local_day(from_at), policy.refund_within_business_days)
    return days.end_of_day(last_day)


def days_late(days: BusinessCalendar, due: datetime, at: datetime) -> int:
    """The days that started after `due` (exclusive) until `at`; 0 if it is not late."""
    if not has_passed(due, at):
        return 0
    return (days.local_day(at) - days.last_day_before(due)).days
