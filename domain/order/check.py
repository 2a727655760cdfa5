"""Rules for checking an order: what follows from its facts is decided again by the rules of today.

Earlier builds decided some things wrongly, and a ledger keeps what was decided.  `jumun verify` names the
orders with such decisions; this wish corrects them.
"""

from collections.abc import Iterator
from typing import ClassVar

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.discrepancy import OrderDiscrepancyDetected, discrepancy
from domain.order.money import kept
from domain.order.state import Order, OrderCommand

rules = Rules[Order]()


class CheckOrder(OrderCommand):
    """Wish: decide again what follows from the facts of the order.

    Its reservations become those of its pieces; it is paid if its payments cover it; what is owed to the
    buyer falls due; what cannot be undone is recorded as a discrepancy.
    """

    is_wish: ClassVar[bool] = True


class OrderChecked(Event):
    """What follows from the facts of the order was decided again."""

    by: str


@rules.on_command
def check(order: Order, _: CheckOrder, context: MessageContext) -> list[Event]:
    return [OrderChecked(at=context.at, by=context.by), *_contradictions(order, context)]


def _contradictions(order: Order, context: MessageContext) -> Iterator[OrderDiscrepancyDetected]:
    if order.refunded > kept(order):
        yield discrepancy(
            at=context.at,
            kind="refunded_more_than_captured",
            subject="the order",
            expected=f"at most {kept(order)}",
            observed=str(order.refunded),
        )
    for name, line in order.lines.items():
        if line.returned + line.return_open > line.handed_over:
            yield discrepancy(
                at=context.at,
                kind="returned_more_than_sent",
                subject=f"line {name}",
                expected=f"at most {line.handed_over}",
                observed=str(line.returned + line.return_open),
            )


@rules.on_event
def checked(order: Order, _: OrderChecked) -> Order:
    return order
