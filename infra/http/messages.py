"""Reads outcomes of messages from the ledger: the history of one message, and all outcomes of an hour."""

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
"""The most outcomes of one message that are listed: a message sent many times may have more duplicates."""
SCANNED: Final = 50_000
"""The most outcomes that one page scans.  If few of them are the seller's, the page may be short or empty."""


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


class MessageResult(NamedTuple):
    """The history of one message, and how often it was sent again."""

    type: str
    history: list[OutcomeEntry]
    duplicates: int
    conflicts: int


class Listed(NamedTuple):
    """One outcome in the list of an hour."""

    number: int
    source: str
    id: str
    type: str
    state: State
    was: State | None
    recorded_at: datetime


class HourPage(NamedTuple):
    """A page of an hour's outcomes.  `next`: where the next page begins; None on the last page."""

    listed: list[Listed]
    next: int | None


def outcome_entry(recorded: RecordedOutcome) -> OutcomeEntry:
    """The outcome for HTTP, without the data of a failed message: a traceback, for operators only."""
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
    """The outcome as a JSON object."""
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


def result_of(ledger: LedgerReader, seller: str, source: str, message_id: str) -> MessageResult | None:
    """What became of a message; None, if no such message has been decided."""
    history = message_history(ledger, seller, source, message_id, HISTORY)
    if not history:
        return None
    states = message_states(ledger, seller, source, message_id)
    kind = history[-1].outcome.type or ""
    return MessageResult(
        kind, [outcome_entry(one) for one in history], states.get("duplicate", 0), states.get("conflict", 0)
    )


def outcomes_in_hour(
    ledger: LedgerReader, seller: str, span: tuple[int, int], after: int, most: int
) -> HourPage:
    """The outcomes recorded in a span of time: two instants in microseconds since 1970.

    Outcomes are numbered in the order of their commits, and the time of commits never goes back.  So a span
    of time is a range of numbers.
    """
    numbers = outcomes_recorded_between(ledger, *span)
    if numbers is None:
        return HourPage([], None)
    first, last = numbers
    begin = max(after, first - 1)
    upto = min(last, begin + SCANNED)
    listed = [_listed(one) for one in seller_outcomes(ledger, seller, begin, upto, most)]
    if len(listed) == most and listed[-1].number < last:
        return HourPage(listed, listed[-1].number)
    return HourPage(listed, upto if upto < last else None)


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


def ledger_as_of(ledger: LedgerReader) -> tuple[int, datetime]:
    """The last position of the ledger, and the time of its last commit."""
    end = ledger_end(ledger)
    return end.position, instant(end.recorded_at)
