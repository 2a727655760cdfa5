"""Rules for payments: which money was captured, and when the order counts as paid."""

from datetime import datetime

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.discrepancy import stated_again, with_contents
from domain.order.state import Order, OrderCommand
from domain.policies.promise import promise
from domain.values import InputMinor, Text

rules = Rules[Order]()


class RecordPayment(OrderCommand):
    """Fact: a payment for the order was captured."""

    payment_id: Text
    amount: InputMinor


class OrderPaid(Event):
    """A payment was captured.  The first one sets the deadlines, by the named policy and calendar."""

    payment_id: str
    amount: int
    ship_by: AwareDatetime | None
    promise_at: AwareDatetime | None
    policy: str | None
    calendar: str | None


@rules.on_command
def pay(order: Order, command: RecordPayment, context: MessageContext) -> list[Event]:
    key, stated = f"payment:{command.payment_id}", {"amount": command.amount}
    if key in order.contents:
        return stated_again(order, context, key, stated)
    first = order.paid_at is None
    due = (
        promise(
            context.policies,
            context.at,
            command.channel,
            order.dispatch_type,
            zone=order.zone,
            distance_km=order.distance_km,
        )
        if first
        else None
    )
    return [
        OrderPaid(
            at=context.at,
            payment_id=command.payment_id,
            amount=command.amount,
            ship_by=due.ship_by if due else None,
            promise_at=due.promise_at if due else None,
            policy=due.policy if due else None,
            calendar=due.calendar if due else None,
        )
    ]


@rules.on_event
def paid(order: Order, event: OrderPaid) -> Order:
    earlier = order.paid_at is not None
    return order._replace(
        paid_at=_earliest(order.paid_at, event.at),
        ship_by=order.ship_by if earlier else event.ship_by,
        captured=order.captured + event.amount,
        contents=with_contents(order, f"payment:{event.payment_id}", {"amount": event.amount}),
    )


def _earliest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
