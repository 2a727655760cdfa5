"""Checks the invariants over a history of events, for `jumun verify` and the property tests.

I1 every ordered piece is in exactly one state; I3 pieces with a pending cancel have not been handed over;
I4 no more pieces are returned, or come back, than were handed over; I5 refunds do not exceed the captured
amount, unless a discrepancy was recorded; I8 stock is conserved, and no more pieces of a SKU come back than
left; I9 the reserved pieces are the sum of the reservations, and those of a line are its allocated and packed
ones; I10 stock shipped as many pieces as orders dispatched; I11 a returned piece is inspected at most once;
I17 what is owed to the buyer was recorded as owed; I18 the payments of a paid order cover what it costs.

The numbers up to I16 are those of the domain model.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain.catalogue import DECIDERS
from domain.findings import Finding, check_order, count_stock, pay_rest, quarantine
from domain.message import Event
from domain.order.check import OrderChecked
from domain.order.discrepancy import OrderDiscrepancyDetected
from domain.order.dispatch import ShipmentDispatched
from domain.order.fulfil import LinesFulfilled
from domain.order.money import covered, kept, owed, refundable
from domain.order.place import OrderAmended
from domain.order.refund import RefundOwed
from domain.order.state import Order
from domain.returns.receive import PiecesAdmitted, ReturnReceived
from domain.returns.request import ReturnRecorded
from domain.returns.state import Return
from domain.stock.state import (
    KEY_SEPARATOR,
    ReturnQuarantined,
    ReturnRestocked,
    ReturnScrapped,
    StockAdjusted,
    StockCounted,
    StockItem,
    StockReceived,
    StockShipped,
    line_key,
)
from domain.streams import StreamId, stock_stream


@dataclass(slots=True)
class Flow:
    """Pieces of one SKU that entered and left, summed over its whole history."""

    entered: int = 0
    left: int = 0
    shipped: int = 0
    dispatched: int = 0
    returned: int = 0
    """Pieces that came back, except those without an order in the ledger."""
    came_back: int = 0
    inspected: int = 0


class Audit:
    """Folds a history of events and reports the invariants that it breaks."""

    def __init__(self) -> None:
        self._states: dict[StreamId, Any] = {}
        self._flows: defaultdict[StreamId, Flow] = defaultdict(Flow)
        self._over_refunded: set[StreamId] = set()
        self._sent: defaultdict[tuple[StreamId, str], int] = defaultdict(int)
        """Pieces that left, by order and line; a replacement is another piece."""
        self._back: defaultdict[tuple[StreamId, str], int] = defaultdict(int)
        self._without_order: set[StreamId] = set()
        self._amended: set[StreamId] = set()
        self._wrong_breakdown: set[StreamId] = set()
        self._settled: defaultdict[StreamId, set[str]] = defaultdict(set)
        """What was wrong with a stream when it was last looked into: an order checked, stock counted."""

    def see(self, stream: StreamId, event: Event) -> None:
        decider = DECIDERS[stream.kind]
        before = self._states.get(stream, decider.start)
        self._states[stream] = decider.evolve(before, event)
        match stream.kind:
            case "order":
                self._seen_by_order(stream, before, event)
            case "stock":
                self._seen_by_stock(stream, event)
            case "return":
                self._seen_by_return(stream, event)
            case _:
                pass

    def _seen_by_order(self, stream: StreamId, before: Order, event: Event) -> None:
        match event:
            case ShipmentDispatched():
                for move in event.moves:
                    if move.was != "in_transit":  # else only the label is another
                        self._flows[stock_stream(stream.seller, move.sku)].dispatched += move.pieces
                        self._sent[stream, move.line] += move.pieces
            case LinesFulfilled():
                for move in event.moves:
                    self._sent[stream, move.line] += move.pieces
                    if before.lines[move.line].has_stock:
                        self._flows[stock_stream(stream.seller, move.sku)].dispatched += move.pieces
            case OrderDiscrepancyDetected(kind="refunded_more_than_captured"):
                self._over_refunded.add(stream)
            case RefundOwed() if sum(event.breakdown.values()) != event.amount:
                self._wrong_breakdown.add(stream)
            case OrderAmended():
                self._amended.add(stream)
            case OrderChecked():
                self._settled[stream] = {finding.what for finding in self._of(stream)}
            case _:
                pass

    def _seen_by_return(self, stream: StreamId, event: Event) -> None:
        if isinstance(event, ReturnRecorded):
            self._without_order.add(stream)
        elif isinstance(event, ReturnReceived | PiecesAdmitted):
            ret: Return = self._states[stream]
            if ret.order is not None:
                for piece in event.lines:
                    self._back[StreamId.of("order", stream.seller, ret.order), piece.line] += piece.pieces

    def _seen_by_stock(self, stream: StreamId, event: Event) -> None:
        flow = self._flows[stream]
        match event:
            case StockReceived():
                flow.entered += event.pieces
            case StockCounted() | StockAdjusted():
                flow.entered += max(0, event.delta)
                flow.left += max(0, -event.delta)
                if isinstance(event, StockCounted):
                    self._settled[stream] = {finding.what for finding in self._flow(stream)}
            case ReturnQuarantined():
                flow.entered += event.pieces
                flow.came_back += event.pieces
                if StreamId.of("return", stream.seller, event.return_id) not in self._without_order:
                    flow.returned += event.pieces
            case ReturnRestocked():
                flow.inspected += event.pieces
            case ReturnScrapped():
                flow.inspected += event.pieces
                flow.left += event.pieces
            case StockShipped():
                flow.left += event.pieces
                flow.shipped += event.pieces
            case _:
                pass

    def findings(self) -> Iterator[Finding]:
        """One per broken invariant, sorted by stream."""
        for stream in sorted(self._states):
            for finding in self._of(stream):
                yield finding._replace(settled=finding.what in self._settled[stream])
        yield from self._reservations()

    def _of(self, stream: StreamId) -> Iterator[Finding]:
        state = self._states[stream]
        if isinstance(state, Order):
            yield from self._order(stream, state)
        elif isinstance(state, StockItem):
            yield from self._item(stream, state)
            yield from self._flow(stream)

    def _order(self, stream: StreamId, order: Order) -> Iterator[Finding]:
        check = check_order(stream)
        for name, line in order.lines.items():
            units = line.units.values()
            if sum(units) != line.ordered or any(count < 0 for count in units):
                yield Finding("I1", stream, f"line {name}: {dict(line.units)} of {line.ordered} ordered")
            if not 0 <= line.cancel_pending <= line.before_handover:
                what = f"line {name}: {line.cancel_pending} pending of {line.before_handover}"
                yield Finding("I3", stream, what)
            if line.returned + line.return_open > line.handed_over:
                what = f"line {name}: {line.returned} + {line.return_open} back of {line.handed_over}"
                yield Finding("I4", stream, what, check)
            if (excess := self._back[stream, name] - self._sent[stream, name]) > 0:
                yield Finding("I4", stream, f"line {name}: {excess} more came back than were sent", check)
        if order.refunded > order.captured and stream not in self._over_refunded:
            yield Finding("I5", stream, f"refunded {order.refunded} of {order.captured}", check)
        if stream in self._wrong_breakdown:
            yield Finding("I5", stream, "the parts of a refund that is owed do not add up to its amount")
        if not any(line.returned for line in order.lines.values()):  # else it is owed for the return
            silent = refundable(order) - max(order.refund_owed, order.refunded)
            if silent > 0:
                what = f"{silent} are owed to the buyer, and not recorded as owed"
                yield Finding("I17", stream, what, check)
        if order.paid_at is not None and stream not in self._amended and covered(order) is None:
            short = owed(order) - kept(order)
            if short > 0:
                what = f"counts as paid, although {short} of its price were not captured"
                yield Finding("I18", stream, what, pay_rest(stream, short))

    def _item(self, stream: StreamId, item: StockItem) -> Iterator[Finding]:
        flow = self._flows[stream]
        in_stock = sum(balance.on_hand + balance.quarantine for balance in item.balances.values())
        if flow.entered != in_stock + flow.left:
            what = f"{flow.entered} entered, {flow.left} left, {in_stock} in stock"
            yield Finding("I8", stream, what)
        reserved: defaultdict[str, int] = defaultdict(int)
        for reservation in item.reservations.values():
            for location, pieces in reservation.at:
                reserved[location] += pieces
        for location, balance in item.balances.items():
            if reserved[location] != balance.reserved or balance.reserved < 0:
                what = f"at {location}: reserved {balance.reserved}, sum is {reserved[location]}"
                yield Finding("I9", stream, what)
            if balance.on_hand < 0:
                what = f"at {location}: {balance.on_hand} on hand"
                yield Finding("I8", stream, what, count_stock(stream, location))
            if balance.quarantine < 0:
                what = f"at {location}: {balance.quarantine} in quarantine"
                yield Finding("I8", stream, what, quarantine(stream, location, -balance.quarantine))

    def _flow(self, stream: StreamId) -> Iterator[Finding]:
        """The texts name differences only: those stay the same after a count, whatever is sold then."""
        flow, count = self._flows[stream], count_stock(stream)
        if difference := flow.shipped - flow.dispatched:
            more, less = ("left stock", "orders sent") if difference > 0 else ("orders sent", "left stock")
            yield Finding("I10", stream, f"{abs(difference)} more {more} than {less}", count)
        if (excess := flow.inspected - flow.came_back) > 0:
            yield Finding("I11", stream, f"{excess} more were inspected than came back", count)
        if (excess := flow.returned - flow.shipped) > 0:
            yield Finding("I8", stream, f"{excess} more came back than were shipped", count)

    def _reservations(self) -> Iterator[Finding]:
        """Reserved pieces that are not the allocated and packed pieces of their order line."""
        promised: defaultdict[tuple[StreamId, str], int] = defaultdict(int)
        for stream, state in self._states.items():
            if isinstance(state, StockItem):
                for key, reservation in state.reservations.items():
                    promised[stream, key] += reservation.pieces
            elif isinstance(state, Order):
                for name, line in state.lines.items():
                    if held := line.units.get("allocated", 0) + line.units.get("packed", 0):
                        promised[stock_stream(stream.seller, line.sku), line_key(stream.key, name)] -= held
        for (stream, key), difference in sorted(promised.items()):
            if difference:
                order, name = key.split(KEY_SEPARATOR)
                more = "more" if difference > 0 else "fewer"
                what = f"{abs(difference)} {more} reserved for {order} line {name} than it holds"
                correction = check_order(StreamId.of("order", stream.seller, order))
                yield Finding("I9", stream, what, correction)
