"""What became of the orders: counted and timed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Final

from domain.values import Text
from projections.instants import DAY, SECOND, local_day
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.exact_mean import mean
from projections.questions.order_lines import LinesSummary, lines_summary
from projections.questions.question import Channel, Option, Parameters, Question, Since, Until
from projections.questions.rows import RowReader, between, equal
from projections.questions.shared_orders import SharedOrder, shared_orders


@dataclass(frozen=True, slots=True)
class OrdersSummary(AsOf):
    """Marketplace orders that the filters leave.  Means are exact; None: not enough data."""

    orders: int
    by_claimed_status: dict[str, int]
    by_status: dict[str, int]
    by_seller: dict[str, int]
    """Orders of each seller; one of several sellers counts for each."""
    delivered: int
    """With a date of delivery: the population of the next seven."""
    late_by_timestamp: int
    late_by_calendar_day: int
    on_the_promised_day: int
    before_the_promised_day: int
    delivery_days: Decimal | None
    delivery_days_floor: Decimal | None
    approval_hours: Decimal | None
    """Over those of them that were paid."""
    paid: int
    approval_hours_of_all: Decimal | None
    lines: LinesSummary


def orders(  # noqa: PLR0913  each is a filter
    rows: RowReader,
    *,
    seller: str | None = None,
    channel: str | None = None,
    claimed_status: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    as_of: datetime | None = None,
) -> OrdersSummary:
    """What became of the orders placed from `since` on and before `until`."""
    where = [
        *equal(seller_id=seller, channel=channel, claimed_status=claimed_status, status=status),
        *between("placed_at", since, until),
    ]
    wholes, by_seller = shared_orders(rows, where)
    when = as_of_now(rows, seller, as_of)
    return _summary(when, wholes, by_seller, lines_summary(rows, where))


def _summary(
    when: AsOf, wholes: list[SharedOrder], by_seller: dict[str, int], lines: LinesSummary
) -> OrdersSummary:
    came = [whole for whole in wholes if whole.delivered_at is not None]
    days = [_days(whole) for whole in came]
    took = [whole.delivered_at - whole.placed_at for whole in came if whole.delivered_at and whole.placed_at]
    return OrdersSummary(
        when.as_of_position,
        when.as_of,
        len(wholes),
        dict(sorted(Counter(whole.claimed[1] for whole in wholes).items())),
        dict(sorted(Counter(_status(whole.statuses) for whole in wholes).items())),
        by_seller,
        len(came),
        sum(_late(whole) for whole in came),
        days.count(1),
        days.count(0),
        days.count(-1),
        mean(sum(took), len(took), DAY),
        mean(sum(span // DAY for span in took), len(took)),
        _approval(came),
        sum(whole.paid_at is not None for whole in wholes),
        _approval(wholes),
        lines,
    )


def _status(statuses: set[str]) -> str:
    return next(iter(statuses)) if len(statuses) == 1 else "mixed"


def _late(whole: SharedOrder) -> bool:
    at, promise = whole.delivered_at, whole.promise_at
    return at is not None and promise is not None and at > promise


def _days(whole: SharedOrder) -> int | None:
    """1: delivered after the promised day, 0: on it, -1: before; None: nothing was promised."""
    if whole.delivered_at is None or whole.promised_day is None:
        return None
    day = local_day(whole.zone, whole.delivered_at)
    return (day > whole.promised_day) - (day < whole.promised_day)


def _approval(wholes: Iterable[SharedOrder]) -> Decimal | None:
    spans = [whole.paid_at - whole.placed_at for whole in wholes if whole.paid_at and whole.placed_at]
    return mean(sum(spans), len(spans), 3_600 * SECOND)


class OrdersParameters(Parameters):
    """Orders placed from `since` on and before `until`, days in UTC."""

    channel: Channel = None
    claimed: Annotated[Text | None, Option("Only orders that their channel calls so.")] = None
    status: Annotated[Text | None, Option("Only orders of this derived status.")] = None
    since: Since = None
    until: Until = None


def _ask(rows: RowReader, seller: str | None, given: OrdersParameters) -> list[OrdersSummary]:
    return [
        orders(
            rows,
            seller=seller,
            channel=given.channel,
            claimed_status=given.claimed,
            status=given.status,
            since=_midnight(given.since),
            until=_midnight(given.until),
        )
    ]


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)


QUESTION: Final = Question(
    name="orders",
    help="What became of the orders: counts by status, lateness, durations.  "
    "One of several sellers counts once.",
    http_help="What became of the orders: counts by status, lateness, durations.",
    example="jumun orders --channel olist --claimed delivered",
    parameters=OrdersParameters,
    answer=OrdersSummary,
    row_help="`seller_id`: null where the figures are over all sellers.",
    scope="all sellers",
    refuses_unknown_seller=False,
    ask=_ask,
)
