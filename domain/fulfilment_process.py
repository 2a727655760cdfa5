"""The fulfilment process: which commands an event sends to other streams, within the same commit.

| event                           | follow-up                                                           |
|---------------------------------|---------------------------------------------------------------------|
| order placed, held while unpaid | stock reserves each line until the hold ends                        |
| order paid, lines added         | stock reserves open pieces and confirms held pieces                 |
| stock reserved / backordered    | the order mirrors it                                                |
| hold expired                    | the order's pieces are open again                                   |
| pieces cancelled                | stock releases them; if out of stock, the SKU closes for sale       |
| shipment packed                 | stock keeps the pieces reserved, and reserves those that were not   |
| shipment dispatched             | stock drops the pieces' backorders; the pieces leave stock          |
| refunded stop request, and the  | the order opens their return at the seller's cost                   |
| pieces were handed over         |                                                                     |
| return granted                  | the return opens                                                    |
| a later return opens with an id | the first one with it notes that messages must name the channel     |
| return rejected / withdrawn     | the order no longer expects its pieces                              |
| return received                 | stock takes the pieces into quarantine; the order is asked whether  |
|                                 | unexpected pieces are its own                                       |
| unexpected pieces admitted      | stock takes them into quarantine; the return counts them            |
| return inspected                | stock restocks or scraps unit by unit; the order mirrors it         |
| stock shipped                   | the order remembers where from, unless it is the main location      |
| refund recorded                 | the return it belongs to is refunded                                |
| order checked                   | all of the above that follows from its facts and was not done       |

Follow-ups run breadth first, sorted by (line, SKU, location), so that nothing depends on a hash seed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from domain.decider import register
from domain.message import Event
from domain.order.allocate import MirrorAllocation, MirrorBackorder, MirrorRelease
from domain.order.cancel import CancelRejected, CancelRequested, LinesCancelled
from domain.order.check import OrderChecked
from domain.order.dispatch import FAILED, ShipmentDispatched
from domain.order.fulfil import HandOverDigital, LinesFulfilled, open_digital
from domain.order.money import refundable
from domain.order.pack import ShipmentPacked
from domain.order.payment import CheckPaid, OrderPaid, OrderReleased, PaymentCaptured
from domain.order.place import OrderAmended, OrderPlaced
from domain.order.refund import RefundRecorded, WorkOutRefund
from domain.order.returns import (
    AdmitReturned,
    CloseReturn,
    MirrorReturned,
    MirrorShipped,
    ReturnAdmitted,
    ReturnOpened,
)
from domain.order.state import STOCKED, Move, Order, pieces_by_line
from domain.order.stopped import OpenStopped, may_be_open
from domain.returns.namesakes import NoteNamesake
from domain.returns.receive import AdmitPieces, ReturnInspected, ReturnReceived
from domain.returns.refund import MirrorRefund
from domain.returns.request import (
    OpenReturn,
    ReturnRecorded,
    ReturnRejected,
    ReturnRequested,
    ReturnWithdrawn,
)
from domain.returns.state import Return
from domain.stock.book import QuarantineReturn, RestockReturn, ScrapReturn
from domain.stock.close_sale import CloseSale
from domain.stock.reservations import Confirm, Release, Reserve, ReservePacked, Settle, Ship
from domain.stock.state import (
    BackorderDropped,
    StockBackordered,
    StockReleased,
    StockReserved,
    StockShipped,
)
from domain.streams import StreamId, return_stream, stock_stream
from domain.values import Fault, UnitState

FollowUp = tuple[StreamId, Any]
EventT = TypeVar("EventT", bound=Event)
Rule = Callable[[str, str, EventT, Any], Iterator[FollowUp]]
"""Parameters: seller id, business key of the event's stream, event, state of the stream after it."""

_rules: dict[type, Rule[Any]] = {}


def _on_event(rule: Rule[EventT]) -> Rule[EventT]:
    """Registers a rule for the events that its third parameter is annotated with."""
    register(rule, 2, _rules)
    return rule


