"""Questions: stock, penalty, kpi, orders, returns, activity."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from infra.cli import show
from infra.cli.options import (
    AsCsv,
    AsJson,
    AsOfOption,
    Channel,
    Home,
    Seller,
    Since,
    Until,
    asking,
    day,
    instant,
    sellers,
)
from projections.kpis import DURATIONS
from projections.questions.activity import activity as activity_question
from projections.questions.kpi import known_kpis
from projections.questions.kpi import kpi as kpi_question
from projections.questions.orders import orders as orders_question
from projections.questions.penalty import PenaltyAnswer
from projections.questions.penalty import penalty as penalty_question
from projections.questions.plain_rows import as_rows
from projections.questions.returns import returns as returns_question
from projections.questions.score import score
from projections.questions.stock import StockAnswer
from projections.questions.stock import stock as stock_question

_BALANCES = ("SKU", "on hand", "reserved", "available", "quarantine", "waiting")


def stock(
    seller: Seller = None,
    channel: Channel = None,
    sku: Annotated[str | None, typer.Option(help="Only this SKU.")] = None,
    most: Annotated[int, typer.Option(help="Print at most so many rows of the table.")] = show.LIMIT,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """What is there, what is promised, and what each channel may sell.

    Example: jumun stock --seller seoul-home --channel naver
    """
    with asking(home) as rows:
        channels = (channel,) if channel else ()
        answers = [
            answer for name in sellers(rows, seller) for answer in stock_question(rows, name, sku, channels)
        ]
        if show.for_a_program(as_rows(answers), as_json, as_csv):
            return
        _stock_table(answers, most)


def _stock_table(answers: list[StockAnswer], most: int) -> None:
    """One column per channel; the seller's name only where there are several."""
    several = len({item.seller_id for item in answers}) > 1
    channels = sorted({name for item in answers for name in item.sellable})
    worst = sorted(answers, key=lambda item: (not item.closed, item.level == "ok", item.available))
    show.table(
        "Stock, the scarcest first (pieces); under a channel: what it may sell",
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
            for item in worst
        ],
        most=most,
        note=show.as_of(answers[0]) if answers else "",
    )


def penalty(
    seller: Seller = None,
    channel: Channel = None,
    as_of: AsOfOption = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """How near each seller is to a penalty: points, ratio, stage, and what they are made of.

    Example: jumun penalty --seller seoul-home --channel naver --as-of 2026-03-31
    """
    with asking(home) as rows:
        names = sellers(rows, seller)
        at = instant(as_of)
        answers = [penalty_question(rows, name, channel or "naver", at) for name in names]
        if show.for_a_program(as_rows(answers), as_json, as_csv):
            return
        _penalty_table(answers, channel or "naver")
        for answer in answers if seller else ():
            _cases_table(answer)
        for name in names if channel in {None, "coupang"} else ():
            _score_table(name, score(rows, name, "coupang", at))


def _penalty_table(answers: list[PenaltyAnswer], channel: str) -> None:
    columns = ("seller", "points", "paid orders", "ratio", "stage", "sold-out cancels left", "overdue lines")
    show.table(
        f"Penalty risk on {channel}, last 30 days",
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
            for answer in answers
        ],
        note=f"{show.as_of(answers[0])}; rules {answers[0].rules}" if answers else "",
    )


def _cases_table(answer: PenaltyAnswer) -> None:
    columns = ("order", "line or cancel", "rule", "points", "given on", "expires on")
    show.table(
        f"What the {answer.now.points} points of {answer.seller_id} are made of",
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


def kpi(
    names: Annotated[list[str] | None, typer.Argument(help="Which KPIs; default: all.")] = None,
    seller: Seller = None,
    channel: Channel = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """Fulfilment KPIs, each with its numerator and denominator.

    Example: jumun kpi on_time_shipment processing_time --since 2026-03-01 --until 2026-04-01
    """
    with asking(home) as rows:
        if seller is not None:
            sellers(rows, seller)
        answers = [
            kpi_question(rows, name, seller=seller, channel=channel, since=day(since), until=day(until))
            for name in names or known_kpis(rows)
        ]
        if show.for_a_program(as_rows(answers), as_json, as_csv):
            return
        rates = [answer for answer in answers if answer.denominator]
        show.table(
            "Rates",
            ("KPI", "rate", "numerator", "denominator"),
            [(a.kpi, show.percent(a.rate), a.numerator, a.denominator) for a in rates],
        )
        measured = [answer for answer in answers if answer.measured]
        show.table(
            "Measured",
            ("KPI", "mean", "p50", "p90", "p99", "cases"),
            [
                (a.kpi, *(_measure(a.kpi, value) for value in (a.mean, a.p50, a.p90, a.p99)), a.measured)
                for a in measured
            ],
            note=show.as_of(answers[0]) if answers else "",
        )


def _measure(name: str, value: Any) -> str:
    return show.duration(value) if name in DURATIONS else show.said(value)


def orders(
    seller: Seller = None,
    channel: Channel = None,
    claimed: Annotated[str | None, typer.Option(help="Only orders that their channel calls so.")] = None,
    status: Annotated[str | None, typer.Option(help="Only orders of this derived status.")] = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """What became of the orders: counts by status, lateness, durations.  One of several sellers counts once.

    Example: jumun orders --channel olist --claimed delivered
    """
    with asking(home) as rows:
        answer = orders_question(
            rows,
            seller=seller,
            channel=channel,
            claimed_status=claimed,
            status=status,
            since=instant(since),
            until=instant(until),
        )
        if show.for_a_program(as_rows([answer]), as_json, as_csv):
            return
        show.table("Orders by derived status", ("status", "orders"), answer.by_status.items())
        if any(answer.by_claimed_status):
            show.table(
                "Orders by what their channel calls them",
                ("claim", "orders"),
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


def returns(
    seller: Seller = None,
    channel: Channel = None,
    state: Annotated[str | None, typer.Option(help="Only returns of this state.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """Returns by state and reason, and refunds that are overdue.

    Example: jumun returns --state received
    """
    with asking(home) as rows:
        names = sellers(rows, seller)
        found = [
            (name, answer)
            for name in names
            for answer in returns_question(rows, name, channel=channel, state=state)
        ]
        if show.for_a_program(as_rows([answer for _, answer in found]), as_json, as_csv):
            return
        columns = ("seller", "state", "reason", "fault", "returns", "pieces", "refund overdue")
        show.table(
            "Returns",
            columns,
            [(name, a.state, a.reason, a.fault, a.returns, a.pieces, a.overdue) for name, a in found],
            note=show.as_of(found[0][1]) if found else "",
        )


def activity(
    seller: Seller = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind; may end in *.")] = None,
    by_reason: Annotated[bool, typer.Option(help="Split by reason.")] = False,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    home: Home = None,
) -> None:
    """Everything that happened, by kind: facts told, pieces, value.

    Example: jumun activity --kind 'stock.*' --by-reason
    """
    with asking(home) as rows:
        answers = activity_question(
            rows, seller, since=day(since), until=day(until), kind=kind, by_reason=by_reason
        )
        if show.for_a_program(as_rows(answers), as_json, as_csv):
            return
        columns = ("kind", "reason", "facts", "inferred", "pieces", "value", "currency")
        show.table(
            "Activity",
            columns,
            [
                (a.kind, a.reason, a.facts, a.inferred, a.units, f"{a.value_micros / 1e6:,.2f}", a.currency)
                for a in answers
            ],
            note=show.as_of(answers[0]) if answers else "",
        )
