"""Question `penalty`: an account's penalty points as of an instant: points expire without an event."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

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
    more_until_next,
    stage,
    stages,
    triggered_days,
)
from domain.policies.rule_sets import RULES, PenaltyRules
from domain.policies.seller_score import ScoreLine
from domain.punctuality import has_passed
from projections.instants import instant
from projections.orders.rows import ORDER_STATUS
from projections.penalty_risk import PENALTY_RISK, PenaltyRisk
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.question import Account, AsOfMoment, Channel, Parameters, Question
from projections.questions.rows import RowReader, between, equal
from projections.questions.score import SCORED_CHANNEL, score
from projections.sellers import SELLERS, SellerRow, score_marks

LOOK_BACK: Final = timedelta(days=180)
"""How far back stages are computed: much longer than the sum of their windows."""


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
    """Penalty points of one account in the window that ends with the day of `as_of`, in the rules' zone.

    The rules are those of the account's channel.  A channel without rules has no points, only its score.
    """

    seller_id: str
    channel: str
    account: str
    rules: str | None
    """None: no penalty rules exist for this channel."""
    now: Assessment | None
    """Points, paid orders, their ratio, and whether a stage is triggered; None: not enough data."""
    stage: StageReached | None
    """The latest stage, and the day on which it was reached."""
    more_until_trigger: int | None
    """How many more sold-out cancels trigger the next stage, with the points to come; None without paid
    orders."""
    at_risk_lines: int
    """Lines not handed over whose ship_by has not passed."""
    overdue_lines: int
    """Lines not handed over whose ship_by has passed."""
    to_come: dict[date, int]
    """Points that are certain but not given yet, by the day on which they will be."""
    expiring: dict[date, int]
    """Points by the first day on which they no longer count."""
    cases: list[PenaltyCase]
    score: list[ScoreLine]
    """The seller score of the account, for channels that have one."""


def penalties(
    rows: RowReader,
    seller: str,
    channel: str | None = None,
    account: str | None = None,
    as_of: datetime | date | None = None,
) -> list[PenaltyAnswer]:
    """The answer of each account that has orders.  Without a channel: Naver, then Coupang if in use."""
    if channel is not None:
        return [
            penalty(rows, seller, channel, as_of, one) for one in _accounts(rows, seller, channel, account)
        ]
    naver = penalties(rows, seller, "naver", account, as_of)
    sells = rows.aggregate(ORDER_STATUS, (), equal(seller_id=seller, channel=SCORED_CHANNEL), by=("channel",))
    return naver + (penalties(rows, seller, SCORED_CHANNEL, account, as_of) if sells else [])


def _accounts(rows: RowReader, seller: str, channel: str, account: str | None) -> list[str]:
    if account is not None:
        return [account]
    used = rows.aggregate(ORDER_STATUS, (), equal(seller_id=seller, channel=channel), by=("account",))
    return [name for (name,) in used] or ["main"]


def penalty(
    rows: RowReader,
    seller: str,
    channel: str = "naver",
    as_of: datetime | date | None = None,
    account: str = "main",
) -> PenaltyAnswer:
    """Points, ratio and stage of one account of the seller on the channel, and the cases behind them."""
    when = as_of_now(rows, seller, as_of)
    facts = _facts(rows, seller, channel, account, when.as_of)
    rules = RULES.get(channel)
    points = _NO_POINTS if rules is None else _points_of(rows, rules, (seller, account), facts, when.as_of)
    marks = score_marks(rows.get(SELLERS, (seller,)) or SellerRow(seller))
    scored = channel == SCORED_CHANNEL or any(one.channel == channel for one in marks)
    return PenaltyAnswer(
        when.as_of_position,
        when.as_of,
        seller,
        channel,
        account,
        None if rules is None else f"{rules.id}@{rules.version}",
        points.now,
        points.stage,
        points.more_until_trigger,
        *_waiting(facts, when.as_of),
        points.to_come,
        _by_day((case.expires_on, case.points) for case in points.cases),
        points.cases,
        score(rows, seller, channel, when.as_of, account) if scored else [],
    )


class _Points(NamedTuple):
    """What the rules of a channel say."""

    now: Assessment | None
    stage: StageReached | None
    more_until_trigger: int | None
    to_come: dict[date, int]
    cases: list[PenaltyCase]


_NO_POINTS: Final = _Points(None, None, None, {}, [])


def _points_of(
    rows: RowReader, rules: PenaltyRules, account: tuple[str, str], facts: list[PenaltyRisk], as_of: datetime
) -> _Points:
    # At midnight the day before has just ended, and that is the day to assess.
    on = calendar(rules.calendar, rules.zone).last_day_before(as_of)
    accrued = [(fact, point) for fact in facts for point in _points(rules, fact, as_of)]
    paid_on = _paid_orders(rows, *account, rules, as_of)
    points = [point for _, point in accrued]
    given = [point for point in points if point.accrued_on <= on]
    paid = sum(count for day, count in paid_on.items() if in_window(rules, day, on))
    reached = stages(rules, triggered_days(rules, given, paid_on))
    cases = [_case(rules, fact, point) for fact, point in accrued if in_window(rules, point.accrued_on, on)]
    cases.sort(key=lambda case: (case.accrued_on, case.order_id, case.subject, case.rule))
    return _Points(
        stage(rules, points_in_window(rules, given, on), paid),
        reached[-1] if reached else None,
        more_until_next(rules, points, paid_on, on),
        _by_day((point.accrued_on, point.points) for point in points if point.accrued_on > on),
        cases,
    )


def _waiting(facts: list[PenaltyRisk], as_of: datetime) -> tuple[int, int]:
    """The number of lines not handed over: (at risk, overdue)."""
    waiting = [fact for fact in facts if fact.kind == "late_dispatch" and _waits(fact, as_of)]
    overdue = sum(has_passed(instant(fact.occurred_at), as_of) for fact in waiting)
    return len(waiting) - overdue, overdue


def _by_day(points: Iterable[tuple[date, int]]) -> dict[date, int]:
    by_day = Counter[date]()
    for day, count in points:
        by_day[day] += count
    return dict(sorted(by_day.items()))


def _facts(rows: RowReader, seller: str, channel: str, account: str, as_of: datetime) -> list[PenaltyRisk]:
    where = [
        *equal(seller_id=seller, channel=channel, account=account),
        *between("occurred_at", as_of - LOOK_BACK, None),
    ]
    return list(rows.select(PENALTY_RISK, where, order=("occurred_at", *PENALTY_RISK.key)))


def _points(rules: PenaltyRules, fact: PenaltyRisk, as_of: datetime) -> list[PenaltyPoint]:
    at, done = instant(fact.occurred_at), None if fact.done_at is None else instant(fact.done_at)
    match fact.kind:
        case "oos_cancel":
            return oos_cancel_points(rules, at) if at < as_of else []
        case "late_dispatch":
            return late_dispatch_points(rules, at, done, as_of)
        case _:
            return late_return_points(rules, at, done, as_of)


def _waits(fact: PenaltyRisk, as_of: datetime) -> bool:
    return fact.done_at is None or instant(fact.done_at) > as_of


def _case(rules: PenaltyRules, fact: PenaltyRisk, point: PenaltyPoint) -> PenaltyCase:
    expires = expires_on(rules, point.accrued_on)
    return PenaltyCase(
        fact.account, fact.order_id, fact.subject, point.key, point.points, point.accrued_on, expires
    )


def _paid_orders(
    rows: RowReader, seller: str, account: str, rules: PenaltyRules, as_of: datetime
) -> Mapping[date, int]:
    """The number of paid orders by the day of their payment, in the zone of the rules."""
    where = [
        *equal(seller_id=seller, channel=rules.channel, account=account),
        *between("paid_at", as_of - LOOK_BACK, as_of),
    ]
    days = calendar(rules.calendar, rules.zone)
    return Counter(days.local_day(instant(at)) for (at,) in rows.columns(ORDER_STATUS, ("paid_at",), where))


class PenaltyParameters(Parameters):
    """Without a channel: those with penalty rules or a seller score."""

    channel: Channel = None
    account: Account = None
    as_of: AsOfMoment = None


QUESTION: Final = Question(
    name="penalty",
    help="Penalty points of each account by the rules of its channel: points, ratio, stage, and the cases "
    "behind them; and its seller score.",
    http_help="Penalty points and seller score of each account, and the cases behind them.",
    example="jumun penalty --seller seoul-home --channel naver --as-of 2026-03-31",
    parameters=PenaltyParameters,
    answer=PenaltyAnswer,
    scope="each seller",
    ask=lambda rows, seller, parameters: penalties(
        rows, seller or "", parameters.channel, parameters.account, parameters.as_of
    ),
)
