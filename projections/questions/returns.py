"""Question `returns`: counts returns by state and reason, and overdue refunds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from domain.values import Text
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.question import Channel, Option, Parameters, Question
from projections.questions.rows import IsNone, RowReader, count, equal, has_passed, total
from projections.returns import RETURN_STATUS


@dataclass(frozen=True, slots=True)
class ReturnsAnswer(AsOf):
    """Returns of one state and reason.  `overdue`: returns without a refund after its due instant."""

    state: str
    reason: str
    fault: str
    returns: int
    pieces: int
    received: int
    refunded: int
    overdue: int


def returns(
    rows: RowReader,
    seller: str,
    *,
    channel: str | None = None,
    state: str | None = None,
    as_of: datetime | None = None,
) -> list[ReturnsAnswer]:
    """Counts by state and reason, sorted."""
    when = as_of_now(rows, seller, as_of)
    overdue = count(IsNone("refunded_at"), has_passed("refund_due_at", when.as_of))
    groups = rows.aggregate(
        RETURN_STATUS,
        [count(), total("pieces"), total("received"), total("refunded"), overdue],
        equal(seller_id=seller, channel=channel, state=state),
        by=("state", "reason", "fault"),
    )
    return [ReturnsAnswer(when.as_of_position, when.as_of, *group) for group in groups]


class ReturnsParameters(Parameters):
    channel: Channel = None
    state: Annotated[Text | None, Option("Only returns of this state.")] = None


QUESTION: Final = Question(
    name="returns",
    help="Returns by state and reason, and overdue refunds.",
    example="jumun returns --state received",
    parameters=ReturnsParameters,
    answer=ReturnsAnswer,
    row_help="Returns of one state and reason of one seller.",
    scope="each seller",
    ask=lambda rows, seller, parameters: returns(
        rows, seller or "", channel=parameters.channel, state=parameters.state
    ),
)