def follow_ups(stream: StreamId, event: Event, state: Any) -> list[FollowUp]:
    """The commands that `event` of `stream` sends to other streams; `state` is the state after the event."""
    rule = _rules.get(type(event))
    if rule is None:
        return []
    _, seller_id, key = stream.parts
    return list(rule(seller_id, key, event, state))


@_on_event
def _on_placed(seller: str, order: str, event: OrderPlaced, _: Order) -> Iterator[FollowUp]:
    if event.hold_until is not None:
        for line in sorted(event.lines, key=lambda line: (line.line, line.sku)):
            if line.delivery in STOCKED:
                reserve = Reserve(order, line.line, line.pieces, line.ship_by, event.hold_until)
                yield stock_stream(seller, line.sku), reserve


@_on_event
def _on_paid(seller: str, order: str, event: OrderPaid, state: Order) -> Iterator[FollowUp]:
    yield from _to_fulfil(seller, order, state)
    yield from _refund(seller, order, state, WorkOutRefund("payment", event.payment_id))


@_on_event
def _on_captured(seller: str, order: str, event: PaymentCaptured, state: Order) -> Iterator[FollowUp]:
    yield from _refund(seller, order, state, WorkOutRefund("payment", event.payment_id))


@_on_event
def _on_released_for_delivery(seller: str, order: str, _: OrderReleased, state: Order) -> Iterator[FollowUp]:
    yield from _to_fulfil(seller, order, state)


@_on_event
def _on_amended(seller: str, order: str, _: OrderAmended, state: Order) -> Iterator[FollowUp]:
    if state.to_fulfil:
        yield from _to_fulfil(seller, order, state)


def _refund(seller: str, order: str, state: Order, step: WorkOutRefund) -> Iterator[FollowUp]:
    if refundable(state) > max(state.refund_owed, state.refunded):
        yield StreamId.of("order", seller, order), step


def _to_fulfil(seller: str, order: str, state: Order) -> Iterator[FollowUp]:
    yield from _reservations(seller, order, state)
    if open_digital(state):
        yield StreamId.of("order", seller, order), HandOverDigital()


def _reservations(seller: str, order: str, state: Order) -> Iterator[FollowUp]:
    for name, line in sorted(state.lines.items()):
        if not line.has_stock:
            continue
        stock = stock_stream(seller, line.sku)
        if any(line.units.get(state, 0) for state in ("allocated", "backordered", "packed")):
            yield stock, Confirm(order, name)
        if pieces := line.units.get("open", 0):
            reserved = line.units.get("allocated", 0) + line.units.get("packed", 0)
            waiting = line.units.get("backordered", 0)
            due = line.ship_by or state.ship_by
            yield stock, Reserve(order, name, pieces, due, None, reserved, waiting)


@_on_event
def _on_reserved(seller: str, _: str, event: StockReserved, __: Any) -> Iterator[FollowUp]:
    if not event.packed:
        yield StreamId.of("order", seller, event.order), MirrorAllocation(event.line, event.pieces)


@_on_event
def _on_backordered(seller: str, _: str, event: StockBackordered, __: Any) -> Iterator[FollowUp]:
    yield StreamId.of("order", seller, event.order), MirrorBackorder(event.line, event.pieces)


@_on_event
def _on_released(seller: str, _: str, event: StockReleased, __: Any) -> Iterator[FollowUp]:
    if event.reason == "hold_expired":
        yield StreamId.of("order", seller, event.order), MirrorRelease(event.line, event.pieces)


@_on_event
def _on_dropped(seller: str, _: str, event: BackorderDropped, __: Any) -> Iterator[FollowUp]:
    if event.reason == "hold_expired":
        release = MirrorRelease(event.line, event.pieces, "backordered")
        yield StreamId.of("order", seller, event.order), release


