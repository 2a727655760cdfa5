"""Rules for the refund of a return and its deadline."""

from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.returns.state import Return, discrepancies

rules = Rules[Return]()


class MirrorRefund(NamedTuple):
    """The order recorded a refund for this return."""

    order: str
    refund_id: str
    amount: int
    at: datetime | None = None
    """When it was made, if that was before the return was opened."""


class PassRefundDue(NamedTuple):
    """The instant `due` of the refund has passed."""

    due: datetime


class ReturnRefunded(Event):
    """The buyer got a refund for this return."""

    refund_id: str
    amount: int


class RefundOverdue(Event):
    """The refund was not made by its due instant."""

    due_at: AwareDatetime


@rules.on_command
def refund(ret: Return, step: MirrorRefund, context: MessageContext) -> list[Event]:
    if step.refund_id in ret.refunds:
        return []
    at = step.at or context.at
    refunded = ReturnRefunded(at=at, refund_id=step.refund_id, amount=step.amount)
    total = ret.refunded + step.amount
    if ret.value is None or total <= ret.value:
        return [refunded]
    kind = "refunded_more_than_returned"
    return [refunded, *discrepancies(ret, context, kind, step.refund_id, (ret.value, total))]


@rules.on_command
def pass_refund_due(ret: Return, step: PassRefundDue, context: MessageContext) -> list[Event]:
    if ret.closed_at is not None or ret.refunds or ret.overdue:
        return []
    return [RefundOverdue(at=context.at, due_at=step.due)]


@rules.on_event
def refunded(ret: Return, event: ReturnRefunded) -> Return:
    return ret._replace(
        state="refunded", refunds=ret.refunds | {event.refund_id}, refunded=ret.refunded + event.amount
    )


@rules.on_event
def overdue(ret: Return, _: RefundOverdue) -> Return:
    return ret._replace(overdue=True)
