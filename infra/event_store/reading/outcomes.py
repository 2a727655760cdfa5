"""What became of messages, as the ledger tells it."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from consumers.ports import State
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.sellers import of_sellers
from infra.wire.stored_outcomes import StoredOutcome


class RecordedOutcome(NamedTuple):
    """An outcome with the instant of its commit, in microseconds since 1970."""

    outcome: StoredOutcome
    recorded_at: int


_COLUMNS: Final = ", ".join(f"o.{name}" for name in StoredOutcome._fields)
_RECORDED: Final = (
    f"SELECT {_COLUMNS}, c.recorded_at FROM outcomes o JOIN commits c ON c.number = o.commit_number"
)
_OF_MESSAGE: Final = "o.message_id = :message_id AND o.source = :source AND o.seller_id = :seller"


def last_outcome_number(reader: LedgerReader) -> int:
    """The outcomes of what is sent now come after it."""
    number: int = reader.rows("SELECT coalesce(max(number), 0) FROM outcomes")[0][0]
    return number


def outcomes_between(reader: LedgerReader, first: int, last: int) -> list[StoredOutcome]:
    """Those with the numbers `first` to `last`, in order."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM outcomes o WHERE o.number BETWEEN :first AND :last ORDER BY o.number",
        first=first,
        last=last,
    )
    return [StoredOutcome._make(row) for row in rows]


def message_history(
    reader: LedgerReader, seller: str, source: str, message_id: str, limit: int
) -> list[RecordedOutcome]:
    """A message's own outcomes: not those of what was sent again."""
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
    """How many outcomes of each state a message has, those of what was sent again with it."""
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
    """A seller's outcomes with numbers after one and up to another."""
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
    """Those with numbers after one, of messages that had just been read."""
    rows = reader.rows(
        f"{_RECORDED} WHERE o.number > :after AND o.sent_offset IS NOT NULL ORDER BY o.number", after=after
    )
    return [_recorded(row) for row in rows]


def outcomes_of_messages(
    reader: LedgerReader, message_ids: Sequence[str], after: int
) -> list[RecordedOutcome]:
    """Those with numbers after one, of messages with these ids, whoever sent them.  PostgreSQL alone."""
    rows = reader.rows(
        f"{_RECORDED} WHERE o.message_id = ANY(:message_ids) AND o.number > :after ORDER BY o.number",
        message_ids=list(message_ids),
        after=after,
    )
    return [_recorded(row) for row in rows]


def message_counts(reader: LedgerReader, sellers: Sequence[str] | None) -> dict[State, int]:
    """How many messages are in each state now; `sellers`: None for all.

    An outcome adds its message to one state and takes it out of the one that it leaves.
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
    """The newest outcomes that are neither accepted nor duplicate, the newest first."""
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
