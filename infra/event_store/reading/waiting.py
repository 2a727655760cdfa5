"""Reads waiting messages, failed deadlines, and the clocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from consumers.ports import State, Waiting
from domain.deadlines import Timer
from domain.streams import StreamId
from infra.event_store.reader import LedgerReader
from infra.event_store.reading import NO_LIMIT
from infra.event_store.reading.sellers import of_sellers
from projections.instants import instant


class ParkedMessage(NamedTuple):
    """A waiting message as shown in lists.  `place`: the stream at which it waits."""

    partition: int
    number: int
    state: State
    seller_id: str
    place: StreamId
    reason: str
    since: datetime


class WaitingCount(NamedTuple):
    """The number of messages that wait in one state, and the time of the oldest."""

    state: State
    messages: int
    oldest: datetime


class FailedDeadline(NamedTuple):
    """A deadline that could not fire because of a bug in a rule."""

    partition: int
    seller_id: str
    stream: StreamId
    kind: str
    due: datetime


WAITING_COLUMNS: Final = "number, place, seller_id, key, digest, kept, state, reason, since"
TIMER_COLUMNS: Final = "t.key, t.due, t.stream, t.kind, t.detail"


def parked_messages(
    reader: LedgerReader,
    sellers: Sequence[str] | None = None,
    after: tuple[int, int] = (-1, 0),
    limit: int = NO_LIMIT,
) -> list[ParkedMessage]:
    """Waiting messages after (partition, number), in this order.  `sellers`: None for all."""
    condition, params = of_sellers(sellers)
    partition, number = after
    rows = reader.rows(
        f"""
        SELECT partition, number, state, seller_id, place, reason, since FROM parked
        WHERE (partition > :partition OR (partition = :partition AND number > :number)) AND {condition}
        ORDER BY partition, number LIMIT :limit
        """,
        partition=partition,
        number=number,
        limit=limit,
        **params,
    )
    return [
        ParkedMessage(partition, number, state, seller, StreamId(place), reason, instant(since))
        for partition, number, state, seller, place, reason, since in rows
    ]


def parked_message(reader: LedgerReader, partition: int, number: int) -> Waiting | None:
    """One waiting message with its body."""
    rows = reader.rows(
        f"SELECT {WAITING_COLUMNS} FROM parked WHERE partition = :partition AND number = :number",
        partition=partition,
        number=number,
    )
    return waiting_of(rows[0]) if rows else None


def parked_counts(reader: LedgerReader) -> dict[State, int]:
    """The number of waiting messages, by state."""
    rows = reader.rows("SELECT state, count(*) FROM parked GROUP BY state")
    return dict(rows)


def parked_ages(reader: LedgerReader) -> list[WaitingCount]:
    """As `parked_counts`, with the time of the oldest message in each state."""
    rows = reader.rows("SELECT state, count(*), min(since) FROM parked GROUP BY state")
    return [WaitingCount(state, count, instant(oldest)) for state, count, oldest in rows]


def failed_deadlines(reader: LedgerReader, seller: str | None) -> list[FailedDeadline]:
    """The failed deadlines of all partitions, earliest first; `seller`: None for all."""
    rows = reader.rows(
        """
        SELECT s.partition, t.seller_id, t.stream, t.kind, t.due FROM timers t
        JOIN sellers s ON s.seller_id = t.seller_id
        WHERE t.failed = 1 AND (CAST(:seller AS TEXT) IS NULL OR t.seller_id = :seller)
        ORDER BY t.due, t.key
        """,
        seller=seller,
    )
    return [
        FailedDeadline(partition, seller_id, StreamId(stream), kind, instant(due))
        for partition, seller_id, stream, kind, due in rows
    ]


def failed_timers(reader: LedgerReader, partition: int, seller: str | None) -> list[Timer]:
    """The failed timers of one partition, to be fired again, earliest first; `seller`: None for all."""
    rows = reader.rows(
        f"SELECT {TIMER_COLUMNS} FROM timers t JOIN sellers s ON s.seller_id = t.seller_id"
        " WHERE s.partition = :partition AND t.failed = 1"
        " AND (CAST(:seller AS TEXT) IS NULL OR t.seller_id = :seller)"
        " ORDER BY t.due, t.seller_id, t.key",
        partition=partition,
        seller=seller,
    )
    return [timer_of(row) for row in rows]


def failed_deadline_count(reader: LedgerReader) -> int:
    count: int = reader.rows("SELECT count(*) FROM timers WHERE failed = 1")[0][0]
    return count


def last_tick_decided(reader: LedgerReader) -> datetime | None:
    """The latest time of the live sellers' clock, over all partitions."""
    at = reader.rows("SELECT max(at) FROM clocks WHERE name = ''")[0][0]
    return None if at is None else instant(at)


def waiting_of(row: Any) -> Waiting:
    """Builds a waiting message from a row of `WAITING_COLUMNS`."""
    number, place, seller_id, key, digest, body, state, reason, since = row
    return Waiting(number, StreamId(place), seller_id, key, digest, body, state, reason, instant(since))


def timer_of(row: Any) -> Timer:
    """Builds a timer from a row of `TIMER_COLUMNS`."""
    key, due, stream, kind, detail = row
    return Timer(key, instant(due), StreamId(stream), kind, detail)
