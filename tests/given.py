"""Tests of rules: given these events, when this command is handled, then these events follow."""

from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Generic, TypeVar, get_args

import pytest
from pydantic import TypeAdapter

from domain.decider import Decider, MessageContext
from domain.errors import Refused, TooEarly
from domain.message import Event
from domain.policies.defaults import DEFAULTS
from domain.policies.documents import Policies

State = TypeVar("State")
Kind = TypeVar("Kind", bound=Event)

NOON = datetime(2026, 3, 4, 3, tzinfo=UTC)
"""Wednesday 2026-03-04, 12:00 in Seoul."""
CONTEXT = MessageContext(at=NOON, by="operator:kim", zone="Asia/Seoul", policies=DEFAULTS)


def at(days: float = 0, hours: float = 0, minutes: float = 0) -> datetime:
    return NOON + timedelta(days=days, hours=hours, minutes=minutes)


def happened(kind: type[Kind], /, **values: Any) -> Kind:
    """An event at noon.  Optional fields without a value are None."""
    missing = [
        field.name
        for field in fields(kind)
        if field.default is MISSING and type(None) in get_args(field.type)
    ]
    facts: dict[str, Any] = {"at": NOON, **dict.fromkeys(missing), **values}
    return kind(**facts)


@cache
def _adapter(kind: Any) -> TypeAdapter[Event]:
    return TypeAdapter(kind)


def _read_back(event: Event) -> Event:
    """The event after it was written as JSON and read back, as a ledger does."""
    kind: Any = type(event)  # mypy takes the class for one of its events, which cannot be hashed
    adapter = _adapter(kind)
    return adapter.validate_json(adapter.dump_json(event))


def _difference(decided: Iterable[Event], expected: Iterable[Event]) -> str:
    return "\n".join(["decided:", *map(repr, decided), "expected:", *map(repr, expected)])


@dataclass(frozen=True)
class When(Generic[State]):
    """A command for an aggregate in a state, ready to be decided."""

    state: State
    decide: Callable[[State], list[Event]]
    evolve: Callable[[State, Event], State]

    def then_once_by_inbox(self, *events: Event) -> None:
        """Expects exactly these events.  It does not repeat the command: the state cannot recognise repeats.

        It need not.  The inbox knows a stock message by its business key, and a step of the fulfilment
        process runs in the commit of the message that caused it.  Neither comes twice.
        """
        decided = self.decide(self.state)
        assert decided == list(events), _difference(decided, events)
        assert [_read_back(event) for event in decided] == decided

    def then(self, *events: Event) -> None:
        """Expects exactly these events, and no events when the command is repeated."""
        self.then_once_by_inbox(*events)
        after = self.state
        for event in events:
            after = self.evolve(after, event)
        again = self.decide(after)
        assert not again, _difference(again, ())

    def after(self) -> State:
        """The state after the command."""
        state = self.state
        for event in self.decide(state):
            state = self.evolve(state, event)
        return state

    def then_refused(self, rule: type[Refused], **data: Any) -> None:
        with pytest.raises(rule) as refusal:
            self.decide(self.state)
        assert (type(refusal.value), refusal.value.data) == (rule, data)

    def then_too_early(self, waits_for: str) -> None:
        with pytest.raises(TooEarly) as refusal:
            self.decide(self.state)
        assert refusal.value.waits_for == waits_for


@dataclass(frozen=True)
class Given(Generic[State]):
    """An aggregate with its events so far, and the policies of its seller."""

    decider: Decider[State]
    history: tuple[Event, ...] = ()
    policies: Policies = DEFAULTS

    def given(self, *events: Event) -> "Given[State]":
        return replace(self, history=self.history + events)

    def under(self, policies: Policies) -> "Given[State]":
        return replace(self, policies=policies)

    @property
    def context(self) -> MessageContext:
        return CONTEXT._replace(policies=self.policies)

    @property
    def state(self) -> State:
        state = self.decider.start
        for event in self.history:
            state = self.decider.evolve(state, event)
        return state

    def when(
        self,
        command: Any,
        at: datetime = NOON,
        by: str = "operator:kim",
        reported_at: datetime | None = None,
    ) -> When[State]:
        context = self.context._replace(at=at, by=by, reported_at=reported_at)
        return When(
            self.state, lambda state: self.decider.decide(state, command, context), self.decider.evolve
        )
