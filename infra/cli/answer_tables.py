"""Prints answers as tables: some questions have a table of their own, all others share a default table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from infra.cli import show
from projections.kpis import DURATIONS
from projections.questions.as_of import AsOf
from projections.questions.kpi import KpiAnswer
from projections.questions.orders import OrdersSummary
from projections.questions.penalty import PenaltyAnswer
from projections.questions.question import Question
from projections.questions.rows import RowReader
from projections.questions.score import score
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
    """The points of each seller, the cases behind them, and the channel's score."""
    sellers: list[PenaltyAnswer] = answers.every
    columns = ("seller", "points", "paid orders", "ratio", "stage", "sold-out cancels left", "overdue lines")
    show.table(
        f"Penalty risk on {answers.filters.channel}, last 30 days",
        columns,
        [
            (
                answer.seller_id,
                answer.now.points,
                answer.now.paid_orders,
                show.percent(answer.now.ratio),
                answer.stage.stage.name if answer.stage else "none",
                answer.more_until_trigger,
                answer.overdue_lines,
            )
            for answer in sellers
        ],
        note=f"{show.as_of(sellers[0])}; rules {sellers[0].rules}" if sellers else "",
    )
    for answer in sellers if answers.seller else ():
        _cases_table(answer)
    if "channel" not in answers.filters.model_fields_set or answers.filters.channel == "coupang":
        for answer in sellers:
            lines = score(answers.rows, answer.seller_id, "coupang", answers.filters.as_of)
            _score_table(answer.seller_id, lines)


def _cases_table(answer: PenaltyAnswer) -> None:
    columns = ("order", "line or cancel", "rule", "points", "given on", "expires on")
    show.table(
        f"The cases behind the {answer.now.points} points of {answer.seller_id}",
        columns,
        [
            (case.order_id, case.subject, case.rule, case.points, case.accrued_on, case.expires_on)
            for case in answer.cases
        ],
    )


def _score_table(seller: str, lines: Iterable[Any]) -> None:
    lines_with_rate = [
        (
            line.metric,
            show.percent(line.rate),
            "–" if line.mark is None else show.percent(line.mark),
            line.state,
        )
        for line in lines
        if line.rate is not None
    ]
    if lines_with_rate:
        columns = ("metric", "rate", "mark", "state")
        show.table(f"Coupang score of {seller}, last 7 days", columns, lines_with_rate)


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
    "activity": AnswerTable(_activity),
}


def of(question: Question[Any]) -> AnswerTable:
    return BY_QUESTION.get(question.name, DEFAULT)
