"""Checks the invariants over a history of events, for `jumun verify` and the property tests.

I1 every ordered piece is in exactly one state; I3 pieces with a pending cancel have not been handed over;
I4 no more pieces are returned, or come back, than were handed over; I5 refunds do not exceed the captured
amount, unless a discrepancy was recorded; I8 stock is conserved, and no more pieces of a SKU come back than
left; I9 the reserved pieces are the sum of the reservations, and those of a line are its allocated and packed
ones; I10 stock shipped as many pieces as orders dispatched; I11 a returned piece is inspected at most once.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain.catalogue import DECIDERS
from domain.message import Event
from domain.order.discrepancy import OrderDiscrepancyDetected
from domain.order.dispatch import ShipmentDispatched
from domain.order.fulfil import LinesFulfilled
from domain.order.state import HANDED_OVER, Order
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

    def see(self, stream: StreamId, event: Event) -> None:
        decider = DECIDERS[stream.kind]
        before = self._states.get(stream, decider.start)
        self._states[stream] = decider.evolve(before, event)
        match event:
            case ShipmentDispatched():
                seller = stream.seller
                for move in event.moves:
                    if move.was != "in_transit":  # else only the label is another
                        self._flows[stock_stream(seller, move.sku)].dispatched += move.pieces
                        self._sent[stream, move.line] += move.pieces
            case LinesFulfilled():
                for move in event.moves:
                    self._sent[stream, move.line] += move.pieces
                    if before.lines[move.line].has_stock:
                        self._flows[stock_stream(stream.seller, move.sku)].dispatched += move.pieces
            case ReturnRecorded():
                self._without_order.add(stream)
            case ReturnReceived() | PiecesAdmitted():
                ret: Return = self._states[stream]
                if ret.order is not None:
                    for piece in event.lines:
                        self._back[StreamId.of("order", stream.seller, ret.order), piece.line] += piece.pieces
            case OrderDiscrepancyDetected(kind="refunded_more_than_captured"):
                self._over_refunded.add(stream)
            case _ if stream.kind == "stock":
                self._stock(stream.seller, self._flows[stream], event)
            case _:
                pass

    def _stock(self, seller: str, flow: Flow, event: Event) -> None:
        match event:
            case StockReceived():
                flow.entered += event.pieces
            case StockCounted() | StockAdjusted():
                flow.entered += max(0, event.delta)
                flow.left += max(0, -event.delta)
            case ReturnQuarantined():
                flow.entered += event.pieces
                flow.came_back += event.pieces
                if StreamId.of("return", seller, event.return_id) not in self._without_order:
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

    def findings(self) -> Iterator[str]:
        """One line per broken invariant, sorted by stream."""
        for stream, state in sorted(self._states.items()):
            if isinstance(state, Order):
                yield from self._order(stream, state)
            elif isinstance(state, StockItem):
                yield from self._item(stream, state)
        for stream, flow in sorted(self._flows.items()):
            if flow.shipped != flow.dispatched:
                yield f"I10 {stream}: shipped {flow.shipped}, orders dispatched {flow.dispatched}"
            if flow.inspected > flow.came_back:
                yield f"I11 {stream}: {flow.inspected} inspected of {flow.came_back} returned"
            if flow.returned > flow.shipped:
                yield f"I8 {stream}: {flow.returned} came back of {flow.shipped} shipped"
        for (stream, line), pieces in sorted(self._back.items()):
            if pieces > self._sent[stream, line]:
                yield f"I4 {stream} line {line}: {pieces} came back of {self._sent[stream, line]} sent"
        yield from self._reservations()

    def _reservations(self) -> Iterator[str]:
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
                yield f"I9 {stream}: {difference} more reserved for {order} line {name} than it holds"

    def _order(self, stream: StreamId, order: Order) -> Iterator[str]:
        for name, line in order.lines.items():
            units = line.units.values()
            if sum(units) != line.ordered or any(count < 0 for count in units):
                yield f"I1 {stream} line {name}: {dict(line.units)} of {line.ordered} ordered"
            if not 0 <= line.cancel_pending <= line.before_handover:
                yield f"I3 {stream} line {name}: {line.cancel_pending} pending of {line.before_handover}"
            handed_over = sum(line.units.get(state, 0) for state in HANDED_OVER)
            if line.returned + line.return_open > handed_over:
                yield f"I4 {stream} line {name}: {line.returned} + {line.return_open} back of {handed_over}"
        if order.refunded > order.captured and stream not in self._over_refunded:
            yield f"I5 {stream}: refunded {order.refunded} of {order.captured}"

    def _item(self, stream: StreamId, item: StockItem) -> Iterator[str]:
        flow = self._flows[stream]
        in_stock = sum(balance.on_hand + balance.quarantine for balance in item.balances.values())
        if flow.entered != in_stock + flow.left:
            yield f"I8 {stream}: {flow.entered} entered, {flow.left} left, {in_stock} in stock"
        reserved: defaultdict[str, int] = defaultdict(int)
        for reservation in item.reservations.values():
            for location, pieces in reservation.at:
                reserved[location] += pieces
        for location, balance in item.balances.items():
            if reserved[location] != balance.reserved or balance.reserved < 0:
                yield f"I9 {stream} at {location}: reserved {balance.reserved}, sum is {reserved[location]}"
            if balance.on_hand < 0 or balance.quarantine < 0:
                yield f"I8 {stream} at {location}: on hand {balance.on_hand}, quarantine {balance.quarantine}"
