"""Prints answers as tables: some questions have a table of their own, all others share a default table."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from infra.cli import show
from projections.kpis import DURATIONS
from projections.questions.as_of import AsOf
from projections.questions.kpi import KpiAnswer
from projections.questions.orders import OrdersSummary
from projections.questions.penalty import PenaltyAnswer
from projections.questions.question import Question
from projections.questions.refunds import RefundAnswer
from projections.questions.rows import RowReader
from projections.questions.stock import StockAnswer


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to a question, with its parameters."""

    question: Question[Any]
    rows: RowReader
    seller: str | None
    """The seller that the command named."""
    filters: Any
    by_seller: list[tuple[str | None, Any]]
    most: int
    """The most rows of a table."""

    @property
    def every(self) -> list[Any]:
        return [answer for _, answer in self.by_seller]


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """How to print the answers.  `takes_most`: whether the command has the option --most."""

    show: Callable[[Answers], None]
    takes_most: bool = False


_BALANCES: Final = ("SKU", "on hand", "reserved", "available", "quarantine", "waiting")


def _stock(answers: Answers) -> None:
    """One row per SKU, one column per channel; a seller column only if there are several sellers."""
    items: list[StockAnswer] = answers.every
    several = len({item.seller_id for item in items}) > 1
    channels = sorted({name for item in items for name in item.sellable})
    scarcest = sorted(items, key=lambda item: (not item.closed, item.level == "ok", item.available))
    show.table(
        "Stock in pieces, the scarcest first; the column of a channel: what it may sell",
        (*(["seller"] if several else []), *_BALANCES, *channels, "state"),
        [
            (
                *([item.seller_id] if several else []),
                item.sku,
                item.on_hand,
                item.reserved,
                item.available,
                item.quarantine,
                item.waiting,
                *(item.sellable.get(name) for name in channels),
                "closed: count it" if item.closed else item.level.replace("_", " "),
            )
            for item in scarcest
        ],
        most=answers.most,
        note=show.as_of(items[0]) if items else "",
    )


def _penalty(answers: Answers) -> None:
    """For each channel: the points of each account, the cases behind them, and the score."""
    for channel in dict.fromkeys(answer.channel for answer in answers.every):
        accounts = [answer for answer in answers.every if answer.channel == channel]
        if accounts[0].rules is not None:
            _points_table(channel, accounts)
            for answer in accounts if answers.seller else ():
                _cases_table(answer)
        elif not any(answer.score for answer in accounts):
            show.console.print(f"{channel} has neither penalty rules nor a seller score.\n")
        for answer in accounts:
            _score_table(answer)


def _points_table(channel: str, accounts: list[PenaltyAnswer]) -> None:
    several = len({answer.account for answer in accounts}) > 1
    columns = (
        "seller", *(["account"] if several else []), "points", "to come", "paid orders", "ratio", "stage",
        "sold-out cancels left", "overdue lines",
    )  # fmt: skip
    show.table(
        f"Penalty risk on {channel}, last 30 days",
        columns,
        [
            (
                answer.seller_id,
                *([answer.account] if several else []),
                answer.now.points,
                sum(answer.to_come.values()),
                answer.now.paid_orders,
                show.percent(answer.now.ratio),
                answer.stage.stage.name if answer.stage else "none",
                answer.more_until_trigger or ("none" if answer.more_until_trigger == 0 else None),
                answer.overdue_lines,
            )
            for answer in accounts
            if answer.now is not None
        ],
        note=f"{show.as_of(accounts[0])}; rules {accounts[0].rules}",
    )


def _cases_table(answer: PenaltyAnswer) -> None:
    columns = ("order", "line or cancel", "rule", "points", "given on", "expires on")
    points = answer.now.points if answer.now else 0
    show.table(
        f"The cases behind the {points} points of {answer.seller_id}, account {answer.account}",
        columns,
        [
            (case.order_id, case.subject, case.rule, case.points, case.accrued_on, case.expires_on)
            for case in answer.cases
        ],
        note="".join(f"{points} points to come on {day}. " for day, points in answer.to_come.items()),
    )


def _score_table(answer: PenaltyAnswer) -> None:
    lines_with_rate = [
        (
            line.metric,
            show.percent(line.rate),
            "–" if line.mark is None else show.percent(line.mark),
            line.state,
        )
        for line in answer.score
        if line.rate is not None
    ]
    if lines_with_rate:
        columns = ("metric", "rate", "mark", "state")
        title = f"Score on {answer.channel} of {answer.seller_id}, account {answer.account}, last 7 days"
        show.table(title, columns, lines_with_rate, note=show.as_of(answer))


