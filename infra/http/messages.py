"""What became of messages, as the ledger tells it: one by one, and hour by hour."""

import json
from datetime import datetime
from typing import Any, Final, NamedTuple

from consumers.ports import State
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.commits import ledger_end, outcomes_recorded_between
from infra.event_store.reading.outcomes import (
    RecordedOutcome,
    message_history,
    message_states,
    seller_outcomes,
)
from projections.instants import instant

HISTORY: Final = 100
"""Outcomes of one message that are told; one that is sent again and again has more duplicates than that."""
SCANNED: Final = 50_000
"""Outcomes that one page looks at: of a seller with few among many, a page may be short or empty."""


class OutcomeEntry(NamedTuple):
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
    history: list[OutcomeEntry]
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


def outcome_entry(recorded: RecordedOutcome) -> OutcomeEntry:
    """Why a message failed is a trace, and for operators alone."""
    outcome = recorded.outcome
    data: dict[str, Any] = json.loads(outcome.data) if outcome.data and outcome.state != "failed" else {}
    return OutcomeEntry(
        outcome.number,
        outcome.state,
        outcome.was,
        outcome.rule,
        data,
        bool(outcome.retryable),
        instant(recorded.recorded_at),
        outcome.first_event,
        outcome.last_event,
        outcome.first_position,
        outcome.last_position,
    )


def outcome_of(outcome_entry: OutcomeEntry) -> dict[str, Any]:
    """As it is answered."""
    caused = None
    if outcome_entry.first_position is not None:
        caused = {
            "first_id": outcome_entry.first_event,
            "last_id": outcome_entry.last_event,
            "first_position": outcome_entry.first_position,
            "last_position": outcome_entry.last_position,
        }
    return {
        "number": outcome_entry.number,
        "state": outcome_entry.state,
        "was": outcome_entry.was,
        "rule": outcome_entry.rule,
        "data": outcome_entry.data,
        "retryable": outcome_entry.retryable,
        "recorded_at": outcome_entry.recorded_at,
        "caused": caused,
    }


def became(ledger: LedgerReader, seller: str, source: str, message_id: str) -> Became | None:
    """None, if no such message has been decided on."""
    history = message_history(ledger, seller, source, message_id, HISTORY)
    if not history:
        return None
    states = message_states(ledger, seller, source, message_id)
    kind = history[-1].outcome.type or ""
    return Became(
        kind, [outcome_entry(one) for one in history], states.get("duplicate", 0), states.get("conflict", 0)
    )


def hour(ledger: LedgerReader, seller: str, span: tuple[int, int], after: int, most: int) -> Hour:
    """What was recorded in a span of time, given by two instants in microseconds since 1970.

    Outcomes are numbered in the order of their commits, whose time never goes back: a span is a range.
    """
    numbers = outcomes_recorded_between(ledger, *span)
    if numbers is None:
        return Hour([], None)
    first, last = numbers
    begin = max(after, first - 1)
    upto = min(last, begin + SCANNED)
    listed = [_listed(one) for one in seller_outcomes(ledger, seller, begin, upto, most)]
    if len(listed) == most and listed[-1].number < last:
        return Hour(listed, listed[-1].number)
    return Hour(listed, upto if upto < last else None)


def _listed(recorded: RecordedOutcome) -> Listed:
    outcome = recorded.outcome
    return Listed(
        outcome.number,
        outcome.source or "",
        outcome.message_id or "",
        outcome.type or "",
        outcome.state,
        outcome.was,
        instant(recorded.recorded_at),
    )


def now(ledger: LedgerReader) -> tuple[int, datetime]:
    """The ledger's last position, and when it was last committed to."""
    end = ledger_end(ledger)
    return end.position, instant(end.recorded_at)
