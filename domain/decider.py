"""An aggregate as two pure functions: `decide` turns a command into events, `evolve` applies an event.

Both consist of rules: one function per command class and per event class, registered by a decorator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints

from domain.message import Event
from domain.policies.documents import Policies
from domain.streams import StreamId

State = TypeVar("State")
Command = TypeVar("Command")
EventT = TypeVar("EventT", bound=Event)
Rule = TypeVar("Rule", bound=Callable[..., Any])


class MessageContext(NamedTuple):
    """What a rule may use of a message besides its command."""

    at: datetime
    """When it happened, as the source says.  It is a claim, not our clock."""
    by: str
    """The actor, for example `operator:kim` or `carrier:cj`."""
    zone: str
    """The seller's time zone."""
    policies: Policies
    """The policies that the seller has adopted."""
    reported_at: datetime | None = None
    """When the source recorded it; None if the source does not say."""
    inferred: bool = False
    """The source does not contain this fact or this time; a converter inferred it."""


def register(rule: Rule, parameter: int, table: dict[type, Rule]) -> None:
    """Adds `rule` to `table` for each class that its `parameter` (counted from 0) is annotated with.

    Raises: ValueError, if the class has a rule already.
    """
    annotation = list(get_type_hints(rule).values())[parameter]
    for subject in get_args(annotation) or (annotation,):
        if subject in table:
            msg = f"two rules for {subject.__name__}"
            raise ValueError(msg)
        table[subject] = rule


class Rules(Generic[State]):
    """The rules of an aggregate or of one family of rules.  `families` are merged into one."""

    def __init__(self, *families: "Rules[State]") -> None:
        self._decide: dict[type, Callable[[State, Any, MessageContext], list[Event]]] = {}
        self._evolve: dict[type, Callable[[State, Any], State]] = {}
        for family in families:
            _join(self._decide, family._decide)
            _join(self._evolve, family._evolve)

    @property
    def commands(self) -> frozenset[type]:
        """The command classes that have a rule."""
        return frozenset(self._decide)

    @property
    def events(self) -> frozenset[type]:
        """The event classes that have a rule."""
        return frozenset(self._evolve)

    def on_command(
        self, rule: Callable[[State, Command, MessageContext], list[Event]]
    ) -> Callable[[State, Command, MessageContext], list[Event]]:
        """Registers a rule that decides on the commands that its second parameter is annotated with."""
        register(rule, 1, self._decide)
        return rule

    def on_event(self, rule: Callable[[State, EventT], State]) -> Callable[[State, EventT], State]:
        """Registers a rule that applies the events that its second parameter is annotated with."""
        register(rule, 1, self._evolve)
        return rule

    def decide(self, state: State, command: Any, context: MessageContext) -> list[Event]:
        """The events that `command` causes now; none if it has been carried out before.

        Raises: Refused, if a rule forbids a wish; TooEarly, if the command needs something not recorded yet.
        """
        return self._decide[type(command)](state, command, context)

    def evolve(self, state: State, event: Event) -> State:
        """The state after `event`.  It never refuses an event: events are facts."""
        return self._evolve[type(event)](state, event)


def _join(table: dict[type, Rule], family: Mapping[type, Rule]) -> None:
    if both := sorted(kind.__name__ for kind in table.keys() & family.keys()):
        msg = f"two rules for {', '.join(both)}"
        raise ValueError(msg)
    table.update(family)


@dataclass(frozen=True, slots=True)
class Decider(Generic[State]):
    """An aggregate: its initial state and its two functions.

    `evolves` is the version of `evolve`.  Raise it when `evolve` changes: it makes all old snapshots invalid.
    """

    start: State
    rules: Rules[State]
    decide: Callable[[State, Any, MessageContext], list[Event]]
    evolve: Callable[[State, Event], State]
    evolves: int = 1
    home: Callable[[StreamId, State | None, Any, str], StreamId] | None = None
    """The stream that handles a command, if its id alone does not tell: (the stream of the id, its state, the
    command, its source or actor)."""
    decide_with_states: Callable[[State, Any, MessageContext], list[tuple[Event, State]]] | None = None
    """Like `decide`, but with the state after each event.  Only for aggregates whose `decide` computes it."""
