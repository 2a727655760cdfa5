"""Rules for collecting, receiving and inspecting returned pieces."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from domain.decider import MessageContext, Rules
from domain.errors import TooEarly
from domain.message import Event, EventData, InputModel
from domain.policies.calendar import calendar
from domain.policies.documents import ref
from domain.policies.refunds import refund_due
from domain.policies.return_policy import ReturnPolicy
from domain.returns.state import LineCounts, OrderReturnCommand, Piece, Return, discrepancies, further
from domain.values import MAX_LINES, InputPieces, Text, sums

rules = Rules[Return]()

Condition = Literal["new", "opened", "used", "damaged", "defective", "wrong_item"]
Disposition = Literal["restock", "scrap", "quarantine"]
NOT_SELLABLE: Final[tuple[Condition, ...]] = ("damaged", "defective", "wrong_item")
"""Pieces in these conditions are never put on sale as their SKU."""


class RecordCollection(OrderReturnCommand):
    """Fact: the carrier collected the pieces from the buyer."""

    carrier: Text | None = None
    tracking_number: Text | None = None


class ReturnedLine(InputModel):
    """Returned pieces of one order line."""

    line: Text
    pieces: InputPieces


class RecordReceipt(OrderReturnCommand):
    """Fact: returned pieces arrived.  Without `lines`: all requested pieces that have not arrived.

    Each part of a return that arrives by itself has its own `receipt_id`.  Without a `location` the pieces
    are where they left from.
    """

    opens: ClassVar[bool] = True

    receipt_id: Text | None = None
    lines: Annotated[tuple[ReturnedLine, ...], Field(max_length=MAX_LINES)] = ()
    location: Text | None = None


class InspectedUnits(InputModel):
    """Pieces of a line with the same condition and the same disposition."""

    line: Text
    pieces: InputPieces
    condition: Condition
    disposition: Disposition


class RecordInspection(OrderReturnCommand):
    """Fact: the received pieces were inspected.  Those left in quarantine may be inspected again."""

    inspection_id: Text
    units: Annotated[tuple[InspectedUnits, ...], Field(min_length=1, max_length=MAX_LINES)]


class AdmitPieces(NamedTuple):
    """The order admitted pieces that came back without being expected."""

    order: str
    lines: tuple[tuple[str, str, int, str], ...]
    """Line, SKU, pieces, location."""


class ReturnCollected(Event):
    """The carrier collected the pieces from the buyer.

    `refund_due_at`: set if the policy takes this as the proof that the buyer sent them.
    """

    carrier: str | None
    tracking_number: str | None
    refund_due_at: AwareDatetime | None = None


class ReturnReceived(Event):
    """Returned pieces arrived and are in quarantine.  The named policy and calendar set `refund_due_at`.

    It is None if the refund is due only after the inspection, or not at all because the return was closed or
    refunded already.
    """

    order: str | None
    lines: list[Piece]
    location: str
    refund_due_at: AwareDatetime | None
    policy: str
    calendar: str
    receipt_id: str | None = None
    unexpected: list[Piece] | None = None
    """Pieces that the return does not expect.  The order decides whether they can be its own."""


class PiecesAdmitted(Event):
    """Unexpected pieces belong to the order, and are in quarantine."""

    lines: list[Piece]


class UnitsInspected(EventData):
    line: str
    sku: str
    pieces: int
    condition: str
    disposition: str
    location: str | None = None
    """Where they are, if not at the location of the event."""


class ReturnInspected(Event):
    """Pieces were inspected.  Each goes back on sale (`restock`), is thrown away (`scrap`), or stays where
    it is (`quarantine`).
    """

    inspection_id: str
    order: str | None
    location: str
    units: list[UnitsInspected]
    refund_due_at: AwareDatetime | None = None
    """Set if the policy's refund is due after the inspection."""
    stated: list[UnitsInspected] | None = None
    """What the message stated, if that is not what the event records."""


@rules.on_command
def collect(ret: Return, command: RecordCollection, context: MessageContext) -> list[Event]:
    if ret.collected:
        return []
    policy = context.policies.returns
    proof = policy.refund_trigger == "earlier_of_received_or_proof_of_dispatch" and ret.owes_refund
    return [
        ReturnCollected(
            at=context.at,
            carrier=command.carrier,
            tracking_number=command.tracking_number,
            refund_due_at=_due(policy, context) if proof else None,
        )
    ]


def _due(policy: ReturnPolicy, context: MessageContext) -> datetime:
    return refund_due(policy, calendar(policy.calendar, context.zone), context.at)


