"""Rules for collecting, receiving and inspecting returned pieces."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.decider import MessageContext, Rules
from domain.errors import TooEarly
from domain.message import Event, EventData, InputModel
from domain.policies.calendar import calendar
from domain.policies.documents import ref
from domain.policies.refunds import refund_due
from domain.returns.state import Piece, Return, ReturnCommand, discrepancy, further
from domain.values import MAX_LINES, InputPieces, Text

rules = Rules[Return]()


class RecordCollection(ReturnCommand):
    """Fact: the carrier collected the pieces from the buyer."""

    carrier: Text | None = None
    tracking_number: Text | None = None


class ReturnedLine(InputModel):
    """Returned pieces of one order line."""

    line: Text
    pieces: InputPieces


class RecordReceipt(ReturnCommand):
    """Fact: the returned pieces arrived.  Without `lines`: all requested pieces."""

    opens: ClassVar[bool] = True

    lines: Annotated[tuple[ReturnedLine, ...], Field(max_length=MAX_LINES)] = ()
    location: Text = "main"


class InspectedUnits(InputModel):
    """Pieces of a line with the same condition and the same disposition."""

    line: Text
    pieces: InputPieces
    condition: Literal["new", "opened", "used", "damaged", "defective", "wrong_item"]
    disposition: Literal["restock", "scrap"]


class RecordInspection(ReturnCommand):
    """Fact: the received pieces were inspected."""

    inspection_id: Text
    units: Annotated[tuple[InspectedUnits, ...], Field(min_length=1, max_length=MAX_LINES)]


class ReturnCollected(Event):
    """The carrier collected the pieces from the buyer."""

    carrier: str | None
    tracking_number: str | None


class ReturnReceived(Event):
    """Returned pieces arrived and are in quarantine.  The named policy and calendar set `refund_due_at`."""

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
    """Pieces were inspected.  Each goes back on sale (`restock`) or is thrown away (`scrap`)."""

    inspection_id: str
    order: str | None
    location: str
    units: list[UnitsInspected]


@rules.on_command
def collect(ret: Return, command: RecordCollection, context: MessageContext) -> list[Event]:
    if ret.collected:
        return []
    return [ReturnCollected(at=context.at, carrier=command.carrier, tracking_number=command.tracking_number)]


@rules.on_command
def receive(ret: Return, command: RecordReceipt, context: MessageContext) -> list[Event]:
    if ret.arrived:
        return []
    expected = {name: line.requested for name, line in ret.lines.items()}
    arrived: dict[str, int] = {} if command.lines else dict(expected)
    for item in command.lines:
        arrived[item.line] = arrived.get(item.line, 0) + item.pieces
    policy = context.policies.returns
    days = calendar(policy.calendar, context.zone)
    matching = [(name, pieces) for name, pieces in arrived.items() if name in ret.lines]
    received = ReturnReceived(
        at=context.at,
        order=ret.order,
        lines=[Piece(line=name, sku=ret.lines[name].sku, pieces=pieces) for name, pieces in matching],
        location=command.location,
        refund_due_at=refund_due(policy, days, context.at),
        policy=ref(policy),
        calendar=days.ref,
    )
    names = [*arrived, *(name for name in expected if name not in arrived)]
    differing = [name for name in names if arrived.get(name, 0) != expected.get(name, 0)]
    return [
        received,
        *(
            discrepancy(context, "receipt_differs", n, expected.get(n, 0), arrived.get(n, 0))
            for n in differing
        ),
    ]


@rules.on_command
def inspect(ret: Return, command: RecordInspection, context: MessageContext) -> list[Event]:
    """Units beyond the received ones only cause a discrepancy event; they change no stock."""
    if not ret.arrived:
        raise TooEarly(f"receipt of return {command.return_id}")
    if command.inspection_id in ret.inspections:
        return []
    left = {name: line.received - line.inspected for name, line in ret.lines.items()}
    units: list[UnitsInspected] = []
    differing: list[Event] = []
    for unit in command.units:
        expected = left.get(unit.line, 0)
        pieces = min(unit.pieces, expected)
        if pieces < unit.pieces:
            differing.append(
                discrepancy(context, "inspected_more_than_received", unit.line, expected, unit.pieces)
            )
        if pieces:
            left[unit.line] = expected - pieces
            units.append(
                UnitsInspected(
                    line=unit.line,
                    sku=ret.lines[unit.line].sku,
                    pieces=pieces,
                    condition=unit.condition,
                    disposition=unit.disposition,
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
    return ret._replace(state=further(ret.state, "collected"), collected=True)


@rules.on_event
def received(ret: Return, event: ReturnReceived) -> Return:
    lines = dict(ret.lines)
    for piece in event.lines:
        line = lines[piece.line]
        lines[piece.line] = line._replace(received=line.received + piece.pieces)
    state = further(ret.state, "received")
    return ret._replace(state=state, location=event.location, lines=lines, arrived=True)


@rules.on_event
def inspected(ret: Return, event: ReturnInspected) -> Return:
    lines = dict(ret.lines)
    for unit in event.units:
        line = lines[unit.line]
        lines[unit.line] = line._replace(inspected=line.inspected + unit.pieces)
    seen = ret.inspections | {event.inspection_id}
    state = further(ret.state, "inspected") if event.units else ret.state
    return ret._replace(state=state, lines=lines, inspections=seen)
