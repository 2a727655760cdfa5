"""Returns by reason and state, and everything that happened by day and kind."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from infra.read_models.asking import AsOf, as_of_now, between, same, tuples
from infra.read_models.schema import SQL


@dataclass(frozen=True, slots=True)
class ReturnsAnswer(AsOf):
    """Returns of one state and reason.  `overdue`: money is owed and its instant has passed."""

    state: str
    reason: str
    fault: str
    returns: int
    pieces: int
    received: int
    refunded: int
    overdue: int


@dataclass(frozen=True, slots=True)
class ActivityAnswer(AsOf):
    """One kind of event, summed over days."""

    kind: str
    reason: str
    currency: str
    facts: int
    inferred: int
    events: int
    units: int
    value_micros: int


def returns(
    connection: sa.Connection,
    seller: str,
    *,
    channel: str | None = None,
    state: str | None = None,
    as_of: datetime | None = None,
) -> list[ReturnsAnswer]:
    """Counts by state and reason, sorted."""
    when = as_of_now(connection, seller, as_of)
    rows = SQL["return_status"]
    by = (rows.c.state, rows.c.reason, rows.c.fault)
    late = sa.and_(rows.c.refund_due_at.is_not(None), rows.c.refunded_at.is_(None))
    passed = sa.and_(late, *between(rows.c.refund_due_at, None, when.as_of))
    asked = (
        sa.select(
            *by,
            sa.func.count(),
            *(sa.func.sum(column) for column in (rows.c.pieces, rows.c.received, rows.c.refunded)),
            sa.func.sum(sa.case((passed, 1), else_=0)),
        )
        .where(*same(rows, seller_id=seller, channel=channel, state=state))
        .group_by(*by)
        .order_by(*by)
    )
    found = connection.execute(asked)
    return [
        ReturnsAnswer(when.as_of_position, when.as_of, state, reason, fault, count, *map(int, sums))
        for state, reason, fault, count, *sums in tuples(found)
    ]


def activity(  # noqa: PLR0913  each is a filter
    connection: sa.Connection,
    seller: str | None = None,
    *,
    since: date | None = None,
    until: date | None = None,
    kind: str | None = None,
    by_reason: bool = False,
    as_of: datetime | None = None,
) -> list[ActivityAnswer]:
    """Sums by kind, sorted; `until` is excluded, `kind` may end in `*`."""
    cells = SQL["activity"]
    reason = cells.c.reason if by_reason else sa.literal("", sa.Text()).label("reason")
    by = (cells.c.kind, reason, cells.c.currency)
    group = by if by_reason else (cells.c.kind, cells.c.currency)
    first, last = (day.isoformat() if day else None for day in (since, until))
    which = [*same(cells, seller_id=seller), *between(cells.c.day, first, last), *_named(cells.c.kind, kind)]
    sums = (cells.c.facts, cells.c.inferred, cells.c.events, cells.c.units, cells.c.value_micros)
    asked = sa.select(*by, *(sa.func.sum(column) for column in sums)).where(*which)
    when = as_of_now(connection, seller, as_of)
    found = connection.execute(asked.group_by(*group).order_by(*group))
    return [
        ActivityAnswer(when.as_of_position, when.as_of, name, why, currency, *map(int, numbers))
        for name, why, currency, *numbers in tuples(found)
    ]


def _named(column: sa.Column[str], kind: str | None) -> list[sa.ColumnElement[bool]]:
    if kind is None:
        return []
    prefix, star, _ = kind.partition("*")
    # LIKE would be deaf to case on SQLite, and not on PostgreSQL.
    return [sa.func.substr(column, 1, len(prefix)) == prefix if star else column == kind]
