"""Rules for payments: which money was captured or reversed, and when the order counts as paid."""

from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.discrepancy import OrderDiscrepancyDetected, discrepancy, stated_again, with_contents
from domain.order.money import covered, difference_after, is_cancelled, kept, refundable
from domain.order.state import Order, OrderCommand, Payment
from domain.policies.documents import NOT_ADOPTED
from domain.policies.promise import Promise, promise
from domain.values import InputMinor, Text

rules = Rules[Order]()


class RecordPayment(OrderCommand):
    """Fact: a payment for the order was captured.  The order is paid once all it costs is captured.

    `in_full`: the channel states that the order is paid with it, whatever our prices add up to.
    """

    payment_id: Text
    amount: InputMinor
    in_full: bool = False


class RecordReversal(OrderCommand):
    """Fact: captured money was taken back, by the buyer's bank or by the payment service."""

    reversal_id: Text
    payment_id: Text | None = None
    amount: InputMinor
    cause: Literal["chargeback", "reversed", "failed"] = "reversed"


class OrderPaid(Event):
    """A payment was captured, and the order is paid.  The policy and calendar set the deadlines.

    Its payments, by their own time, covered what the order costs at `paid_at`; None: at this one.
    """

    payment_id: str
    amount: int
    ship_by: AwareDatetime | None
    promise_at: AwareDatetime | None
    policy: str | None
    calendar: str | None
    paid_at: AwareDatetime | None = None
    in_full: bool = False
    difference: int | None = None
    """What the channel settled beside the prices; None: as before."""
    line_ship_by: dict[str, AwareDatetime] | None = None
    """The own limits of lines that were added after the order was paid, by line."""


class PaymentCaptured(Event):
    """A payment was captured that does not change whether or since when the order is paid."""

    payment_id: str
    amount: int
    in_full: bool = False
    difference: int | None = None
    """What the channel settled beside the prices; None: as before."""


class PaymentReversed(Event):
    """Captured money was taken back."""

    reversal_id: str
    payment_id: str | None
    amount: int
    cause: str


class OrderReleased(Event):
    """The order is to be fulfilled before it is paid.  The policy and calendar set the deadlines."""

    ship_by: AwareDatetime | None
    promise_at: AwareDatetime | None
    policy: str
    calendar: str | None


class CheckPaid(NamedTuple):
    """Pieces of an order of `channel` were cancelled: what was captured may cover the rest."""

    channel: str


@rules.on_command
def pay(order: Order, command: RecordPayment, context: MessageContext) -> list[Event]:
    key = f"payment:{command.payment_id}"
    payment = Payment(context.at, command.amount, command.in_full)
    if key in order.contents:
        return stated_again(order, context, key, _stated(payment))
    after = _captured(order, payment)
    difference = difference_after(order, after)
    if difference is not None:
        after = after._replace(difference=difference)
    paid = _paid(after, command.channel, context, command.payment_id, payment)
    captured = PaymentCaptured(
        at=context.at,
        payment_id=command.payment_id,
        amount=command.amount,
        in_full=command.in_full,
        difference=difference,
    )
    return [paid or captured, *_too_much(after, command, context)]


@rules.on_command
def check_paid(order: Order, step: CheckPaid, context: MessageContext) -> list[Event]:
    paid = _paid(order, step.channel, context)
    return [] if paid is None else [paid]


def _paid(
    order: Order,
    channel: str,
    context: MessageContext,
    payment_id: str = "",
    payment: Payment | None = None,
) -> OrderPaid | None:
    """The order is paid, or was paid earlier than it seemed; None if neither."""
    settled = covered(order)
    if settled is None or (order.paid_at is not None and settled.at >= order.paid_at):
        return None
    paid_at = settled.at
    # Cash on delivery has its deadlines already.
    due = None if order.released else deadline(order, channel, paid_at, context)
    return OrderPaid(
        at=context.at,
        payment_id=payment_id,
        amount=payment.amount if payment else 0,
        ship_by=due.ship_by if due else None,
        promise_at=due.promise_at if due else None,
        policy=due.policy if due else None if order.released else NOT_ADOPTED,
        calendar=due.calendar if due else None,
        paid_at=None if paid_at == context.at else paid_at,
        in_full=payment is not None and payment.in_full,
        difference=order.difference if any(part.in_full for part in order.payments) else None,
        line_ship_by=_limits_of_added(order, channel, paid_at, context),
    )


