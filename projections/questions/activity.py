"""Question `activity`: counts all events by kind."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

from domain.values import Text
from projections.activity import ACTIVITY
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.question import Option, Parameters, Question, Since, Until
from projections.questions.rows import Condition, Equal, RowReader, StartsWith, between, equal, total


@dataclass(frozen=True, slots=True)
class ActivityAnswer(AsOf):
    """One kind of event, summed over the selected days."""

    kind: str
    reason: str
    currency: str
    facts: int
    inferred: int
    events: int
    units: int
    value_micros: int


def activity(  # noqa: PLR0913  each is a filter
    rows: RowReader,
    seller: str | None = None,
    *,
    since: date | None = None,
    until: date | None = None,
    kind: str | None = None,
    by_reason: bool = False,
    as_of: datetime | None = None,
) -> list[ActivityAnswer]:
    """Sums by kind, sorted.  `until` is excluded; `kind` may end in `*`."""
    when = as_of_now(rows, seller, as_of)
    first, last = (day.isoformat() if day else None for day in (since, until))
    groups = rows.aggregate(
        ACTIVITY,
        [total(name) for name in ("facts", "inferred", "events", "units", "value_micros")],
        [*equal(seller_id=seller), *between("day", first, last), *_kind(kind)],
        by=("kind", "reason", "currency") if by_reason else ("kind", "currency"),
    )
    return [
        ActivityAnswer(when.as_of_position, when.as_of, *named) if by_reason else _unsplit(when, *named)
        for named in groups
    ]


def _unsplit(when: AsOf, kind: str, *rest: Any) -> ActivityAnswer:
    """An answer that is not split by reason: the sums over all reasons."""
    return ActivityAnswer(when.as_of_position, when.as_of, kind, "", *rest)


def _kind(kind: str | None) -> list[Condition]:
    if kind is None:
        return []
    prefix, star, _ = kind.partition("*")
    return [StartsWith("kind", prefix) if star else Equal("kind", kind)]


class ActivityParameters(Parameters):
    """The filters of `activity`.  `kind` may end in `*`."""

    kind: Annotated[Text | None, Option("Only this kind; may end in *.")] = None
    by_reason: Annotated[bool, Option("Split by reason.")] = False
    since: Since = None
    until: Until = None


QUESTION: Final = Question(
    name="activity",
    help="Everything that happened, by kind of event: facts, pieces, value.",
    example="jumun activity --kind 'stock.*' --by-reason",
    parameters=ActivityParameters,
    answer=ActivityAnswer,
    row_help="`seller_id`: null if the figures are for all sellers.",
    scope="all sellers",
    refuses_unknown_seller=False,
    ask=lambda rows, seller, parameters: activity(
        rows,
        seller,
        since=parameters.since,
        until=parameters.until,
        kind=parameters.kind,
        by_reason=parameters.by_reason,
    ),
)