@_on_event
def _on_cancelled(seller: str, order: str, event: LinesCancelled, state: Order) -> Iterator[FollowUp]:
    """Closes the sale and drops the backorders first, so that released pieces are not promised to them."""
    if event.reason == "out_of_stock":
        for sku in sorted({move.sku for move in event.moves}):
            yield stock_stream(seller, sku), CloseSale(order)
    yield from _drop_backorders(seller, order, event.moves, "cancelled")
    for line, sku, by_state in _by_line(event.moves):
        if reserved := by_state.get("allocated", 0) + by_state.get("packed", 0):
            yield stock_stream(seller, sku), Release(order, line, reserved, 0, "cancelled")
    if state.payments and (state.paid_at is None or event.at < state.paid_at):
        yield StreamId.of("order", seller, order), CheckPaid(order.partition(":")[0])
    lines = tuple(pieces_by_line(event.moves))
    fault: Fault = event.fault  # type: ignore[assignment]
    step = WorkOutRefund("cancel", event.cancellation_id, lines, fault)
    yield from _refund(seller, order, state, step)


@_on_event
def _on_packed(seller: str, order: str, event: ShipmentPacked, _: Order) -> Iterator[FollowUp]:
    """Packed pieces are promised for good: a hold no longer expires, and unreserved ones are reserved."""
    for line, sku, by_state in _by_line(event.moves):
        stock = stock_stream(seller, sku)
        if reserved := by_state.get("allocated", 0):
            yield stock, Confirm(order, line, reserved)
        if unreserved := by_state.get("backordered", 0) + by_state.get("open", 0):
            yield stock, ReservePacked(order, line, unreserved, event.location)


@_on_event
def _on_dispatched(seller: str, order: str, event: ShipmentDispatched, state: Order) -> Iterator[FollowUp]:
    """Drops all backorders first: one line must not get the pieces that another line of the parcel takes."""
    yield from _drop_backorders(seller, order, event.moves, "shipped")
    for line, sku, by_state in _by_line(event.moves):
        reserved = by_state.get("allocated", 0) + by_state.get("packed", 0)
        if pieces := sum(by_state.values()) - by_state.get("in_transit", 0):  # a new label ships nothing
            replacing = sum(by_state.get(state, 0) for state in FAILED)
            to_ship = Ship(order, line, pieces, reserved, replacing, event.location)
            yield stock_stream(seller, sku), to_ship
    yield from _open_stopped(seller, order, state)


@_on_event
def _on_request(
    seller: str, order: str, _: CancelRequested | CancelRejected, state: Order
) -> Iterator[FollowUp]:
    yield from _open_stopped(seller, order, state)


def _open_stopped(seller: str, order: str, state: Order) -> Iterator[FollowUp]:
    if may_be_open(state):
        yield StreamId.of("order", seller, order), OpenStopped()


@_on_event
def _on_fulfilled(seller: str, order: str, event: LinesFulfilled, state: Order) -> Iterator[FollowUp]:
    moves = [move for move in event.moves if state.lines[move.line].has_stock]
    yield from _drop_backorders(seller, order, moves, "shipped")
    for line, sku, by_state in _by_line(moves):
        reserved = by_state.get("allocated", 0) + by_state.get("packed", 0)
        yield stock_stream(seller, sku), Ship(order, line, sum(by_state.values()), reserved)


def _drop_backorders(seller: str, order: str, moves: Iterable[Move], reason: str) -> Iterator[FollowUp]:
    for line, sku, by_state in _by_line(moves):
        if waiting := by_state.get("backordered", 0):
            yield stock_stream(seller, sku), Release(order, line, 0, waiting, reason)


def _by_line(moves: Iterable[Move]) -> list[tuple[str, str, dict[UnitState, int]]]:
    """(line, SKU, pieces by their previous state), sorted."""
    grouped: dict[tuple[str, str], dict[UnitState, int]] = {}
    for move in moves:
        by_state = grouped.setdefault((move.line, move.sku), {})
        by_state[move.was] = by_state.get(move.was, 0) + move.pieces
    return [(line, sku, by_state) for (line, sku), by_state in sorted(grouped.items())]


@_on_event
def _on_return_opened(seller: str, order: str, event: ReturnOpened, state: Order) -> Iterator[FollowUp]:
    lines = tuple((line.line, line.sku, line.pieces, line.location) for line in event.lines)
    yield (
        return_stream(seller, event.return_id),
        OpenReturn(
            order,
            lines,
            event.reason,
            event.origin,
            event.fault,
            event.payer,
            event.policy,
            event.value,
            event.resolution,
            state.currency,
            event.return_id,
            event.refunded_already,
        ),
    )
    for refund in state.early_refunds:
        if refund.return_id == event.return_id:
            mirror = MirrorRefund(order, refund.refund_id, refund.amount, refund.at)
            yield return_stream(seller, event.return_id), mirror


