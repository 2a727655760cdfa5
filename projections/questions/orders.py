"""Question `orders`: counts orders by status and lateness, and averages their durations."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final

from domain.punctuality import has_passed
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
    """Figures over the marketplace orders that match the filters.  Means are exact; None: not enough data."""

    orders: int
    by_claimed_status: dict[str, int]
    by_status: dict[str, int]
    by_seller: dict[str, int]
    """Orders of each seller; an order of several sellers counts for each of them."""
    delivered: int
    """Orders with a delivery date.  The next seven figures are over these orders."""
    late_by_timestamp: int
    late_by_calendar_day: int
    on_the_promised_day: int
    before_the_promised_day: int
    delivery_days: Decimal | None
    delivery_days_floor: Decimal | None
    approval_hours: Decimal | None
    """Over the delivered orders that were paid."""
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
    since: date | None = None,
    until: date | None = None,
    as_of: datetime | date | None = None,
) -> OrdersSummary:
    """Summarises the orders placed from `since` (included) to `until` (excluded), by the sellers' days."""
    first, last = (day.isoformat() if day else None for day in (since, until))
    where = [
        *equal(seller_id=seller, channel=channel, claimed_status=claimed_status, status=status),
        *between("placed_on", first, last),
    ]
    matching, by_seller = shared_orders(rows, where)
    when = as_of_now(rows, seller, as_of)
    return _summary(when, matching, by_seller, lines_summary(rows, where))


def _summary(
    when: AsOf, matching: list[SharedOrder], by_seller: dict[str, int], lines: LinesSummary
) -> OrdersSummary:
    delivered = [order for order in matching if order.delivered_at is not None]
    days = [_days(order) for order in delivered]
    durations = [
        order.delivered_at - order.placed_at for order in delivered if order.delivered_at and order.placed_at
    ]
    return OrdersSummary(
        when.as_of_position,
        when.as_of,
        len(matching),
        dict(sorted(Counter(order.claimed[1] for order in matching).items())),
        dict(sorted(Counter(_status(order.statuses) for order in matching).items())),
        by_seller,
        len(delivered),
        sum(_late(order) for order in delivered),
        days.count(1),
        days.count(0),
        days.count(-1),
        mean(sum(durations), len(durations), DAY),
        mean(sum(span // DAY for span in durations), len(durations)),
        _approval(delivered),
        sum(order.paid_at is not None for order in matching),
        _approval(matching),
        lines,
    )


def _status(statuses: set[str]) -> str:
    return next(iter(statuses)) if len(statuses) == 1 else "mixed"


def _late(order: SharedOrder) -> bool:
    at, promise = order.delivered_at, order.promise_at
    return at is not None and promise is not None and has_passed(promise, at)


def _days(order: SharedOrder) -> int | None:
    """1: delivered after the promised day, 0: on it, -1: before it; None: not promised or not delivered."""
    if order.delivered_at is None or order.promised_day is None:
        return None
    day = local_day(order.zone, order.delivered_at)
    return (day > order.promised_day) - (day < order.promised_day)


def _approval(shared: Iterable[SharedOrder]) -> Decimal | None:
    spans = [order.paid_at - order.placed_at for order in shared if order.paid_at and order.placed_at]
    return mean(sum(spans), len(spans), 3_600 * SECOND)


class OrdersParameters(Parameters):
    """The filters of `orders`: placed from `since` (included) to `until` (excluded)."""

    channel: Channel = None
    claimed: Annotated[Text | None, Option("Only orders with this status of their channel.")] = None
    status: Annotated[Text | None, Option("Only orders with this derived status.")] = None
    since: Since = None
    until: Until = None


def _ask(rows: RowReader, seller: str | None, parameters: OrdersParameters) -> list[OrdersSummary]:
    return [
        orders(
            rows,
            seller=seller,
            channel=parameters.channel,
            claimed_status=parameters.claimed,
            status=parameters.status,
            since=parameters.since,
            until=parameters.until,
        )
    ]


QUESTION: Final = Question(
    name="orders",
    help="Figures over orders: counts by status, lateness, durations.  "
    "An order of several sellers counts once.",
    http_help="Figures over orders: counts by status, lateness, durations.",
    example="jumun orders --channel olist --claimed delivered",
    parameters=OrdersParameters,
    answer=OrdersSummary,
    row_help="`seller_id`: null if the figures are for all sellers.",
    scope="all sellers",
    refuses_unknown_seller=False,
    ask=_ask,
)
