"""The state of a return."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Command, Event, EventData
from domain.streams import StreamId, return_stream
from domain.values import Text

State = Literal["requested", "approved", "collected", "received", "inspected", "refunded", "rejected"]
STEPS: Final[tuple[State, ...]] = get_args(State)[:-1]
"""The states of a return that is not rejected, in their usual order."""


class NotInState(Refused):
    """The state of the return does not allow this."""


class ReturnCommand(Command):
    """A message about one return."""

    return_id: Text

    def stream(self, seller_id: str) -> StreamId:
        return return_stream(seller_id, self.return_id)


class Piece(EventData):
    line: str
    sku: str
    pieces: int


class ReturnDiscrepancyDetected(Event):
    """A recorded fact contradicts the earlier events of this return."""

    kind: str
    subject: str
    expected: int
    observed: int


class LineCounts(NamedTuple):
    """The counts of one line of a return.  Unit: pieces."""

    sku: str
    requested: int
    received: int = 0
    inspected: int = 0


class Return(NamedTuple):
    """The state of a return: only what the rules need."""

    state: State | None = None
    order: str | None = None
    location: str = "main"
    lines: Mapping[str, LineCounts] = {}
    arrived: bool = False
    inspections: frozenset[str] = frozenset()
    refunds: frozenset[str] = frozenset()
    refunded: int = 0
    value: int | None = None
    """The most that is to be refunded for it, in minor units; None if the prices are not known."""
    overdue: bool = False
    collected: bool = False
    approved: bool = False

    @property
    def size(self) -> int:
        """The size of the state, which tells when a snapshot is worthwhile.  Unit: entries."""
        return len(self.lines)


def further(state: str | None, step: State) -> State:
    """The state after `step`: facts may come late or early, so a step never leads back."""
    current = state if state in STEPS else "approved" if state == "rejected" else None
    if current is not None and STEPS.index(current) > STEPS.index(step):
        return current
    return step


rules = Rules[Return]()


def discrepancy(context: MessageContext, kind: str, subject: str, expected: int, observed: int) -> Event:
    return ReturnDiscrepancyDetected(
        at=context.at, kind=kind, subject=subject, expected=expected, observed=observed
    )


@rules.on_event
def contradicted(ret: Return, _: ReturnDiscrepancyDetected) -> Return:
    return ret