@rules.on_command
def receive(ret: Return, command: RecordReceipt, context: MessageContext) -> list[Event]:
    """What is new in a receipt arrived; what is equal is a repeat; fewer pieces contradict it."""
    before = ret.receipts.get(command.receipt_id or "")
    missing = {name: line.missing for name, line in ret.lines.items() if line.missing}
    if not command.lines and before is not None:
        return _elsewhere(ret, command, context)
    stated = sums((item.line, item.pieces) for item in command.lines) if command.lines else missing
    earlier = before or {}
    new = {name: pieces - earlier.get(name, 0) for name, pieces in stated.items()}
    arrived = {name: pieces for name, pieces in new.items() if pieces > 0}
    fewer = [
        event
        for name, pieces in new.items()
        if pieces < 0
        for event in discrepancies(
            ret, context, "receipt_again_differently", name, (earlier[name], stated[name])
        )
    ]
    if not arrived:
        return fewer if before is None else [*fewer, *_elsewhere(ret, command, context)]
    return [_received(ret, command, arrived, context), *fewer, *_differing(ret, command, arrived, context)]


def _elsewhere(ret: Return, command: RecordReceipt, context: MessageContext) -> list[Event]:
    """A discrepancy if a receipt is stated again at another location."""
    key = command.receipt_id or ""
    if command.location is None or command.location in ret.places[key]:
        return []
    pieces = sum(ret.receipts[key].values())
    return discrepancies(ret, context, "receipt_at_another_location", command.location, (pieces, pieces))


def _received(
    ret: Return, command: RecordReceipt, arrived: Mapping[str, int], context: MessageContext
) -> ReturnReceived:
    policy = context.policies.returns
    lines: list[Piece] = []
    unexpected: list[Piece] = []
    left = (ret.lines[name].location for name in arrived if name in ret.lines)
    location: str = command.location or next((place for place in left if place), "main")
    for name, pieces in arrived.items():
        line = ret.lines.get(name, LineCounts("", 0))
        expected = 0 if ret.closed_at is not None else min(pieces, line.missing)
        left_from = line.location or "main"
        place = None if command.location or left_from == location else left_from
        if expected:
            lines.append(Piece(line=name, sku=line.sku, pieces=expected, location=place))
        if pieces > expected:
            unexpected.append(
                Piece(line=name, sku=line.sku, pieces=pieces - expected, location=command.location)
            )
    due = policy.refund_trigger != "on_inspection" and ret.owes_refund
    return ReturnReceived(
        at=context.at,
        order=ret.order,
        lines=lines,
        location=location,
        refund_due_at=_due(policy, context) if due else None,
        policy=ref(policy),
        calendar=calendar(policy.calendar, context.zone).ref,
        receipt_id=command.receipt_id,
        unexpected=unexpected or None,
    )


def _differing(
    ret: Return, command: RecordReceipt, arrived: Mapping[str, int], context: MessageContext
) -> list[Event]:
    """A discrepancy for each line with other pieces than expected.  A receipt with an id may be a part."""
    if ret.closed_at is not None:
        expected = dict.fromkeys(arrived, 0)
    else:
        expected = {name: line.missing for name, line in ret.lines.items() if line.missing}
    kind = "receipt_differs" if ret.closed_at is None else "received_after_closing"
    names = [*arrived, *(name for name in expected if name not in arrived)]
    return [
        event
        for name in names
        if (more := arrived.get(name, 0) - expected.get(name, 0))
        and (more > 0 or (command.receipt_id is None and command.lines))
        for event in discrepancies(ret, context, kind, name, (expected.get(name, 0), arrived.get(name, 0)))
    ]


@rules.on_command
def admit(_: Return, step: AdmitPieces, context: MessageContext) -> list[Event]:
    pieces = [
        Piece(line=line, sku=sku, pieces=count, location=location)
        for line, sku, count, location in step.lines
    ]
    return [PiecesAdmitted(at=context.at, lines=pieces)]


