"""Rules for the refund of a return and its deadline."""

from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.returns.state import Return

rules = Rules[Return]()


class MirrorRefund(NamedTuple):
    """The order recorded a refund for this return."""

    refund_id: str
    amount: int


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
    return [ReturnRefunded(at=context.at, refund_id=step.refund_id, amount=step.amount)]


@rules.on_command
def pass_refund_due(ret: Return, step: PassRefundDue, context: MessageContext) -> list[Event]:
    if ret.closed_at is not None or ret.refunds or ret.overdue:
        return []
    return [RefundOverdue(at=context.at, due_at=step.due)]


@rules.on_event
def refunded(ret: Return, event: ReturnRefunded) -> Return:
    return ret._replace(state="refunded", refunds=ret.refunds | {event.refund_id})


@rules.on_event
def overdue(ret: Return, _: RefundOverdue) -> Return:
    return ret._replace(overdue=True)
