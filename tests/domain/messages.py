"""Short builders of commands and events for order 1001 of Naver, the SKU CHAIR and the return r1."""

from typing import Any, TypeVar

from domain.order.cancel import CancelRejected, CancelRequested, LinesCancelled
from domain.order.discrepancy import OrderDiscrepancyDetected
from domain.order.dispatch import ShipmentDispatched
from domain.order.pack import ShipmentPacked
from domain.order.payment import OrderPaid
from domain.order.place import OrderPlaced, PlacedLine
from domain.order.returns import ReturningLine, ReturnOpened
from domain.order.state import AskedLine, LinePieces, Move, OrderCommand
from domain.order.track import ShipmentTracked
from domain.policies.defaults import DEFAULTS
from domain.policies.documents import Policies, StockPolicy, adopt
from domain.returns.request import ReturnRequested
from domain.returns.state import Piece, ReturnCommand
from domain.stock.state import At, StockBackordered, StockCommand, StockReceived, StockReserved
from domain.values import UnitState
from tests.given import at, happened

AnOrder = TypeVar("AnOrder", bound=OrderCommand)
AStock = TypeVar("AStock", bound=StockCommand)
AReturn = TypeVar("AReturn", bound=ReturnCommand)

ORDER_1001 = "naver:main:1001"
ORDER_1002 = "naver:main:1002"
SHIP_BY = at(days=5, hours=12)
"""Paid on Wednesday noon, Naver's three business days end on Monday at 24:00 in Seoul."""
REFUND_DUE = SHIP_BY
"""The refund is due after three business days, too."""


def order(kind: type[AnOrder], /, **values: Any) -> AnOrder:
    return kind(**{"channel": "naver", "order_id": "1001", **values})


def stock(kind: type[AStock], /, **values: Any) -> AStock:
    return kind(**{"sku": "CHAIR", **values})


def back(kind: type[AReturn], /, **values: Any) -> AReturn:
    return kind(**{"return_id": "r1", **values})


def some(pieces: int, line: str = "1") -> tuple[AskedLine, ...]:
    """Pieces of one line, as a command has them."""
    return (AskedLine(line=line, pieces=pieces),)


def pieces_of(pieces: int, line: str = "1") -> list[LinePieces]:
    """Pieces of one line, as an event has them."""
    return [LinePieces(line=line, pieces=pieces)]


def left(was: UnitState, pieces: int, line: str = "1", sku: str = "CHAIR") -> Move:
    """A move of pieces out of the state `was`."""
    return Move(line=line, sku=sku, pieces=pieces, was=was)


def ordered(pieces: int, line: str = "1", sku: str = "CHAIR", **values: Any) -> PlacedLine:
    facts: dict[str, Any] = {"line": line, "sku": sku, "pieces": pieces, "unit_price": "1000"}
    return PlacedLine(**{**facts, **values})


def order_placed(*lines: PlacedLine, **values: Any) -> OrderPlaced:
    facts: dict[str, Any] = {
        "currency": "KRW",
        "zone": "Asia/Seoul",
        "dispatch_type": "normal",
        "shipping_fee": 0,
    }
    return happened(OrderPlaced, lines=list(lines) or [ordered(5)], **{**facts, **values})


def order_paid(amount: int = 5_000, **values: Any) -> OrderPaid:
    facts: dict[str, Any] = {
        "payment_id": "p1",
        "ship_by": SHIP_BY,
        "policy": "naver-normal@1",
        "calendar": "kr-public@2026a",
    }
    return happened(OrderPaid, amount=amount, **{**facts, **values})


def cancel_requested(pieces: int, waits: int | None = None, **values: Any) -> CancelRequested:
    waiting = pieces if waits is None else waits
    facts: dict[str, Any] = {
        "request_id": "q1",
        "reason": "customer_request",
        "binding": "rejectable",
        "route": "instant",
    }
    lines: dict[str, Any] = {"lines": pieces_of(pieces), "pending": pieces_of(waiting) if waiting else []}
    return happened(CancelRequested, **{**lines, **facts, **values})


