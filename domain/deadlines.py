"""Deadlines: which timers an event sets, and which command a timer sends when it is due.

| event                                        | what is due                                   |
|----------------------------------------------|-----------------------------------------------|
| order placed, amended, paid or released      | the ship-by instants of its lines             |
| stock reserved or backordered, still unpaid  | the end of the hold                           |
| return received, collected or inspected      | the refund, by the trigger of the policy      |
| refund owed on an order                      | the refund                                    |

A timer is never cancelled: if its deadline no longer matters, its command causes no event.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from domain.decider import register
from domain.message import Event
from domain.order.allocate import PassShipBy
from domain.order.payment import OrderPaid, OrderReleased
from domain.order.place import OrderAmended, OrderPlaced
from domain.order.refund import PassOrderRefundDue, RefundOwed
from domain.returns.receive import ReturnCollected, ReturnInspected, ReturnReceived
from domain.returns.refund import PassRefundDue
from domain.stock.reservations import Expire
from domain.stock.state import StockBackordered, StockReserved
from domain.streams import StreamId


class Timer(NamedTuple):
    """A deadline of a stream: its command is sent when time passes `due`."""

    key: str
    due: datetime
    stream: StreamId
    kind: str
    detail: str = ""


EventT = TypeVar("EventT", bound=Event)
Rule = Callable[[StreamId, EventT], list[Timer]]

_rules: dict[type, Rule[Any]] = {}


def _on_event(rule: Rule[EventT]) -> Rule[EventT]:
    """Registers a rule for the events that its second parameter is annotated with."""
    register(rule, 1, _rules)
    return rule


def timers(stream: StreamId, event: Event) -> list[Timer]:
    """The timers that `event` sets."""
    rule = _rules.get(type(event))
    return [] if rule is None else rule(stream, event)


@_on_event
def _ship_by_of_order(stream: StreamId, event: OrderPaid | OrderReleased) -> list[Timer]:
    lines = event.line_ship_by or {} if isinstance(event, OrderPaid) else {}
    dues = {event.ship_by, *lines.values()}
    return [_ship_by(stream, due) for due in sorted(filter(None, dues))]


@_on_event
def _ship_by_of_lines(stream: StreamId, event: OrderPlaced | OrderAmended) -> list[Timer]:
    dues = {line.ship_by for line in event.lines if line.ship_by is not None}
    return [_ship_by(stream, due) for due in sorted(dues)]


def _ship_by(stream: StreamId, due: datetime) -> Timer:
    return Timer(f"ship-by {stream} {due.isoformat()}", due, stream, "ship-by")


@_on_event
def _hold(stream: StreamId, event: StockReserved | StockBackordered) -> list[Timer]:
    if event.expires_at is None:
        return []
    detail = f"{event.order}\x1f{event.line}"
    return [Timer(f"hold {stream} {detail}", event.expires_at, stream, "hold", detail)]


@_on_event
def _refund(stream: StreamId, event: ReturnCollected | ReturnReceived | ReturnInspected) -> list[Timer]:
    if event.refund_due_at is None:
        return []
    key = f"refund {stream}"
    if not isinstance(event, ReturnReceived):  # a return may have several; the first that passes counts
        key += f" {event.refund_due_at.isoformat()}"
    return [Timer(key, event.refund_due_at, stream, "refund")]


@_on_event
def _refund_of_order(stream: StreamId, event: RefundOwed) -> list[Timer]:
    key = f"order-refund {stream} {event.due_at.isoformat()}"
    return [Timer(key, event.due_at, stream, "order-refund")]


def due_step(timer: Timer) -> Any:
    """The command that a timer sends to its stream when it is due."""
    match timer.kind:
        case "ship-by":
            return PassShipBy(timer.due)
        case "hold":
            order, _, line = timer.detail.partition("\x1f")
            return Expire(order, line, timer.due)
        case "refund":
            return PassRefundDue(timer.due)
        case "order-refund":
            return PassOrderRefundDue(timer.due)
        case _:
            raise AssertionError(timer.kind)
