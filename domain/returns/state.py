"""The state of a return."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, get_args

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.discrepancies import registered
from domain.errors import Refused
from domain.future_claim import FROM_THE_FUTURE, FlagFutureClaim
from domain.message import Command, Event, EventData
from domain.streams import StreamId, return_stream
from domain.values import InputAccount, InputChannel, Text

State = Literal[
    "requested", "approved", "collected", "received", "inspected", "refunded", "rejected", "withdrawn"
]  # fmt: skip
STEPS: Final[tuple[State, ...]] = get_args(State)[:-2]
"""The states of a return that takes place, in their usual order."""
CLOSED: Final[tuple[State, ...]] = ("rejected", "withdrawn")


class NotInState(Refused):
    """The state of the return does not allow this."""


class ReturnCommand(Command):
    """A message about one return."""

    return_id: Text

    def stream(self, seller_id: str) -> StreamId:
        return return_stream(seller_id, self.return_id)


class OrderReturnCommand(ReturnCommand):
    """A message about a return of an order.

    Channels number their returns by themselves, so an id may come twice.  Then `channel` and `account` tell
    which return is meant; without them, the source, if it has the name of the channel.
    """

    channel: InputChannel | None = None
    account: InputAccount = "main"


class Piece(EventData):
    """Pieces of an order line.  `location`: where they are or left from, if not at the event's location."""

    line: str
    sku: str
    pieces: int
    location: str | None = None


class ReturnDiscrepancyDetected(Event):
    """A recorded fact contradicts the earlier events of this return."""

    kind: str
    subject: str
    expected: int
    observed: int
    claimed: AwareDatetime | None = None
    """A time in the future that the message claims."""


class LineCounts(NamedTuple):
    """The counts of one line of a return.  Unit: pieces."""

    sku: str
    requested: int
    received: int = 0
    inspected: int = 0
    location: str | None = None
    """Where its pieces are; before they arrive, where they left from."""

    @property
    def missing(self) -> int:
        """Requested pieces that have not arrived."""
        return max(0, self.requested - self.received)


class Return(NamedTuple):
    """The state of a return: only what the rules need."""

    state: State | None = None
    order: str | None = None
    location: str = "main"
    lines: Mapping[str, LineCounts] = {}
    arrived: bool = False
    inspections: Mapping[str, Mapping[str, int]] = {}
    """What each inspection has stated so far: pieces by line, condition and disposition."""
    refunds: frozenset[str] = frozenset()
    refunded: int = 0
    value: int | None = None
    """The most that is to be refunded for it, in minor units; None if the prices are not known."""
    overdue: bool = False
    collected: bool = False
    approved: bool = False
    closed_at: datetime | None = None
    """When it was rejected or withdrawn: the order no longer expects the pieces, and no refund is due."""
    receipts: Mapping[str, Mapping[str, int]] = {}
    """What each receipt has stated so far, by its id: pieces by line."""
    places: Mapping[str, frozenset[str]] = {}
    """The locations of each receipt."""
    resolution: str = "refund"
    """What the buyer gets for the pieces.  No refund is due for an exchange."""
    contradictions: frozenset[str] = frozenset()
    """The discrepancies that were recorded, so that each is recorded once."""
    return_id: str | None = None
    """Its id; None if it was opened when the key of its stream was its id."""
    refunded_already: bool = False
    """Whether the channel refunded the buyer before the pieces were sent."""
    namesakes: frozenset[str] = frozenset()
    """The channels and accounts of the later returns with the same id."""

    @property
    def owes_refund(self) -> bool:
        """Whether a refund falls due when the pieces come back."""
        return self.closed_at is None and not self.refunded_already and self.resolution == "refund"

    @property
    def size(self) -> int:
        """The size of the state, which tells when a snapshot is worthwhile.  Unit: entries."""
        return len(self.lines)


def further(state: str | None, step: State) -> State:
    """The state after `step`: facts may come late or early, so a step never leads back."""
    late = state in STEPS and STEPS.index(state) > STEPS.index(step)
    return state if late else step  # type: ignore[return-value]


def closed(state: str | None, to: State) -> State:
    """The state after a rejection or withdrawal: it does not undo that the pieces came back."""
    back = state in STEPS and STEPS.index(state) >= STEPS.index("received")
    return state if back else to  # type: ignore[return-value]


rules = Rules[Return]()


def discrepancies(
    ret: Return, context: MessageContext, kind: str, subject: str, counts: tuple[int, int], **details: Any
) -> list[Event]:
    """A discrepancy, unless it was recorded already.

    `counts`: expected and observed.  `details`: the other fields of the event.
    """
    event = ReturnDiscrepancyDetected(
        at=context.at,
        kind=registered(kind),
        subject=subject,
        expected=counts[0],
        observed=counts[1],
        **details,
    )
    return [] if _key(event) in ret.contradictions else [event]


def _key(event: ReturnDiscrepancyDetected) -> str:
    return f"{event.kind}:{event.subject}:{event.claimed or event.observed}"


@rules.on_command
def flag_future_claim(ret: Return, command: FlagFutureClaim, context: MessageContext) -> list[Event]:
    return discrepancies(ret, context, FROM_THE_FUTURE, context.by, (0, 0), claimed=command.claimed)


@rules.on_event
def contradicted(ret: Return, event: ReturnDiscrepancyDetected) -> Return:
    return ret._replace(contradictions=ret.contradictions | {_key(event)})
