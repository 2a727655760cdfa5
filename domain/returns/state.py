"""What the rules of a return need to know."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Command, Event, EventData
from domain.streams import StreamId, return_stream
from domain.values import Text

State = Literal["requested", "approved", "collected", "received", "inspected", "refunded", "rejected"]


class NotInState(Refused):
    """The return has gone too far, or not far enough, for this."""


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
    """A fact contradicts what was believed.  It was recorded all the same."""

    kind: str
    subject: str
    expected: int
    observed: int


class Back(NamedTuple):
    """A line of a return.  Pieces."""

    sku: str
    requested: int
    received: int = 0
    inspected: int = 0


class Return(NamedTuple):
    """Only what the rules below need to know."""

    state: State | None = None
    order: str | None = None
    location: str = "main"
    lines: Mapping[str, Back] = {}
    arrived: bool = False
    inspections: frozenset[str] = frozenset()
    refunds: frozenset[str] = frozenset()
    overdue: bool = False

    @property
    def size(self) -> int:
        """How much there is to write down."""
        return len(self.lines)


rules = Rules[Return]()


def differs(context: MessageContext, kind: str, subject: str, expected: int, observed: int) -> Event:
    return ReturnDiscrepancyDetected(
        at=context.at, kind=kind, subject=subject, expected=expected, observed=observed
    )


@rules.on_event
def contradicted(ret: Return, _: ReturnDiscrepancyDetected) -> Return:
    return ret
