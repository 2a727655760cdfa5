"""Orders: counted, timed, and one by one.

A marketplace order is (channel, account, order id): one of several sellers counts once, and carries the
earliest placement and payment and the latest delivery and promise of its parts.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from infra.read_models.asking import AsOf, as_of_now, between, mean, same
from infra.read_models.line_queries import LinesSummary, lines_summary
from infra.read_models.schema import SQL
from projections.instants import DAY, SECOND, local_day
from projections.orders.rows import (
    CANCEL_INBOX,
    ORDER_FACTS,
    ORDER_STATUS,
    PARCELS,
    CancelAsked,
    OrderFact,
    OrderStatus,
    Parcel,
)
from projections.orders.view import earliest, latest
from projections.tables import Row, Table


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


@dataclass(slots=True)
class _Whole:
    """A marketplace order put together from its sellers' parts."""

    zone: str
    claimed: tuple[int, str]
    statuses: set[str]
    placed_at: int | None
    paid_at: int | None
    delivered_at: int | None
    promise_at: int | None
    promised_day: str | None


def orders(  # noqa: PLR0913  each is a filter
    connection: sa.Connection,
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
    made = SQL[ORDER_STATUS.name]
    equal = {"seller_id": seller, "channel": channel, "claimed_status": claimed_status, "status": status}
    asked = sa.select(made).where(*same(made, **equal), *between(made.c.placed_at, since, until))
    wholes: dict[tuple[str, str, str], _Whole] = {}
    by_seller = Counter[str]()
    for values in connection.execute(asked):
        row = ORDER_STATUS.read(values)
        by_seller[row.seller_id] += 1
        _join(wholes, row)
    when = as_of_now(connection, seller, as_of)
    lines = lines_summary(connection, equal, since, until)
    return _summary(when, list(wholes.values()), dict(sorted(by_seller.items())), lines)


def _join(wholes: dict[tuple[str, str, str], _Whole], row: OrderStatus) -> None:
    key = (row.channel, row.account, row.order_id)
    claimed = (row.claimed_at or 0, row.claimed_status or "")
    known = wholes.setdefault(key, _Whole(row.zone, claimed, set(), None, None, None, None, None))
    known.claimed = max(known.claimed, claimed)
    known.statuses.add(row.status)
    known.placed_at = earliest(known.placed_at, row.placed_at)
    known.paid_at = earliest(known.paid_at, row.paid_at)
    known.delivered_at = latest(known.delivered_at, row.delivered_at)
    known.promise_at = latest(known.promise_at, row.promise_at)
    known.promised_day = max(known.promised_day or "", row.promised_day or "") or None


def _summary(
    when: AsOf, wholes: list[_Whole], by_seller: dict[str, int], lines: LinesSummary
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


def _late(whole: _Whole) -> bool:
    at, promise = whole.delivered_at, whole.promise_at
    return at is not None and promise is not None and at > promise


def _days(whole: _Whole) -> int | None:
    """1: delivered after the promised day, 0: on it, -1: before; None: nothing was promised."""
    if whole.delivered_at is None or whole.promised_day is None:
        return None
    day = local_day(whole.zone, whole.delivered_at)
    return (day > whole.promised_day) - (day < whole.promised_day)


def _approval(wholes: Iterable[_Whole]) -> Decimal | None:
    spans = [whole.paid_at - whole.placed_at for whole in wholes if whole.paid_at and whole.placed_at]
    return mean(sum(spans), len(spans), 3_600 * SECOND)


@dataclass(frozen=True, slots=True)
class OrderAnswer(AsOf):
    """One seller's order with everything known of it."""

    order: OrderStatus
    lines: list[OrderFact]
    parcels: list[Parcel]
    cancel_requests: list[CancelAsked]


def order(
    connection: sa.Connection, seller: str, channel: str, order_id: str, account: str = "main"
) -> OrderAnswer | None:
    """The order of that name; None, if there is none."""
    key = {"seller_id": seller, "channel": channel, "account": account, "order_id": order_id}

    def rows(table: Table[Row]) -> list[Row]:
        made = SQL[table.name]
        sorted_ = [made.c[name] for name in table.key]
        found = connection.execute(sa.select(made).where(*same(made, **key)).order_by(*sorted_))
        return [table.read(row) for row in found]

    known = rows(ORDER_STATUS)
    if not known:
        return None
    when = as_of_now(connection, seller)
    details = rows(ORDER_FACTS), rows(PARCELS), rows(CANCEL_INBOX)
    return OrderAnswer(when.as_of_position, when.as_of, known[0], *details)


def find_orders(connection: sa.Connection, order_id: str, seller: str | None = None) -> list[OrderStatus]:
    """All orders of that name, of one seller or of any."""
    made = SQL[ORDER_STATUS.name]
    asked = sa.select(made).where(*same(made, order_id=order_id, seller_id=seller))
    sorted_ = [made.c[name] for name in ORDER_STATUS.key]
    return [ORDER_STATUS.read(row) for row in connection.execute(asked.order_by(*sorted_))]
