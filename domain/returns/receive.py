"""Pieces on their way back, in quarantine, and looked at one by one."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.decider import MessageContext, Rules
from domain.errors import TooEarly
from domain.message import Event, EventData, InputModel
from domain.policies.calendar import calendar
from domain.policies.documents import ref
from domain.policies.refunds import refund_due
from domain.returns.state import Piece, Return, ReturnCommand, differs
from domain.values import MAX_LINES, InputPieces, Text

rules = Rules[Return]()


class RecordCollection(ReturnCommand):
    """Fact: the carrier picked the pieces up at the buyer's."""

    carrier: Text | None = None
    tracking_number: Text | None = None


class ReturnedLine(InputModel):
    """Pieces that came back."""

    line: Text
    pieces: InputPieces


class RecordReceipt(ReturnCommand):
    """Fact: the pieces arrived.  Without lines: all that was asked back."""

    opens: ClassVar[bool] = True

    lines: Annotated[tuple[ReturnedLine, ...], Field(max_length=MAX_LINES)] = ()
    location: Text = "main"


class InspectedUnits(InputModel):
    """Pieces of a line that were found in the same condition and go the same way."""

    line: Text
    pieces: InputPieces
    condition: Literal["new", "opened", "used", "damaged", "defective", "wrong_item"]
    disposition: Literal["restock", "scrap"]


class RecordInspection(ReturnCommand):
    """Fact: somebody looked at each piece."""

    inspection_id: Text
    units: Annotated[tuple[InspectedUnits, ...], Field(min_length=1, max_length=MAX_LINES)]


class ReturnCollected(Event):
    carrier: str | None
    tracking_number: str | None


class ReturnReceived(Event):
    """Pieces arrived and are in quarantine; the refund is due by then, by which policy and calendar."""

    order: str | None
    lines: list[Piece]
    location: str
    refund_due_at: AwareDatetime
    policy: str
    calendar: str


class UnitsInspected(EventData):
    line: str
    sku: str
    pieces: int
    condition: str
    disposition: str


class ReturnInspected(Event):
    """Each piece was looked at and goes back on sale or away."""

    inspection_id: str
    order: str | None
    location: str
    units: list[UnitsInspected]


@rules.on_command
def collect(ret: Return, command: RecordCollection, context: MessageContext) -> list[Event]:
    if ret.state not in ("requested", "approved"):
        return []
    return [ReturnCollected(at=context.at, carrier=command.carrier, tracking_number=command.tracking_number)]


@rules.on_command
def receive(ret: Return, command: RecordReceipt, context: MessageContext) -> list[Event]:
    if ret.arrived:
        return []
    expected = {name: line.requested for name, line in ret.lines.items()}
    came: dict[str, int] = {} if command.lines else dict(expected)
    for item in command.lines:
        came[item.line] = came.get(item.line, 0) + item.pieces
    policy = context.policies.returns
    days = calendar(policy.calendar, context.zone)
    known = [(name, pieces) for name, pieces in came.items() if name in ret.lines]
    received = ReturnReceived(
        at=context.at,
        order=ret.order,
        lines=[Piece(line=name, sku=ret.lines[name].sku, pieces=pieces) for name, pieces in known],
        location=command.location,
        refund_due_at=refund_due(policy, days, context.at),
        policy=ref(policy),
        calendar=days.ref,
    )
    names = [*came, *(name for name in expected if name not in came)]
    differing = [name for name in names if came.get(name, 0) != expected.get(name, 0)]
    return [
        received,
        *(differs(context, "receipt_differs", n, expected.get(n, 0), came.get(n, 0)) for n in differing),
    ]


@rules.on_command
def inspect(ret: Return, command: RecordInspection, context: MessageContext) -> list[Event]:
    """Units beyond what was received and not yet inspected are said, and change no stock."""
    if not ret.arrived:
        raise TooEarly(f"receipt of return {command.return_id}")
    if command.inspection_id in ret.inspections:
        return []
    left = {name: line.received - line.inspected for name, line in ret.lines.items()}
    units: list[UnitsInspected] = []
    differing: list[Event] = []
    for found in command.units:
        there = left.get(found.line, 0)
        pieces = min(found.pieces, there)
        if pieces < found.pieces:
            differing.append(
                differs(context, "inspected_more_than_received", found.line, there, found.pieces)
            )
        if pieces:
            left[found.line] = there - pieces
            units.append(
                UnitsInspected(
                    line=found.line,
                    sku=ret.lines[found.line].sku,
                    pieces=pieces,
                    condition=found.condition,
                    disposition=found.disposition,
                )
            )
    inspected = ReturnInspected(
        at=context.at,
        inspection_id=command.inspection_id,
        order=ret.order,
        location=ret.location,
        units=units,
    )
    return [inspected, *differing]


@rules.on_event
def collected(ret: Return, _: ReturnCollected) -> Return:
    return ret._replace(state="collected")


@rules.on_event
def received(ret: Return, event: ReturnReceived) -> Return:
    lines = dict(ret.lines)
    for piece in event.lines:
        line = lines[piece.line]
        lines[piece.line] = line._replace(received=line.received + piece.pieces)
    return ret._replace(state="received", location=event.location, lines=lines, arrived=True)


@rules.on_event
def inspected(ret: Return, event: ReturnInspected) -> Return:
    lines = dict(ret.lines)
    for unit in event.units:
        line = lines[unit.line]
        lines[unit.line] = line._replace(inspected=line.inspected + unit.pieces)
    seen = ret.inspections | {event.inspection_id}
    return ret._replace(state="inspected" if event.units else ret.state, lines=lines, inspections=seen)
