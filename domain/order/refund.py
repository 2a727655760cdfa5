"""Rules for refunds on the order."""

from typing import Literal

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.place import OrderDiscrepancyDetected
from domain.order.state import Order, OrderCommand
from domain.values import InputMinor, Text

rules = Rules[Order]()


class RecordRefund(OrderCommand):
    """Fact: the buyer got a refund.  `late_interest` is paid on top of `amount`."""

    refund_id: Text
    amount: InputMinor
    cause: Literal["cancel", "return", "lost", "goodwill"]
    return_id: Text | None = None
    late_interest: InputMinor = 0


class RefundRecorded(Event):
    """The buyer got a refund.  `late_interest` is paid on top and is no part of the captured amount."""

    refund_id: str
    amount: int
    cause: str
    return_id: str | None
    late_interest: int


@rules.on_command
def record_refund(order: Order, command: RecordRefund, context: MessageContext) -> list[Event]:
    if f"refund:{command.refund_id}" in order.seen_keys:
        return []
    events: list[Event] = [
        RefundRecorded(
            at=context.at,
            refund_id=command.refund_id,
            amount=command.amount,
            cause=command.cause,
            return_id=command.return_id,
            late_interest=command.late_interest,
        )
    ]
    left = order.captured - order.refunded
    if command.amount > left:
        events.append(
            OrderDiscrepancyDetected(
                at=context.at,
                kind="refunded_more_than_captured",
                subject=command.refund_id,
                expected=f"at most {left}",
                observed=str(command.amount),
            )
        )
    return events


@rules.on_event
def refunded(order: Order, event: RefundRecorded) -> Order:
    return order._replace(
        refunded=order.refunded + event.amount,
        seen_keys=order.seen_keys | {f"refund:{event.refund_id}"},
    )