@_on_event
def _on_return_requested(seller: str, key: str, event: ReturnRequested, _: Return) -> Iterator[FollowUp]:
    if event.return_id is not None and event.return_id != key:
        yield return_stream(seller, event.return_id), NoteNamesake(event.order)


@_on_event
def _on_return_received(
    seller: str, key: str, event: ReturnReceived | ReturnRecorded, ret: Return
) -> Iterator[FollowUp]:
    for piece in sorted(event.lines, key=lambda piece: (piece.line, piece.sku)):
        location = piece.location or event.location
        yield stock_stream(seller, piece.sku), QuarantineReturn(key, piece.line, location, piece.pieces)
    if isinstance(event, ReturnReceived) and event.unexpected and event.order is not None:
        lines = tuple((piece.line, piece.pieces, piece.location) for piece in event.unexpected)
        yield StreamId.of("order", seller, event.order), AdmitReturned(ret.return_id or key, lines)


@_on_event
def _on_admitted(seller: str, order: str, event: ReturnAdmitted, _: Order) -> Iterator[FollowUp]:
    pieces = sorted((line.line, line.sku, line.pieces, line.location or "main") for line in event.lines)
    for line, sku, count, location in pieces:
        yield stock_stream(seller, sku), QuarantineReturn(event.return_id, line, location, count)
    yield return_stream(seller, event.return_id), AdmitPieces(order, tuple(pieces))


@_on_event
def _on_inspected(seller: str, key: str, event: ReturnInspected, ret: Return) -> Iterator[FollowUp]:
    inspected: dict[str, int] = {}
    for unit in sorted(event.units, key=lambda unit: (unit.line, unit.sku, unit.disposition)):
        if unit.disposition == "quarantine":
            continue
        command = RestockReturn if unit.disposition == "restock" else ScrapReturn
        location = unit.location or event.location
        yield stock_stream(seller, unit.sku), command(key, unit.line, location, unit.pieces)
        inspected[unit.line] = inspected.get(unit.line, 0) + unit.pieces
    if event.order is not None and inspected:
        lines = tuple(sorted(inspected.items()))
        yield StreamId.of("order", seller, event.order), MirrorReturned(ret.return_id or key, lines)


@_on_event
def _on_shipped(seller: str, _: str, event: StockShipped, __: Any) -> Iterator[FollowUp]:
    if any(part.location != "main" for part in event.locations):
        fullest = max(event.locations, key=lambda part: part.pieces)
        yield StreamId.of("order", seller, event.order), MirrorShipped(event.line, fullest.location)


@_on_event
def _on_closed(
    seller: str, key: str, event: ReturnRejected | ReturnWithdrawn, ret: Return
) -> Iterator[FollowUp]:
    if event.order is not None:
        lines = tuple(sorted((piece.line, piece.pieces) for piece in event.lines))
        yield StreamId.of("order", seller, event.order), CloseReturn(ret.return_id or key, lines)


@_on_event
def _on_refunded(seller: str, key: str, event: RefundRecorded, order: Order) -> Iterator[FollowUp]:
    if event.return_id is not None and f"return:{event.return_id}" in order.seen_keys:
        yield return_stream(seller, event.return_id), MirrorRefund(key, event.refund_id, event.amount)


@_on_event
def _on_checked(seller: str, key: str, _: OrderChecked, order: Order) -> Iterator[FollowUp]:
    for name, line in sorted(order.lines.items()):
        if line.has_stock:
            reserved = line.units.get("allocated", 0) + line.units.get("packed", 0)
            settle = Settle(key, name, reserved, line.units.get("backordered", 0))
            yield stock_stream(seller, line.sku), settle
    own = StreamId.of("order", seller, key)
    if order.payments:
        yield own, CheckPaid(key.partition(":")[0])
    if order.to_fulfil:
        yield from _to_fulfil(seller, key, order)
    yield from _refund(seller, key, order, WorkOutRefund("check", ""))
    yield from _open_stopped(seller, key, order)