@rules.on_command
def inspect(ret: Return, command: RecordInspection, context: MessageContext) -> list[Event]:
    """Units beyond the received ones only cause a discrepancy event; they change no stock.

    Pieces that may not be sold in their condition stay in quarantine, whatever was stated.
    """
    if not ret.arrived:
        raise TooEarly(f"receipt of return {command.return_id}")
    before = dict(ret.inspections.get(command.inspection_id, {}))
    left = {name: line.received - line.inspected for name, line in ret.lines.items()}
    units: list[UnitsInspected] = []
    stated: list[UnitsInspected] = []
    differing: list[Event] = []
    for unit in command.units:
        pieces = unit.pieces - (repeated := min(before.get(_unit_key(unit), 0), unit.pieces))
        before[_unit_key(unit)] = before.get(_unit_key(unit), 0) - repeated
        if not pieces:
            continue
        expected = left.get(unit.line, 0)
        stated.append(_inspected(ret, unit, pieces, unit.disposition))
        if pieces > expected:
            kind = "inspected_more_than_received"
            differing += discrepancies(ret, context, kind, unit.line, (expected, pieces))
        if pieces := min(pieces, expected):
            left[unit.line] = expected - pieces
            allowed = unit.disposition
            if allowed == "restock" and unit.condition in NOT_SELLABLE:
                allowed = "quarantine"
                kind = f"{unit.condition}_restocked"
                differing += discrepancies(ret, context, kind, unit.line, (0, pieces))
            units.append(_inspected(ret, unit, pieces, allowed))
    fewer = _fewer(ret, command, context)
    if not stated:
        return fewer
    policy = context.policies.returns
    due = policy.refund_trigger == "on_inspection" and ret.owes_refund and bool(units)
    inspected = ReturnInspected(
        at=context.at,
        inspection_id=command.inspection_id,
        order=ret.order,
        location=ret.location,
        units=units,
        refund_due_at=_due(policy, context) if due else None,
        stated=stated if stated != units else None,
    )
    return [inspected, *fewer, *differing]


def _fewer(ret: Return, command: RecordInspection, context: MessageContext) -> list[Event]:
    """A discrepancy for each line of which the inspection stated more pieces before."""
    before = ret.inspections.get(command.inspection_id, {})
    stated = sums((_unit_key(unit), unit.pieces) for unit in command.units)
    lines = {_unit_key(unit): unit.line for unit in command.units}
    return [
        event
        for key, pieces in stated.items()
        if pieces < before.get(key, 0)
        for event in discrepancies(
            ret, context, "inspection_again_differently", lines[key], (before[key], pieces)
        )
    ]


def _inspected(ret: Return, unit: InspectedUnits, pieces: int, disposition: Disposition) -> UnitsInspected:
    line = ret.lines.get(unit.line, LineCounts("", 0))
    return UnitsInspected(
        line=unit.line,
        sku=line.sku,
        pieces=pieces,
        condition=unit.condition,
        disposition=disposition,
        location=line.location if line.received and line.location != ret.location else None,
    )


def _unit_key(unit: InspectedUnits | UnitsInspected) -> str:
    return f"{unit.line} {unit.condition} {unit.disposition}"


@rules.on_event
def collected(ret: Return, _: ReturnCollected) -> Return:
    return ret._replace(state=further(ret.state, "collected"), collected=True)


@rules.on_event
def received(ret: Return, event: ReturnReceived) -> Return:
    key = event.receipt_id or ""
    parts = [(piece.line, piece.pieces) for piece in (*event.lines, *(event.unexpected or ()))]
    stated = sums((*ret.receipts.get(key, {}).items(), *parts))
    return _with_pieces(ret, event.lines, event.location)._replace(
        state=further(ret.state, "received"),
        location=event.location,
        arrived=True,
        receipts={**ret.receipts, key: stated},
        places={**ret.places, key: ret.places.get(key, frozenset()) | {event.location}},
    )


@rules.on_event
def admitted(ret: Return, event: PiecesAdmitted) -> Return:
    return _with_pieces(ret, event.lines, ret.location)


def _with_pieces(ret: Return, pieces: list[Piece], location: str) -> Return:
    lines = dict(ret.lines)
    for piece in pieces:
        line = lines.get(piece.line, LineCounts(piece.sku, 0))
        lines[piece.line] = line._replace(
            received=line.received + piece.pieces, location=piece.location or location
        )
    return ret._replace(lines=lines)


@rules.on_event
def inspected(ret: Return, event: ReturnInspected) -> Return:
    lines = dict(ret.lines)
    for unit in event.units:
        if unit.disposition != "quarantine":
            line = lines[unit.line]
            lines[unit.line] = line._replace(inspected=line.inspected + unit.pieces)
    parts = [(_unit_key(unit), unit.pieces) for unit in (event.stated or event.units)]
    stated = sums((*ret.inspections.get(event.inspection_id, {}).items(), *parts))
    state = further(ret.state, "inspected") if event.units else ret.state
    return ret._replace(
        state=state, lines=lines, inspections={**ret.inspections, event.inspection_id: stated}
    )
