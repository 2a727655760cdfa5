"""An aggregate as two pure functions: `decide` on a command, `evolve` by an event."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from domain.message import Event
from domain.policies.documents import Policies

State = TypeVar("State")
Command = TypeVar("Command")
Evolved = TypeVar("Evolved")


class Told(NamedTuple):
    """What every rule may know of the message it decides on, besides the command itself."""

    at: datetime
    """When it happened, as its source says (a claim, not the clock)."""
    by: str
    """The actor, for example `operator:kim` or `carrier:cj`."""
    zone: str
    """The seller's time zone."""
    policies: Policies
    """What the seller has adopted."""
    reported_at: datetime | None = None
    """When the source wrote it down, where it says so."""
    inferred: bool = False
    """The source has no such fact or time; a converter worked it out."""


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Command, Evolved]):
    """`evolves` counts the versions of `evolve`: raise it and every snapshot is read anew from events."""

    start: State
    decide: Callable[[State, Command, Told], list[Event]]
    evolve: Callable[[State, Evolved], State]
    evolves: int = 1
    story: Callable[[State, Command, Told], list[tuple[Event, State]]] | None = None
    """As `decide`, with the state after each event, where `decide` has to work it out anyway."""
