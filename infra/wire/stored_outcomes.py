"""Converts decided outcomes to rows of the ledger; no other module does."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from consumers.ports import Decided, Outcome, State


class StoredOutcome(NamedTuple):
    """A row of `outcomes`, with its columns in order."""

    number: int
    commit_number: int
    state: State
    was: State | None
    seller_id: str | None
    source: str | None
    message_id: str | None
    type: str | None
    rule: str | None
    data: str | None
    """JSON."""
    retryable: int
    sent_offset: int | None
    sent_hash: str | None
    first_event: str | None
    last_event: str | None
    first_position: int | None
    last_position: int | None

    def content(self, first_position: int) -> "OutcomeContent":
        """The part that the hash chain covers; `first_position`: of the outcome's commit."""
        return OutcomeContent(
            *self[2:15],
            _minus(self.first_position, first_position),
            _minus(self.last_position, first_position),
        )


class OutcomeContent(NamedTuple):
    """The part of an outcome that the commit's hash covers: all but the numbers that the ledger assigns.

    The order of the fields must never change, because it is part of the hash.
    """

    state: State
    was: State | None
    seller_id: str | None
    source: str | None
    message_id: str | None
    type: str | None
    rule: str | None
    data: str | None
    retryable: int
    sent_offset: int | None
    sent_hash: str | None
    first_event: str | None
    last_event: str | None
    first_index: int | None
    """Index into the batch's events, from 0."""
    last_index: int | None

    @classmethod
    def of(cls, outcome: Outcome, events: Sequence[Decided]) -> "OutcomeContent":
        """The content of a decided outcome; `events`: all events of its batch."""
        sent_offset, sent_hash = outcome.record_ref or (None, None)
        first, end = outcome.events
        data = json.dumps(outcome.data, default=str, ensure_ascii=False) if outcome.data else None
        fields = (*outcome[:7], data, int(outcome.retryable), sent_offset, sent_hash)
        if end == first:
            return cls(*fields, None, None, None, None)
        return cls(*fields, events[first].id, events[end - 1].id, first, end - 1)

    def stored(self, number: int, commit_number: int, first_position: int) -> StoredOutcome:
        """The row of the outcome; `first_position`: of its commit."""
        return StoredOutcome(
            number,
            commit_number,
            *self[:13],
            _plus(self.first_index, first_position),
            _plus(self.last_index, first_position),
        )


def _plus(index: int | None, position: int) -> int | None:
    return None if index is None else position + index


def _minus(position: int | None, first: int) -> int | None:
    return None if position is None else position - first
