"""Pieces that come back: requested -> approved -> collected -> received -> inspected -> refunded.

The order decides whether pieces may come back (`RequestReturn`); from there on the return has its own
stream.  Received pieces go to quarantine; only an inspection puts them back on sale, unit by unit.
"""

from typing import assert_never

from domain.decider import Decider, Told
from domain.errors import TooEarly
from domain.message import Event
from domain.returns.receive import (
    RecordCollection,
    RecordInspection,
    RecordReceipt,
    ReturnCollected,
    ReturnInspected,
    ReturnReceived,
    collect,
    inspect,
    inspected,
    receive,
    received,
)
from domain.returns.refund import (
    MirrorRefund,
    PassRefundDue,
    RefundOverdue,
    ReturnRefunded,
    pass_refund_due,
    refund,
    refunded,
)
from domain.returns.request import (
    DecideReturn,
    OpenReturn,
    RecordReturn,
    ReturnApproved,
    ReturnRecorded,
    ReturnRejected,
    ReturnRequested,
    decide_return,
    open_return,
    record_return,
    recorded,
    requested,
)
from domain.returns.state import Return, ReturnCommand, ReturnDiscrepancyDetected

ReturnMessage = DecideReturn | RecordCollection | RecordReceipt | RecordInspection | RecordReturn
ReturnStep = OpenReturn | MirrorRefund | PassRefundDue
ReturnEvent = (
    ReturnRequested
    | ReturnRecorded
    | ReturnApproved
    | ReturnRejected
    | ReturnCollected
    | ReturnReceived
    | ReturnInspected
    | ReturnRefunded
    | RefundOverdue
    | ReturnDiscrepancyDetected
)


def decide(ret: Return, command: ReturnMessage | ReturnStep, told: Told) -> list[Event]:
    """The events that `command` causes now; none if it has been carried out before.

    Raises: Refused, when a rule forbids a wish; TooEarly, when the return is not known yet.
    """
    if ret.state is None and not isinstance(command, OpenReturn | RecordReturn):
        named = command.return_id if isinstance(command, ReturnCommand) else ""
        raise TooEarly(f"return {named}")
    match command:
        case OpenReturn():
            return open_return(ret, command, told)
        case RecordReturn():
            return record_return(ret, command, told)
        case DecideReturn():
            return decide_return(ret, command, told)
        case RecordCollection():
            return collect(ret, command, told)
        case RecordReceipt():
            return receive(ret, command, told)
        case RecordInspection():
            return inspect(ret, command, told)
        case MirrorRefund():
            return refund(ret, command, told)
        case PassRefundDue():
            return pass_refund_due(ret, command, told)
        case _:
            assert_never(command)


def evolve(ret: Return, event: ReturnEvent) -> Return:
    """The return after `event`.  Never refuses: what happened, happened."""
    match event:
        case ReturnRequested():
            return requested(event)
        case ReturnRecorded():
            return recorded(event)
        case ReturnApproved():
            return ret._replace(state="approved")
        case ReturnRejected():
            return ret._replace(state="rejected")
        case ReturnCollected():
            return ret._replace(state="collected")
        case ReturnReceived():
            return received(ret, event)
        case ReturnInspected():
            return inspected(ret, event)
        case ReturnRefunded():
            return refunded(ret, event)
        case RefundOverdue():
            return ret._replace(overdue=True)
        case ReturnDiscrepancyDetected():
            return ret
        case _:
            assert_never(event)


RETURN = Decider(start=Return(), decide=decide, evolve=evolve)
