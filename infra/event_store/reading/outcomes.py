"""Reads the outcomes of messages from the ledger."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from consumers.ports import State
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.sellers import of_sellers
from infra.wire.stored_outcomes import StoredOutcome


class RecordedOutcome(NamedTuple):
    """An outcome with the time of its commit, in microseconds since 1970."""

    outcome: StoredOutcome
    recorded_at: int


_COLUMNS: Final = ", ".join(f"o.{name}" for name in StoredOutcome._fields)
_RECORDED: Final = (
    f"SELECT {_COLUMNS}, c.recorded_at FROM outcomes o JOIN commits c ON c.number = o.commit_number"
)
_OF_MESSAGE: Final = "o.message_id = :message_id AND o.source = :source AND o.seller_id = :seller"


def last_outcome_number(reader: LedgerReader) -> int:
    """The highest outcome number so far; messages sent from now on get higher ones."""
    number: int = reader.rows("SELECT coalesce(max(number), 0) FROM outcomes")[0][0]
    return number


def outcomes_between(reader: LedgerReader, first: int, last: int) -> list[StoredOutcome]:
    """The outcomes with the numbers `first` to `last`, in order."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM outcomes o WHERE o.number BETWEEN :first AND :last ORDER BY o.number",
        first=first,
        last=last,
    )
    return [StoredOutcome._make(row) for row in rows]


def message_history(
    reader: LedgerReader, seller: str, source: str, message_id: str, limit: int
) -> list[RecordedOutcome]:
    """A message's own outcomes, without the duplicates and conflicts of later messages with its id."""
    rows = reader.rows(
        f"{_RECORDED} WHERE {_OF_MESSAGE} AND o.state NOT IN ('duplicate', 'conflict')"
        " ORDER BY o.number LIMIT :limit",
        seller=seller,
        source=source,
        message_id=message_id,
        limit=limit,
    )
    return [_recorded(row) for row in rows]


def message_states(reader: LedgerReader, seller: str, source: str, message_id: str) -> dict[State, int]:
    """The number of a message's outcomes in each state, including duplicates and conflicts."""
    rows = reader.rows(
        f"SELECT o.state, count(*) FROM outcomes o WHERE {_OF_MESSAGE} GROUP BY o.state",
        seller=seller,
        source=source,
        message_id=message_id,
    )
    return dict(rows)


def seller_outcomes(
    reader: LedgerReader, seller: str, after: int, up_to: int, limit: int
) -> list[RecordedOutcome]:
    """A seller's outcomes with numbers above `after` and up to `up_to`."""
    rows = reader.rows(
        f"{_RECORDED} WHERE o.number > :after AND o.number <= :up_to AND o.seller_id = :seller"
        " ORDER BY o.number LIMIT :limit",
        seller=seller,
        after=after,
        up_to=up_to,
        limit=limit,
    )
    return [_recorded(row) for row in rows]


def outcomes_of_new_messages(reader: LedgerReader, after: int) -> list[RecordedOutcome]:
    """Outcomes with numbers above `after` of messages that were just read from the topic, not released."""
    rows = reader.rows(
        f"{_RECORDED} WHERE o.number > :after AND o.sent_offset IS NOT NULL ORDER BY o.number", after=after
    )
    return [_recorded(row) for row in rows]


def outcomes_of_messages(
    reader: LedgerReader, message_ids: Sequence[str], after: int
) -> list[RecordedOutcome]:
    """Outcomes with numbers above `after` of messages with these ids, of any source.  PostgreSQL only."""
    rows = reader.rows(
        f"{_RECORDED} WHERE o.message_id = ANY(:message_ids) AND o.number > :after ORDER BY o.number",
        message_ids=list(message_ids),
        after=after,
    )
    return [_recorded(row) for row in rows]


def message_counts(reader: LedgerReader, sellers: Sequence[str] | None) -> dict[State, int]:
    """The number of messages now in each state; `sellers`: None for all sellers.

    Each outcome counts +1 for its new state and -1 for its previous one.
    """
    condition, params = of_sellers(sellers)
    rows = reader.rows(
        f"""
        SELECT state, sum(n) FROM (
            SELECT state, count(*) AS n FROM outcomes WHERE {condition} GROUP BY state
            UNION ALL
            SELECT was, -count(*) FROM outcomes WHERE was IS NOT NULL AND {condition} GROUP BY was) AS moves
        GROUP BY state
        """,
        **params,
    )
    return {state: int(count) for state, count in rows}


def last_not_accepted(reader: LedgerReader, seller: str | None, limit: int) -> list[StoredOutcome]:
    """The latest outcomes that are neither accepted nor duplicate, newest first."""
    condition, params = of_sellers(None if seller is None else [seller])
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM outcomes o WHERE o.state NOT IN ('accepted', 'duplicate') AND {condition}"
        " ORDER BY o.number DESC LIMIT :limit",
        limit=limit,
        **params,
    )
    return [StoredOutcome._make(row) for row in rows]


def _recorded(row: Any) -> RecordedOutcome:
    *outcome, recorded_at = row
    return RecordedOutcome(StoredOutcome._make(outcome), recorded_at)
