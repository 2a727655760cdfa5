"""What became of messages, as the ledger tells it: one by one, and hour by hour."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from consumers.ports import State
from infra.event_store.instants import instant

HISTORY: Final = 100
"""Outcomes of one message that are told; one that is sent again and again has more duplicates than that."""
SCANNED: Final = 50_000
"""Outcomes that one page looks at: of a seller with few among many, a page may be short or empty."""


class Ledger(Protocol):
    """A ledger that is read by several threads."""

    def rows(self, statement: str, /, **params: Any) -> list[Any]: ...


class Told(NamedTuple):
    """One outcome of a message."""

    number: int
    state: State
    was: State | None
    rule: str | None
    data: dict[str, Any]
    retryable: bool
    recorded_at: datetime
    first_event: str | None
    last_event: str | None
    first_position: int | None
    last_position: int | None


class Became(NamedTuple):
    """A message's own outcomes, and how often it was sent again."""

    type: str
    history: list[Told]
    duplicates: int
    conflicts: int


class Listed(NamedTuple):
    """An outcome among those of an hour."""

    number: int
    source: str
    id: str
    type: str
    state: State
    was: State | None
    recorded_at: datetime


class Hour(NamedTuple):
    """A page; `next`: the number after which the next one begins."""

    listed: list[Listed]
    next: int | None


COLUMNS: Final = (
    "o.number, o.state, o.was, o.rule, o.data, o.retryable, c.recorded_at,"
    " o.first_event, o.last_event, o.first_position, o.last_position"
)
FROM: Final = "FROM outcomes o JOIN commits c ON c.number = o.commit_number"
_OWN: Final = "o.message_id = :id AND o.source = :source AND o.seller_id = :seller"
_HISTORY: Final = f"""
SELECT {COLUMNS}, o.type {FROM}
WHERE {_OWN} AND o.state NOT IN ('duplicate', 'conflict') ORDER BY o.number LIMIT :most
"""
_AGAIN: Final = f"SELECT o.state, count(*) FROM outcomes o WHERE {_OWN} GROUP BY o.state"
_ENDS: Final = """
SELECT min(first_outcome), max(last_outcome) FROM commits WHERE recorded_at >= :since AND recorded_at < :until
"""
_LISTED: Final = f"""
SELECT o.number, o.source, o.message_id, o.type, o.state, o.was, c.recorded_at {FROM}
WHERE o.number > :after AND o.number <= :upto AND o.seller_id = :seller ORDER BY o.number LIMIT :most
"""


def told(row: Sequence[Any]) -> Told:
    """Of the columns above.  Why a message failed is a trace, and for operators alone."""
    number, state, was, rule, data, retryable, at, *caused = row
    said: dict[str, Any] = json.loads(data) if data and state != "failed" else {}
    return Told(number, state, was, rule, said, bool(retryable), instant(at), *caused)


def became(ledger: Ledger, seller: str, source: str, message_id: str) -> Became | None:
    """None, if no such message has been decided on."""
    which = {"seller": seller, "source": source, "id": message_id}
    rows = ledger.rows(_HISTORY, **which, most=HISTORY)
    if not rows:
        return None
    again = dict(ledger.rows(_AGAIN, **which))
    history = [told(row[:-1]) for row in rows]
    return Became(rows[-1][-1], history, again.get("duplicate", 0), again.get("conflict", 0))


def last_number(ledger: Ledger) -> int:
    """Of all outcomes: those of what is sent now come after it."""
    found: int = ledger.rows("SELECT coalesce(max(number), 0) FROM outcomes")[0][0]
    return found


def hour(ledger: Ledger, seller: str, span: tuple[int, int], after: int, most: int) -> Hour:
    """What was recorded in a span of time, given by two instants in microseconds since 1970.

    Outcomes are numbered in the order of their commits, whose time never goes back: a span is a range.
    """
    first, last = ledger.rows(_ENDS, since=span[0], until=span[1])[0]
    if first is None:
        return Hour([], None)
    begin = max(after, first - 1)
    upto = min(last, begin + SCANNED)
    rows = ledger.rows(_LISTED, after=begin, upto=upto, seller=seller, most=most)
    listed = [Listed._make((*said, instant(at))) for *said, at in rows]
    if len(rows) == most and listed[-1].number < last:
        return Hour(listed, listed[-1].number)
    return Hour(listed, upto if upto < last else None)


def now(ledger: Ledger) -> tuple[int, datetime]:
    """The ledger's last position, and when it was last committed to."""
    position, at = ledger.rows("SELECT max(last_position), max(recorded_at) FROM commits")[0]
    return position or 0, instant(at or 0)
