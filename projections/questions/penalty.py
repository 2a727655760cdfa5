"""Question `penalty`: a seller's penalty points as of an instant, because points expire without an event."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from domain.policies.calendar import calendar
from domain.policies.penalty_points import (
    PenaltyPoint,
    expires_on,
    in_window,
    late_dispatch_points,
    late_return_points,
    oos_cancel_points,
    points_in_window,
)
from domain.policies.penalty_stages import (
    Assessment,
    StageReached,
    more_until_trigger,
    stage,
    stages,
    triggered_days,
)
from domain.policies.rule_sets import NAVER_SALES_PENALTY, PenaltyRules
from domain.values import InputChannel
from projections.instants import instant
from projections.orders.rows import ORDER_STATUS
from projections.penalty_risk import PENALTY_RISK, PenaltyRisk
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.question import CHANNEL, AsOfInstant, Parameters, Question
from projections.questions.rows import RowReader, between, equal

LOOK_BACK: Final = timedelta(days=180)
"""How far back stages are computed: much longer than the sum of their windows."""


AccruedPoints = list[tuple[PenaltyRisk, PenaltyPoint]]


@dataclass(frozen=True, slots=True)
class PenaltyCase:
    """A failure with its points.  `expires_on`: the first day on which they no longer count."""

    account: str
    order_id: str
    subject: str
    rule: str
    points: int
    accrued_on: date
    expires_on: date


@dataclass(frozen=True, slots=True)
class PenaltyAnswer(AsOf):
    """Penalty points in the window that ends with the day of `as_of`, in the zone of the rules."""

    seller_id: str
    channel: str
    rules: str
    now: Assessment
    """Points, paid orders, their ratio, and whether a stage is triggered; None: not enough data."""
    stage: StageReached | None
    """The latest stage, and the day on which it was reached."""
    more_until_trigger: int | None
    """How many more sold-out cancels trigger the next stage; None without paid orders."""
    at_risk_lines: int
    """Lines not handed over whose ship_by has not passed."""
    overdue_lines: int
    """Lines not handed over whose ship_by has passed."""
    expiring: dict[date, int]
    """Points by the first day on which they no longer count."""
    cases: list[PenaltyCase]


def penalty(
    rows: RowReader,
    seller: str,
    channel: str = "naver",
    as_of: datetime | None = None,
    rules: PenaltyRules = NAVER_SALES_PENALTY,
) -> PenaltyAnswer:
    """Points, ratio and stage of the seller on the channel, and the cases behind them."""
    when = as_of_now(rows, seller, as_of)
    facts = _facts(rows, seller, channel, when.as_of)
    accrued = [(fact, point) for fact in facts for point in _points(rules, fact, when.as_of)]
    paid_on = _paid_orders(rows, seller, channel, rules, when.as_of)
    return _assessed(when, seller, channel, rules, accrued, paid_on, _waiting(facts, when.as_of))


def _assessed(  # noqa: PLR0913, PLR0917  the inputs of the assessment
    when: AsOf,
    seller: str,
    channel: str,
    rules: PenaltyRules,
    accrued: AccruedPoints,
    paid_on: Mapping[date, int],
    waiting: tuple[int, int],
) -> PenaltyAnswer:
    # At midnight the day before has just ended, and that is the day to assess.
    on = calendar(rules.calendar, rules.zone).last_day_before(when.as_of)
    points = [point for _, point in accrued]
    paid = sum(count for day, count in paid_on.items() if in_window(rules, day, on))
    now = stage(rules, points_in_window(rules, points, on), paid)
    reached = stages(rules, triggered_days(rules, points, paid_on))
    cases = [_case(rules, fact, point) for fact, point in accrued if in_window(rules, point.accrued_on, on)]
    cases.sort(key=lambda case: (case.accrued_on, case.order_id, case.subject, case.rule, case.account))
    return PenaltyAnswer(
        when.as_of_position,
        when.as_of,
        seller,
        channel,
        f"{rules.id}@{rules.version}",
        now,
        reached[-1] if reached else None,
        more_until_trigger(rules, now.points, paid),
        *waiting,
        _expiring(cases),
        cases,
    )


def _waiting(facts: list[PenaltyRisk], as_of: datetime) -> tuple[int, int]:
    """The number of lines not handed over: (at risk, overdue)."""
    waiting = [fact for fact in facts if fact.kind == "late_dispatch" and _open(fact, as_of)]
    overdue = sum(instant(fact.occurred_at) <= as_of for fact in waiting)
    return len(waiting) - overdue, overdue


def _expiring(cases: list[PenaltyCase]) -> dict[date, int]:
    by_day = Counter[date]()
    for case in cases:
        by_day[case.expires_on] += case.points
    return dict(sorted(by_day.items()))


def _facts(rows: RowReader, seller: str, channel: str, as_of: datetime) -> list[PenaltyRisk]:
    where = [
        *equal(seller_id=seller, channel=channel),
        *between("occurred_at", as_of - LOOK_BACK, None),
    ]
    return list(rows.select(PENALTY_RISK, where, order=("occurred_at", *PENALTY_RISK.key)))


def _points(rules: PenaltyRules, fact: PenaltyRisk, as_of: datetime) -> list[PenaltyPoint]:
    at, done = instant(fact.occurred_at), None if fact.done_at is None else instant(fact.done_at)
    as_of -= timedelta.resolution
    if at > as_of:
        return []
    match fact.kind:
        case "oos_cancel":
            return oos_cancel_points(rules, at)
        case "late_dispatch":
            return late_dispatch_points(rules, at, done, as_of)
        case _:
            return late_return_points(rules, at, done, as_of)


def _open(fact: PenaltyRisk, as_of: datetime) -> bool:
    return fact.done_at is None or instant(fact.done_at) > as_of


def _case(rules: PenaltyRules, fact: PenaltyRisk, point: PenaltyPoint) -> PenaltyCase:
    expires = expires_on(rules, point.accrued_on)
    return PenaltyCase(
        fact.account, fact.order_id, fact.subject, point.key, point.points, point.accrued_on, expires
    )


def _paid_orders(
    rows: RowReader, seller: str, channel: str, rules: PenaltyRules, as_of: datetime
) -> Mapping[date, int]:
    """The number of paid orders by the day of their payment, in the zone of the rules."""
    where = [*equal(seller_id=seller, channel=channel), *between("paid_at", as_of - LOOK_BACK, as_of)]
    days = calendar(rules.calendar, rules.zone)
    return Counter(days.local_day(instant(at)) for (at,) in rows.columns(ORDER_STATUS, ("paid_at",), where))


class PenaltyParameters(Parameters):
    channel: Annotated[InputChannel, CHANNEL] = "naver"
    as_of: AsOfInstant = None


QUESTION: Final = Question(
    name="penalty",
    help="Penalty points of each seller: points, ratio, stage, and the cases behind them.",
    http_help="Penalty points of each seller, and the cases behind them.",
    example="jumun penalty --seller seoul-home --channel naver --as-of 2026-03-31",
    parameters=PenaltyParameters,
    answer=PenaltyAnswer,
    scope="each seller",
    ask=lambda rows, seller, parameters: [penalty(rows, seller or "", parameters.channel, parameters.as_of)],
)
