"""Rules for warehouse facts: receipts, counts, adjustments, quarantine and returned pieces."""

from typing import ClassVar, NamedTuple

from domain.decider import MessageContext, Rules
from domain.future_claim import FROM_THE_FUTURE, FlagFutureClaim
from domain.message import Event
from domain.stock import at_risk
from domain.stock.corrections import Move, after_inflow, before_take, correction, counted_since, settlements
from domain.stock.past import Past
from domain.stock.state import (
    OPENING,
    Balance,
    ReturnQuarantined,
    ReturnRestocked,
    ReturnScrapped,
    StockAdjusted,
    StockCommand,
    StockCounted,
    StockItem,
    StockQuarantined,
    StockReceived,
    discrepancy,
)
from domain.values import InputChange, InputPieces, InputPiecesOrNone, InputPrice, Text

rules = Rules[StockItem]()


class ReceiveStock(StockCommand):
    """Fact: pieces were received.  One receipt may hold several SKUs, each in a message of its own."""

    business_key: ClassVar[str | None] = "receipt_id"

    receipt_id: Text
    location: Text = "main"
    pieces: InputPieces
    reason: Text = "receipt"


class CountStock(StockCommand):
    """Fact: the pieces at a location were counted."""

    business_key: ClassVar[str | None] = "count_id"

    count_id: Text
    location: Text = "main"
    counted: InputPiecesOrNone


class AdjustStock(StockCommand):
    """Fact: the book stock is wrong by `delta` pieces."""

    business_key: ClassVar[str | None] = "adjustment_id"

    adjustment_id: Text
    location: Text = "main"
    delta: InputChange
    reason: Text
    unit_price: InputPrice = "0"


class QuarantineStock(StockCommand):
    """Fact: pieces are not fit for sale for now.  Negative `pieces`: they are fit for sale again."""

    business_key: ClassVar[str | None] = "quarantine_id"

    quarantine_id: Text
    location: Text = "main"
    pieces: InputChange
    reason: Text


class QuarantineReturn(NamedTuple):
    """Returned pieces arrived."""

    return_id: str
    line: str
    location: str
    pieces: int


class RestockReturn(NamedTuple):
    """Inspected pieces are fit for sale."""

    return_id: str
    line: str
    location: str
    pieces: int


class ScrapReturn(NamedTuple):
    """Inspected pieces are not fit for sale."""

    return_id: str
    line: str
    location: str
    pieces: int


@rules.on_command
def receive(item: StockItem, command: ReceiveStock, context: MessageContext) -> list[Event]:
    received = StockReceived(
        at=context.at,
        receipt_id=command.receipt_id,
        location=command.location,
        pieces=command.pieces,
        reason=command.reason,
    )
    if command.reason == OPENING:
        return [received]
    inflow = Move(command.location, command.pieces, command.receipt_id)
    return [received, *after_inflow(item, inflow, context, is_receipt=True)]


@rules.on_command
def count(item: StockItem, command: CountStock, context: MessageContext) -> list[Event]:
    """A count is true at its time: what moved later stays moved, and what moved before was seen by it."""
    location, subject = command.location, command.count_id
    past = item.past.get(location, Past())
    on_hand = item.balances.get(location, Balance()).on_hand
    change = past.change_since(context.at)
    if change is None:
        return [discrepancy(context, "counted_too_late", subject, on_hand, command.counted)]
    book = on_hand - change
    counted = StockCounted(
        at=context.at,
        count_id=subject,
        location=location,
        counted=command.counted,
        book=book,
        delta=command.counted - book,
    )
    if past.counted_at is not None and context.at < past.counted_at:
        return [counted, counted_since(past.counted_at, Move(location, counted.delta, subject))]
    left = command.counted + change
    if left < 0:
        taken = -change
        short = discrepancy(context, "less_on_hand_than_taken", subject, command.counted, taken)
        return [
            short,
            correction(past.moves[-1][0], Move(location, -left, subject)),
            counted,
            *_shortfall(item, location, 0, subject, context),
        ]
    explained = settlements(past.counted(context.at), None, Move(location, left, subject))
    left += sum(event.delta for event in explained)
    return [counted, *explained, *_shortfall(item, location, left, subject, context)]


