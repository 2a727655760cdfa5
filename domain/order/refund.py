"""Rules for refunds on the order: which are owed, when they are due, and which were made."""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.discrepancy import discrepancy, stated_again, with_contents
from domain.order.money import (
    cancelled_value,
    fee_of,
    is_cancelled,
    kept,
    outstanding,
    owed_back_since,
    refundable,
    rest_of_goods,
)
from domain.order.state import EarlyRefund, Order, OrderCommand
from domain.policies.calendar import calendar
from domain.policies.documents import ref
from domain.policies.refunds import ShippingTerms, claw_back, days_late, late_interest, refund_due
from domain.values import Fault, InputMinor, Text

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
    late_interest_owed: int = 0
    """The interest that the law grants, because the refund of a cancel or a payment was late."""


class WorkOutRefund(NamedTuple):
    """A cancel or a payment may have left money that is owed to the buyer.  `lines`: the pieces cancelled."""

    cause: Literal["cancel", "payment", "check"]
    reference: str
    lines: tuple[tuple[str, int], ...] = ()
    fault: Fault = "seller"


class PassOrderRefundDue(NamedTuple):
    """The instant `due` of a refund has passed."""

    due: datetime


class RefundOwed(Event):
    """A refund of `amount` is owed to the buyer.  The named policy and calendar set `due_at`.

    `cause`: cancel, payment if more was paid than is owed, or check if an earlier build had not recorded it.
    `breakdown`: the parts of the amount: goods,
    shipping_fee, claw_back (negative: the shipping fee that is due again) and other; it adds up.
    """

    cause: str
    reference: str
    amount: int
    breakdown: dict[str, int]
    due_at: AwareDatetime
    policy: str
    calendar: str


class OrderRefundOverdue(Event):
    """So much of what is owed to the buyer was not refunded by the due instant."""

    due_at: AwareDatetime
    amount: int


OF_RETURN: Final = "amount of "


def _stated(return_id: str | None, refund: RecordRefund | RefundRecorded) -> dict[str, int]:
    """A refund may pay several returns, stated one by one under its id."""
    if return_id is None:
        return {"amount": refund.amount, "late_interest": refund.late_interest}
    return {f"{OF_RETURN}{return_id}": refund.amount, f"late_interest of {return_id}": refund.late_interest}


@rules.on_command
def record_refund(order: Order, command: RecordRefund, context: MessageContext) -> list[Event]:
    key = f"refund:{command.refund_id}"
    return_id = command.return_id or _return_of(order, command)
    stated = _stated(return_id, command)
    if order.contents.get(key, {}).keys() & stated.keys():
        return stated_again(order, context, key, stated)
    interest = _interest_owed(order, command, context) if return_id is None else 0
    events: list[Event] = [
        RefundRecorded(
            at=context.at,
            refund_id=command.refund_id,
            amount=command.amount,
            cause=command.cause,
            return_id=return_id,
            late_interest=command.late_interest,
            late_interest_owed=interest,
        )
    ]
    if command.late_interest < interest:
        events.append(
            discrepancy(
                at=context.at,
                kind="late_interest_not_paid",
                subject=command.refund_id,
                expected=str(interest),
                observed=str(command.late_interest),
            )
        )
    if command.cause == "return" and f"return:{return_id}" not in order.seen_keys:
        events.append(
            discrepancy(
                at=context.at,
                kind="refund_of_unknown_return",
                subject=command.refund_id,
                expected="a return of this order",
                observed=return_id or "none",
            )
        )
    left = kept(order) - order.refunded
    if command.amount > left:
        events.append(
            discrepancy(
                at=context.at,
                kind="refunded_more_than_captured",
                subject=command.refund_id,
                expected=f"at most {left}",
                observed=str(command.amount),
            )
        )
    return events


def _interest_owed(order: Order, command: RecordRefund, context: MessageContext) -> int:
    if order.refund_due_at is None:
        return 0
    policy = context.policies.returns
    late = days_late(calendar(policy.calendar, context.zone), order.refund_due_at, context.at)
    return late_interest(min(command.amount, max(0, outstanding(order))), policy.late_interest_apr, late)


def _return_of(order: Order, command: RecordRefund) -> str | None:
    """The return of a refund that names none: the one that it paid before, else the only open one."""
    if command.cause != "return":
        return None
    before = order.contents.get(f"refund:{command.refund_id}", {})
    paid = [name.removeprefix(OF_RETURN) for name in before if name.startswith(OF_RETURN)]
    candidates = paid or order.returns_to_refund
    return candidates[0] if len(candidates) == 1 else None


@rules.on_command
def work_out(order: Order, step: WorkOutRefund, context: MessageContext) -> list[Event]:
    goods = cancelled_value(order, step.lines)
    breakdown = {"goods": goods}
    if is_cancelled(order):
        breakdown |= {"shipping_fee": fee_of(order), "claw_back": order.claw_back}
    elif step.lines and order.free_shipping_from is not None:
        terms = ShippingTerms(order.free_shipping_from, order.shipping_fee)
        before = goods + rest_of_goods(order)
        breakdown["claw_back"] = -claw_back(terms, before, goods, step.fault)
    clawed = order._replace(claw_back=order.claw_back - breakdown.get("claw_back", 0))
    amount = refundable(clawed) - max(order.refund_owed, order.refunded)
    if amount <= 0:
        return []
    breakdown["other"] = amount - sum(breakdown.values())
    since = owed_back_since(clawed, max(order.refund_owed, order.refunded)) or context.at
    policy = context.policies.returns
    days = calendar(policy.calendar, context.zone)
    return [
        RefundOwed(
            at=context.at,
            cause=step.cause,
            reference=step.reference,
            amount=amount,
            breakdown={part: value for part, value in breakdown.items() if value},
            due_at=refund_due(policy, days, since),
            policy=ref(policy),
            calendar=days.ref,
        )
    ]


@rules.on_command
def pass_due(order: Order, step: PassOrderRefundDue, context: MessageContext) -> list[Event]:
    amount = outstanding(order)
    if amount <= 0 or f"refund-overdue:{step.due.isoformat()}" in order.seen_keys:
        return []
    return [OrderRefundOverdue(at=context.at, due_at=step.due, amount=amount)]


@rules.on_event
def refund_fell_due(order: Order, event: RefundOwed) -> Order:
    still_due = order.refund_due_at if outstanding(order) > 0 else None
    return order._replace(
        refund_owed=max(order.refund_owed, order.refunded) + event.amount,
        refund_due_at=event.due_at if still_due is None else min(still_due, event.due_at),
        claw_back=order.claw_back - event.breakdown.get("claw_back", 0),
    )


@rules.on_event
def refund_overdue(order: Order, event: OrderRefundOverdue) -> Order:
    key = f"refund-overdue:{event.due_at.isoformat()}"
    return order._replace(seen_keys=order.seen_keys | {key})


@rules.on_event
def refunded(order: Order, event: RefundRecorded) -> Order:
    stated = _stated(event.return_id, event)
    after = order._replace(
        refunded=order.refunded + event.amount,
        contents=with_contents(order, f"refund:{event.refund_id}", stated),
    )
    if event.return_id is None:
        return after
    if order.refund_owed:  # what is owed for cancels and payments is not paid with it
        after = after._replace(refund_owed=order.refund_owed + event.amount)
    if f"return:{event.return_id}" not in order.seen_keys:
        early = EarlyRefund(event.return_id, event.refund_id, event.amount, event.at)
        return after._replace(early_refunds=(*order.early_refunds, early))
    left = tuple(name for name in order.returns_to_refund if name != event.return_id)
    return after._replace(returns_to_refund=left)
