"""Question `score`: the KPIs of the seller score against the marks that the seller adopted."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final

from domain.policies.rule_sets import COUPANG_WINDOW_DAYS
from domain.policies.seller_score import ScoreLine, score_rate
from domain.values import InputChannel
from projections.instants import local_day, micros_of
from projections.questions.as_of import as_of_now, zone_of
from projections.questions.kpi import kpi
from projections.questions.question import CHANNEL, Account, AsOfMoment, Parameters, Question
from projections.questions.rows import RowReader
from projections.sellers import SELLERS, SellerRow, score_marks

SCORED_CHANNEL: Final = "coupang"
SCORED: Final = ("order_fulfilment", "on_time_shipment", "on_time_delivery")


def score(
    rows: RowReader,
    seller: str,
    channel: str = "coupang",
    as_of: datetime | date | None = None,
    account: str | None = None,
) -> list[ScoreLine]:
    """The metrics of the seller score.  Their windows end with the local day of `as_of`.

    `answer_24h` cannot be computed, because the ledger has no questions of buyers.
    """
    when = as_of_now(rows, seller, as_of)
    documents = score_marks(rows.get(SELLERS, (seller,)) or SellerRow(seller))
    marks = {name: mark for one in documents if one.channel == channel for name, mark in one.marks.items()}
    last_instant = micros_of(when.as_of) - 1
    until = date.fromisoformat(local_day(zone_of(rows, seller), last_instant)) + timedelta(days=1)
    lines: list[ScoreLine] = []
    for name in SCORED:
        since = until - timedelta(days=COUPANG_WINDOW_DAYS[name])
        answer = kpi(
            rows,
            name,
            seller=seller,
            channel=channel,
            account=account,
            since=since,
            until=until,
            as_of=when.as_of,
        )
        lines.append(score_rate(name, answer.numerator, answer.denominator, marks.get(name)))
    return lines


class ScoreParameters(Parameters):
    channel: Annotated[InputChannel, CHANNEL] = "coupang"
    account: Account = None
    as_of: AsOfMoment = None


QUESTION: Final = Question(
    name="score",
    help="The metrics of the seller score, compared with the marks that the channel shows the seller.",
    example="jumun penalty --seller seoul-home --channel coupang",
    parameters=ScoreParameters,
    answer=ScoreLine,
    scope="each seller",
    ask=lambda rows, seller, parameters: score(
        rows, seller or "", parameters.channel, parameters.as_of, parameters.account
    ),
    published=False,  # the command `penalty` shows it
)