def deadline(order: Order, channel: str, counts_from: datetime, context: MessageContext) -> Promise | None:
    """The deadlines of an order that counts as paid from that instant on; None if no policy is adopted."""
    return promise(
        context.policies,
        counts_from,
        channel,
        order.dispatch_type,
        zone=order.zone,
        distance_km=order.distance_km,
    )


def _limits_of_added(
    order: Order, channel: str, paid_at: datetime, context: MessageContext
) -> dict[str, datetime] | None:
    """The limits of lines that were added after a payment that is recorded only now."""
    limits: dict[str, datetime] = {}
    for name, line in order.lines.items():
        if line.added_at is not None and line.added_at > paid_at and line.ship_by is None:
            due = deadline(order, channel, line.added_at, context)
            if due is not None and due.ship_by is not None:
                limits[name] = due.ship_by
    return limits or None


def _too_much(order: Order, command: RecordPayment, context: MessageContext) -> list[Event]:
    """A discrepancy if a payment exceeds what is owed, unless it was made before the cancel."""
    too_much = refundable(order) - order.refunded
    before_cancel = order.cancelled_at is not None and context.at <= order.cancelled_at
    if too_much <= 0 or not command.amount or before_cancel:
        return []
    return [
        discrepancy(
            at=context.at,
            kind="paid_after_cancel" if is_cancelled(order) else "paid_more_than_owed",
            subject=command.payment_id,
            expected=f"at most {max(0, command.amount - too_much)}",
            observed=str(command.amount),
        )
    ]


@rules.on_command
def reverse(order: Order, command: RecordReversal, context: MessageContext) -> list[Event]:
    key, stated = f"reversal:{command.reversal_id}", {"amount": command.amount}
    if key in order.contents:
        return stated_again(order, context, key, stated)
    events: list[Event] = [
        PaymentReversed(
            at=context.at,
            reversal_id=command.reversal_id,
            payment_id=command.payment_id,
            amount=command.amount,
            cause=command.cause,
        )
    ]
    observed = f"{command.cause} of {command.amount}"
    if any(line.handed_over for line in order.lines.values()):
        events.append(_unpaid(context, "payment_reversed_after_dispatch", command, observed))
    if command.amount > kept(order) - order.refunded:
        events.append(_unpaid(context, "reversed_more_than_captured", command, observed))
    return events


def _unpaid(
    context: MessageContext, kind: str, command: RecordReversal, observed: str
) -> OrderDiscrepancyDetected:
    return discrepancy(
        at=context.at, kind=kind, subject=command.reversal_id, expected="the payment kept", observed=observed
    )


@rules.on_event
def paid(order: Order, event: OrderPaid) -> Order:
    paid_at = event.paid_at or event.at
    moves_limit = event.ship_by is not None or order.paid_at is None
    after = order if not event.payment_id else _captured(order, _payment(event), event.payment_id)
    lines = {
        name: order.lines[name]._replace(ship_by=limit) for name, limit in (event.line_ship_by or {}).items()
    }
    return after._replace(
        lines={**order.lines, **lines} if lines else order.lines,
        paid_at=paid_at if order.paid_at is None else min(order.paid_at, paid_at),
        ship_by=event.ship_by if moves_limit and not order.released else order.ship_by,
        difference=order.difference if event.difference is None else event.difference,
    )


@rules.on_event
def captured(order: Order, event: PaymentCaptured) -> Order:
    after = _captured(order, _payment(event), event.payment_id)
    return after if event.difference is None else after._replace(difference=event.difference)


@rules.on_event
def payment_reversed(order: Order, event: PaymentReversed) -> Order:
    contents = with_contents(order, f"reversal:{event.reversal_id}", {"amount": event.amount})
    return order._replace(reversed=order.reversed + event.amount, contents=contents)


@rules.on_event
def released(order: Order, event: OrderReleased) -> Order:
    return order._replace(released=True, ship_by=event.ship_by)


def _payment(event: OrderPaid | PaymentCaptured) -> Payment:
    return Payment(event.at, event.amount, event.in_full)


def _stated(payment: Payment) -> dict[str, int]:
    return {"amount": payment.amount} | ({"in_full": 1} if payment.in_full else {})


def _captured(order: Order, payment: Payment, payment_id: str | None = None) -> Order:
    """The order with that payment.  `payment_id`: also store what was stated under it."""
    contents = order.contents
    if payment_id is not None:
        contents = with_contents(order, f"payment:{payment_id}", _stated(payment))
    return order._replace(
        payments=tuple(sorted((*order.payments, payment))),
        captured=order.captured + payment.amount,
        contents=contents,
    )