def _kpi(answers: Answers) -> None:
    kpis: list[KpiAnswer] = answers.every
    rates = [answer for answer in kpis if answer.denominator]
    show.table(
        "Rates",
        ("KPI", "rate", "numerator", "denominator"),
        [(a.kpi, show.percent(a.rate), a.numerator, a.denominator) for a in rates],
    )
    measured = [answer for answer in kpis if answer.measured]
    show.table(
        "Measured",
        ("KPI", "mean", "p50", "p90", "p99", "cases"),
        [
            (a.kpi, *(_measure(a.kpi, value) for value in (a.mean, a.p50, a.p90, a.p99)), a.measured)
            for a in measured
        ],
        note=show.as_of(kpis[0]) if kpis else "",
    )


def _measure(name: str, value: Any) -> str:
    return show.duration(value) if name in DURATIONS else show.text_of(value)


def _orders(answers: Answers) -> None:
    answer: OrdersSummary
    (answer,) = answers.every
    show.table("Orders by derived status", ("status", "orders"), answer.by_status.items())
    if any(answer.by_claimed_status):
        show.table(
            "Orders by the status that their channel gives them",
            ("status of the channel", "orders"),
            answer.by_claimed_status.items(),
        )
    show.table(
        "Delivery",
        ("what", "figure"),
        [
            ("orders", answer.orders),
            ("delivered", answer.delivered),
            ("later than promised, by the clock", answer.late_by_timestamp),
            ("later than promised, by the day", answer.late_by_calendar_day),
            ("mean days from order to delivery", answer.delivery_days),
            ("mean hours from order to payment", answer.approval_hours_of_all),
            ("lines handed over", answer.lines.handed_over),
            ("lines handed over after their limit", answer.lines.handed_over_after_limit),
        ],
        note=show.as_of(answer),
    )


def _returns(answers: Answers) -> None:
    columns = ("seller", "state", "reason", "fault", "returns", "pieces", "refund overdue")
    show.table(
        "Returns",
        columns,
        [(name, a.state, a.reason, a.fault, a.returns, a.pieces, a.overdue) for name, a in answers.by_seller],
        note=show.as_of(answers.every[0]) if answers.every else "",
    )


def _refunds(answers: Answers) -> None:
    owed: list[tuple[str | None, RefundAnswer]] = answers.by_seller
    show.table(
        "Money owed to buyers, the most urgent first",
        ("seller", "channel", "account", "order", "returns", "amount", "currency", "due (UTC)", "overdue"),
        [
            (
                name,
                a.channel,
                a.account,
                a.order_id,
                a.returns,
                show.money(a.amount, a.currency),
                a.currency,
                a.due_at,
                a.overdue,
            )
            for name, a in owed
        ],
        most=answers.most,
        note=show.as_of(owed[0][1]) if owed else "",
    )


def _activity(answers: Answers) -> None:
    columns = ("kind", "reason", "facts", "inferred", "pieces", "value", "currency")
    show.table(
        "Activity",
        columns,
        [
            (a.kind, a.reason, a.facts, a.inferred, a.units, f"{a.value_micros / 1e6:,.2f}", a.currency)
            for a in answers.every
        ],
        note=show.as_of(answers.every[0]) if answers.every else "",
    )


def _any(answers: Answers) -> None:
    """The default table: one column for each field of the answer."""
    names = [field.name for field in fields(answers.question.answer) if field.name not in _AS_OF]
    first = answers.every[0] if answers.every else None
    show.table(
        answers.question.name.capitalize(),
        ["seller", *(name.replace("_", " ") for name in names)],
        [(seller, *(asdict(answer)[name] for name in names)) for seller, answer in answers.by_seller],
        most=answers.most,
        note=show.as_of(first) if isinstance(first, AsOf) else "",
    )


_AS_OF: Final = frozenset(field.name for field in fields(AsOf))
DEFAULT: Final = AnswerTable(_any, takes_most=True)
BY_QUESTION: Final[Mapping[str, AnswerTable]] = {
    "stock": AnswerTable(_stock, takes_most=True),
    "penalty": AnswerTable(_penalty),
    "kpi": AnswerTable(_kpi),
    "orders": AnswerTable(_orders),
    "returns": AnswerTable(_returns),
    "refunds": AnswerTable(_refunds, takes_most=True),
    "activity": AnswerTable(_activity),
}


def of(question: Question[Any]) -> AnswerTable:
    return BY_QUESTION.get(question.name, DEFAULT)
