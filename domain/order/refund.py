"""Rules for refunds on the order."""

from typing import Literal

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.discrepancy import OrderDiscrepancyDetected, stated_again, with_contents
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


def _stated(refund: RecordRefund | RefundRecorded) -> dict[str, int]:
    """A refund may pay several returns, stated one by one under its id."""
    subject = "" if refund.return_id is None else f" of {refund.return_id}"
    return {f"amount{subject}": refund.amount, f"late_interest{subject}": refund.late_interest}


@rules.on_command
def record_refund(order: Order, command: RecordRefund, context: MessageContext) -> list[Event]:
    key = f"refund:{command.refund_id}"
    stated = _stated(command)
    if order.contents.get(key, {}).keys() & stated.keys():
        return stated_again(order, context, key, stated)
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
        contents=with_contents(order, f"refund:{event.refund_id}", _stated(event)),
    )
