"""Runs a command and all its follow-up commands: (states, command, context) -> (events, new states).

Follow-ups run breadth first, in the order in which the fulfilment process returns them.  States are never
changed in place, so a refused command leaves no trace.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from domain.catalogue import DECIDERS
from domain.decider import Decider, MessageContext
from domain.errors import Refused, TooEarly
from domain.fulfilment_process import follow_ups
from domain.message import Event
from domain.streams import StreamId

StateOf = Callable[[StreamId], Any]
"""The state of a stream; None where it has no event yet."""
Deciders = Mapping[str, Decider[Any]]
"""The decider of each kind of stream."""


class CascadeEvent(NamedTuple):
    """One event of a cascade."""

    stream: StreamId
    event: Event
    cause: int | None
    """Index of the event that caused it; None if the command itself caused it."""


class Cascade(NamedTuple):
    """The result of a command."""

    events: list[CascadeEvent]
    """In the order in which they were decided."""
    states: dict[StreamId, Any]
    """The new state of each stream that has an event in this cascade."""


def cascade(
    state_of: StateOf, stream: StreamId, command: Any, context: MessageContext, deciders: Deciders = DECIDERS
) -> Cascade:
    """Carries out `command` on `stream`, then the follow-up commands of its events on other streams.

    Raises: Refused or TooEarly, if the command itself is refused or comes too early; AssertionError, if one
    of its follow-ups is refused, which is a bug.
    """
    events: list[CascadeEvent] = []
    states: dict[StreamId, Any] = {}
    queue: deque[tuple[StreamId, Any, int | None]] = deque([(stream, command, None)])
    while queue:
        to, step, cause = queue.popleft()
        decider = deciders[to.kind]
        state = states[to] if to in states else state_of(to)
        if decider.home is not None and (home := decider.home(to, state, step, context.by)) != to:
            to, state = home, states[home] if home in states else state_of(home)
        try:
            decided = _decided(decider, decider.start if state is None else state, step, context)
        except (Refused, TooEarly) as refusal:
            if cause is None:
                raise
            msg = f"a follow-up of {type(events[cause].event).__name__} was refused at {to}: {refusal}"
            raise AssertionError(msg) from refusal
        for event, after in decided:
            states[to] = after
            for target, follow_up in follow_ups(to, event, after):
                queue.append((target, follow_up, len(events)))
            events.append(CascadeEvent(to, event, cause))
    return Cascade(events, states)


def _decided(
    decider: Decider[Any], state: Any, command: Any, context: MessageContext
) -> list[tuple[Event, Any]]:
    """The events of one command, each with the state after it."""
    if decider.decide_with_states is not None:
        return decider.decide_with_states(state, command, context)
    decided: list[tuple[Event, Any]] = []
    for event in decider.decide(state, command, context):
        state = decider.evolve(state, event)
        decided.append((event, state))
    return decided
