"""What is wrong with a policy that a seller wants to adopt.

Adoption checks it, and not the model: a policy that was adopted before must stay readable.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple, get_args

from domain.order.fault import ReturnReason
from domain.policies.calendar import EVERY_DAY
from domain.policies.documents import Policy, ScoreMarks
from domain.policies.return_policy import ReturnPolicy
from domain.policies.rule_sets import COUPANG_WINDOW_DAYS


class Problem(NamedTuple):
    """Why a policy cannot be adopted.  `law`: the law forbids it; else no decision could use it."""

    field: str
    rule: str
    remedy: str
    law: bool = False

    def __str__(self) -> str:
        return f"{self.field}: {self.rule}; {self.remedy}"


class ReturnLaw(NamedTuple):
    """The least that a buyer may expect of a return policy, by the law of a region."""

    name: str
    window_days: int
    starts_at: tuple[str, ...]
    rolls: bool
    refund_business_days: int
    refund_days: int
    """The same term if the policy's calendar counts every day."""
    second_window: tuple[int, int] | None = None
    """Days from the delivery and from knowing, for goods that differ from the contract."""


KR_LAW: Final = ReturnLaw(
    "KR E-Commerce Act, articles 17 and 18", 7, ("delivered", "last_item_delivered"), False, 3, 3, (90, 30)
)
EU_LAW: Final = ReturnLaw(
    "Directive 2011/83/EU, articles 9 and 13", 14, ("last_item_delivered",), True, 10, 14
)
EU: Final = (
    "EU", "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
LAWS: Final = {"KR": KR_LAW, **dict.fromkeys(EU, EU_LAW)}
"""By region.  Other regions are not checked."""

ROLLED_DAYS: Final = 7
"""A window that is a week longer than the law's ends later than it, even if it does not roll."""
FIRST_ZONE: Final = timezone(timedelta(hours=14))
"""The zone in which a day begins first."""


def adoption_problems(policy: Policy, at: datetime) -> list[Problem]:
    """Everything that forbids to adopt `policy` at that instant; what the law forbids comes first."""
    problems = [*_dates(policy, at)]
    if isinstance(policy, ReturnPolicy):
        problems += [*_below_the_law(policy), *_not_carried_out(policy)]
    if isinstance(policy, ScoreMarks):
        problems += _not_computed(policy)
    return sorted(problems, key=lambda problem: not problem.law)


def _dates(policy: Policy, at: datetime) -> Iterator[Problem]:
    if policy.valid_from > at.astimezone(FIRST_ZONE).date():
        rule = "a policy applies from its adoption, and this day has not come"
        yield Problem("valid_from", rule, f"adopt it on {policy.valid_from}")
    if policy.valid_to is not None:
        rule = "a policy applies until the next one of its kind is adopted"
        yield Problem("valid_to", rule, "leave it out, and adopt the next policy when this one ends")


def _below_the_law(policy: ReturnPolicy) -> Iterator[Problem]:
    law = LAWS.get(policy.region)
    if law is None:
        return
    days = law.window_days

    def broken(field: str, rule: str, remedy: str) -> Problem:
        return Problem(field, f"{rule} ({law.name})", remedy, law=True)

    if policy.window_days < days:
        rule = f"the return window in {policy.region} is at least {days} days, not {policy.window_days}"
        yield broken("window_days", rule, f"give {days} or more")
    if policy.window_starts_at not in law.starts_at:
        rule = f"the return window may not begin before {law.starts_at[0].replace('_', ' ')}"
        yield broken("window_starts_at", rule, f"give {law.starts_at[0]}")
    if law.rolls and not policy.roll_to_next_business_day and policy.window_days < days + ROLLED_DAYS:
        rule = "a window that ends on a day off ends on the next business day"
        yield broken("roll_to_next_business_day", rule, "give true")
    if policy.payer.seller_fault == "customer":
        yield broken("payer.seller_fault", "the seller pays for the seller's fault", "give seller")
    term = law.refund_days if policy.calendar == EVERY_DAY else law.refund_business_days
    if policy.refund_within_business_days > term:
        rule = f"the refund is due within {term} days of the calendar {policy.calendar}"
        yield broken("refund_within_business_days", rule, f"give {term} or fewer")
    second = policy.second_window
    longest = (second.days_from_delivery, second.days_from_knowing) if second else (0, 0)
    if law.second_window is not None and any(
        given < least for given, least in zip(longest, law.second_window, strict=True)
    ):
        delivery, knowing = law.second_window
        rule = "goods that differ from the contract may be returned longer"
        yield broken("second_window", rule, f"give {delivery} days from delivery and {knowing} from knowing")
    if "refund" not in policy.resolutions:
        yield broken("resolutions", "a buyer cannot be denied the refund", "add refund")


def _not_carried_out(policy: ReturnPolicy) -> Iterator[Problem]:
    remedy = f"use one of: {', '.join(get_args(ReturnReason))}"
    limits = policy.auto_approve
    for field, reasons in (
        ("second_window.reasons", policy.second_window.reasons if policy.second_window else ()),
        ("auto_approve.reasons", limits.reasons if limits else ()),
    ):
        for reason in reasons:
            if reason not in get_args(ReturnReason):
                yield Problem(field, f"no return has the reason {reason}", remedy)
    if limits is None:
        return
    if limits.max_per_customer_90_days is not None:
        rule = "buyers cannot be distinguished, so their returns cannot be counted"
        yield Problem("auto_approve.max_per_customer_90_days", rule, "leave it out, or approve by hand")
    if limits.currency is None:
        rule = "a value without a currency cannot be compared with an order's"
        yield Problem("auto_approve.currency", rule, "give the currency, for example KRW")


def _not_computed(policy: ScoreMarks) -> Iterator[Problem]:
    for name in sorted(policy.marks):
        if name not in COUPANG_WINDOW_DAYS:
            remedy = f"use one of: {', '.join(COUPANG_WINDOW_DAYS)}"
            yield Problem(f"marks.{name}", "no such metric is computed", remedy)