def _shortfall(
    item: StockItem, location: str, left: int, subject: str, context: MessageContext
) -> list[Event]:
    """A discrepancy if fewer pieces are left at a location than are promised from it."""
    promised = item.balances.get(location, Balance()).reserved
    if left >= promised:
        return []
    risk = at_risk.at_location(item, location)
    details = {"at_risk": risk.listed, "at_risk_lines": risk.lines}
    return [discrepancy(context, "reservation_shortfall", subject, promised, left, **details)]


@rules.on_command
def adjust(item: StockItem, command: AdjustStock, context: MessageContext) -> list[Event]:
    adjusted = StockAdjusted(
        at=context.at,
        adjustment_id=command.adjustment_id,
        location=command.location,
        delta=command.delta,
        reason=command.reason,
        unit_price=command.unit_price,
    )
    move = Move(command.location, abs(command.delta), command.adjustment_id)
    if command.delta < 0:
        return _take(item, move, adjusted, context)
    return [adjusted, *after_inflow(item, move, context)]


def _take(item: StockItem, take: Move, taken: Event, context: MessageContext) -> list[Event]:
    """A take, after what it corrects; a discrepancy if the rest is less than what is promised."""
    corrections = before_take(item, take, context)
    on_hand = item.balances.get(take.location, Balance()).on_hand
    added = sum(event.delta for event in corrections if isinstance(event, StockAdjusted))
    left = on_hand + added - take.pieces
    return [*corrections, taken, *_shortfall(item, take.location, left, take.subject, context)]


@rules.on_command
def quarantine(item: StockItem, command: QuarantineStock, context: MessageContext) -> list[Event]:
    location, subject = command.location, command.quarantine_id
    held = item.balances.get(location, Balance()).quarantine
    pieces = max(command.pieces, -held)
    quarantined = StockQuarantined(at=context.at, location=location, pieces=pieces, reason=command.reason)
    if pieces > 0:
        return _take(item, Move(location, pieces, subject), quarantined, context)
    events: list[Event] = []
    if pieces != command.pieces:
        released = -command.pieces
        events.append(discrepancy(context, "more_released_than_quarantined", subject, held, released))
    if pieces:
        events += [quarantined, *after_inflow(item, Move(location, -pieces, subject), context)]
    return events


@rules.on_command
def quarantine_return(_: StockItem, command: QuarantineReturn, context: MessageContext) -> list[Event]:
    return [
        ReturnQuarantined(
            at=context.at,
            return_id=command.return_id,
            line=command.line,
            location=command.location,
            pieces=command.pieces,
        )
    ]


@rules.on_command
def inspected_return(
    item: StockItem, command: RestockReturn | ScrapReturn, context: MessageContext
) -> list[Event]:
    """Takes pieces out of quarantine.  Pieces that are no longer there only cause a discrepancy event."""
    quarantine = item.balances.get(command.location, Balance()).quarantine
    pieces = min(command.pieces, quarantine)
    event_class = ReturnRestocked if isinstance(command, RestockReturn) else ReturnScrapped
    events: list[Event] = []
    if pieces < command.pieces:
        kind = "more_inspected_than_quarantined"
        events.append(discrepancy(context, kind, command.return_id, quarantine, command.pieces))
    if pieces:
        line, location = command.line, command.location
        events.append(
            event_class(
                at=context.at, return_id=command.return_id, line=line, location=location, pieces=pieces
            )
        )
        if event_class is ReturnRestocked:
            events += after_inflow(item, Move(location, pieces, command.return_id), context)
    return events


@rules.on_command
def flag_future_claim(_: StockItem, command: FlagFutureClaim, context: MessageContext) -> list[Event]:
    return [discrepancy(context, FROM_THE_FUTURE, context.by, claimed=command.claimed)]