def cancel_rejected(**values: Any) -> CancelRejected:
    facts: dict[str, Any] = {"request_id": "q1", "by": "operator:kim", "reason": "rejected"}
    return happened(CancelRejected, **{**facts, **values})


def lines_cancelled(*moves: Move, **values: Any) -> LinesCancelled:
    facts: dict[str, Any] = {
        "cancellation_id": "c1",
        "moves": list(moves),
        "reason": "customer_request",
        "fault": "customer",
        "initiator": "seller",
        "by": "operator:kim",
        "shipping_fee_payer": "customer",
        "route": "instant",
        "policy": "kr-default@1",
        "calendar": "kr-public@2026a",
    }
    return happened(LinesCancelled, **{**facts, **values})


def shipment_packed(*moves: Move, **values: Any) -> ShipmentPacked:
    facts: dict[str, Any] = {"shipment_id": "s1", "moves": list(moves), "notes": {}, "checked_by": "lee"}
    return happened(ShipmentPacked, **{**facts, **values})


def shipment_dispatched(*moves: Move, **values: Any) -> ShipmentDispatched:
    return happened(ShipmentDispatched, **{"shipment_id": "s1", "moves": list(moves), "last": True, **values})


def shipment_tracked(status: str, *moves: Move, **values: Any) -> ShipmentTracked:
    facts: dict[str, Any] = {"shipment_id": "s1", "to": "in_transit", "late": False, "corrects": False}
    return happened(ShipmentTracked, status=status, moves=list(moves), **{**facts, **values})


def contradiction(kind: str, subject: str, expected: str, observed: str) -> OrderDiscrepancyDetected:
    return happened(
        OrderDiscrepancyDetected, kind=kind, subject=subject, expected=expected, observed=observed
    )


def return_opened(pieces: int, **values: Any) -> ReturnOpened:
    facts: dict[str, Any] = {
        "return_id": "r1",
        "lines": [ReturningLine(line="1", sku="CHAIR", pieces=pieces)],
        "reason": "changed_mind",
        "origin": "customer",
        "fault": "customer",
        "payer": "customer",
        "policy": "kr-default@1",
        "calendar": "kr-public@2026a",
        "by": "operator:kim",
        "value": 1_000 * pieces,
    }
    return happened(ReturnOpened, **{**facts, **values})


def piece(pieces: int, line: str = "1", sku: str = "CHAIR") -> Piece:
    return Piece(line=line, sku=sku, pieces=pieces)


def return_requested(*pieces: Piece, **values: Any) -> ReturnRequested:
    facts: dict[str, Any] = {
        "order": ORDER_1001,
        "lines": list(pieces),
        "reason": "changed_mind",
        "origin": "customer",
        "fault": "customer",
        "payer": "customer",
        "policy": "kr-default@1",
    }
    return happened(ReturnRequested, **{**facts, **values})


def received(pieces: int, location: str = "main", receipt_id: str = "in-1") -> StockReceived:
    return happened(StockReceived, receipt_id=receipt_id, location=location, pieces=pieces, reason="receipt")


def reserved(pieces: int, order: str = ORDER_1001, *locations: At, **values: Any) -> StockReserved:
    where = list(locations) or [At(location="main", pieces=pieces)]
    return happened(
        StockReserved, **{"order": order, "line": "1", "pieces": pieces, "locations": where, **values}
    )


def backordered(pieces: int, order: str = ORDER_1001, **values: Any) -> StockBackordered:
    return happened(StockBackordered, **{"order": order, "line": "1", "pieces": pieces, **values})


def stock_policy(**values: Any) -> StockPolicy:
    """The default stock policy with other values.  It has no alerts unless `values` has `low_stock`."""
    facts: dict[str, Any] = {
        "id": "stock-test",
        "version": 1,
        "low_stock": None,
        "alerts": "low_stock" in values,
    }
    return StockPolicy.model_validate({**DEFAULTS.stock.model_dump(), **facts, **values})


def stock_policies(**values: Any) -> Policies:
    return adopt(DEFAULTS, stock_policy(**values))
