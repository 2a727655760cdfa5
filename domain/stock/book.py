"""Rules for warehouse facts: receipts, counts, adjustments, quarantine and returned pieces."""

from typing import ClassVar, NamedTuple

from domain.decider import MessageContext, Rules
from domain.future_claim import FROM_THE_FUTURE, FlagFutureClaim
from domain.message import Event
from domain.stock import at_risk
from domain.stock.state import (
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
def receive(_: StockItem, command: ReceiveStock, context: MessageContext) -> list[Event]:
    return [
        StockReceived(
            at=context.at,
            receipt_id=command.receipt_id,
            location=command.location,
            pieces=command.pieces,
            reason=command.reason,
        )
    ]


@rules.on_command
def count(item: StockItem, command: CountStock, context: MessageContext) -> list[Event]:
    balance = item.balances.get(command.location, Balance())
    counted = StockCounted(
        at=context.at,
        count_id=command.count_id,
        location=command.location,
        counted=command.counted,
        book=balance.on_hand,
        delta=command.counted - balance.on_hand,
    )
    return [counted, *_shortfall(item, command.location, command.counted, command.count_id, context)]


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
    balance = item.balances.get(command.location, Balance())
    left = max(0, balance.on_hand + command.delta)
    adjusted = StockAdjusted(
        at=context.at,
        adjustment_id=command.adjustment_id,
        location=command.location,
        delta=command.delta,
        reason=command.reason,
        unit_price=command.unit_price,
    )
    shortfall = (
        _shortfall(item, command.location, left, command.adjustment_id, context) if command.delta < 0 else []
    )
    return [
        *correction_events(balance.on_hand, -command.delta, command.location, command.adjustment_id, context),
        adjusted,
        *shortfall,
    ]


@rules.on_command
def quarantine(item: StockItem, command: QuarantineStock, context: MessageContext) -> list[Event]:
    balance = item.balances.get(command.location, Balance())
    taken = command.pieces if command.pieces > 0 else 0
    released = -command.pieces if command.pieces < 0 else 0
    allowed = command.pieces if released <= balance.quarantine else -balance.quarantine
    events: list[Event] = correction_events(
        balance.on_hand, taken, command.location, command.quarantine_id, context
    )
    if allowed != command.pieces:
        events.append(
            discrepancy(context, "more_released_than_quarantined", command.quarantine_id, -allowed, released)
        )
    if allowed:
        events.append(
            StockQuarantined(at=context.at, location=command.location, pieces=allowed, reason=command.reason)
        )
    if taken:
        left = max(0, balance.on_hand - taken)
        events += _shortfall(item, command.location, left, command.quarantine_id, context)
    return events


def correction_events(
    on_hand: int, taken: int, location: str, subject: str, context: MessageContext
) -> list[Event]:
    """Correction events if more is taken than is on hand, so that on hand never becomes negative."""
    missing = max(0, taken - max(0, on_hand))
    if not missing:
        return []
    return [
        discrepancy(context, "less_on_hand_than_taken", subject, max(0, on_hand), taken),
        StockAdjusted(
            at=context.at,
            adjustment_id=f"{subject}/correction",
            location=location,
            delta=missing,
            reason="negative_stock_corrected",
        ),
    ]


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
    return events


@rules.on_command
def flag_future_claim(_: StockItem, command: FlagFutureClaim, context: MessageContext) -> list[Event]:
    return [discrepancy(context, FROM_THE_FUTURE, context.by, claimed=command.claimed)]
