"""An order of one channel: each ordered piece is in exactly one state, and this is how it moves.

placed -> paid -> acknowledged -> allocated | backordered -> packed -> dispatched -> tracked -> delivered,
with cancels, returns, refunds and reviews beside it.  The families of rules stand in files of their own.
"""

from typing import assert_never

from domain.decider import Decider, Told
from domain.errors import TooEarly
from domain.message import Event
from domain.order.after import (
    CloseReturn,
    LinesReturned,
    MirrorReturned,
    PostReview,
    RecordRefund,
    RefundRecorded,
    RequestReturn,
    ReturnClosed,
    ReturnOpened,
    ReviewPosted,
    close_return,
    lines_returned,
    mirror_returned,
    post_review,
    record_refund,
    refunded,
    request_return,
    return_closed,
    return_opened,
)
from domain.order.allocate import (
    LineAllocated,
    LineBackordered,
    LineDeallocated,
    MirrorAllocation,
    MirrorBackorder,
    MirrorRelease,
    PassShipBy,
    ShipByMissed,
    allocate,
    backorder,
    deallocate,
    pass_ship_by,
)
from domain.order.cancel import (
    CancelLines,
    CancelRejected,
    CancelRequested,
    DecideCancel,
    LinesCancelled,
    RecordCancellation,
    RequestCancel,
    answered,
    cancel_lines,
    cancel_requested,
    cancelled,
    decide_cancel,
    record_cancellation,
    request_cancel,
)
from domain.order.place import (
    AcknowledgeOrder,
    AmendOrder,
    ClaimStatus,
    NoteOrder,
    OrderAcknowledged,
    OrderAmended,
    OrderDiscrepancyDetected,
    OrderNoted,
    OrderPaid,
    OrderPlaced,
    PlaceOrder,
    RecordPayment,
    StatusClaimed,
    acknowledge,
    amend,
    amended,
    claim,
    contradicted,
    note,
    paid,
    pay,
    place,
    placed,
)
from domain.order.ship import (
    DispatchShipment,
    PackShipment,
    RecordDispatch,
    RecordPacking,
    ShipmentDispatched,
    ShipmentPacked,
    dispatch,
    dispatched,
    pack,
    packed,
    record_dispatch,
    record_packing,
)
from domain.order.state import Order, OrderCommand, moved
from domain.order.track import RecordTracking, ShipmentTracked, track, tracked

OrderMessage = (
    PlaceOrder
    | AmendOrder
    | RecordPayment
    | AcknowledgeOrder
    | NoteOrder
    | ClaimStatus
    | RequestCancel
    | DecideCancel
    | CancelLines
    | RecordCancellation
    | PackShipment
    | RecordPacking
    | DispatchShipment
    | RecordDispatch
    | RecordTracking
    | RecordRefund
    | PostReview
    | RequestReturn
)
OrderStep = MirrorAllocation | MirrorBackorder | MirrorRelease | PassShipBy | MirrorReturned | CloseReturn
OrderEvent = (
    OrderPlaced
    | OrderAmended
    | OrderPaid
    | OrderAcknowledged
    | OrderNoted
    | StatusClaimed
    | OrderDiscrepancyDetected
    | LineAllocated
    | LineBackordered
    | LineDeallocated
    | ShipByMissed
    | CancelRequested
    | CancelRejected
    | LinesCancelled
    | ShipmentPacked
    | ShipmentDispatched
    | ShipmentTracked
    | RefundRecorded
    | ReviewPosted
    | ReturnOpened
    | LinesReturned
    | ReturnClosed
)


def decide(order: Order, command: OrderMessage | OrderStep, told: Told) -> list[Event]:  # noqa: C901, PLR0911, PLR0912, PLR0915
    """The events that `command` causes now; none if it has been carried out before.

    Raises: Refused, when a rule forbids a wish; TooEarly, when the order is not known yet.
    """
    if order.placed_at is None and not isinstance(command, PlaceOrder):
        waits_for = f"order {command.order_id}" if isinstance(command, OrderCommand) else "its order"
        raise TooEarly(waits_for)
    match command:  # what each order goes through comes first
        case MirrorAllocation():
            return allocate(order, command, told)
        case PlaceOrder():
            return place(order, command, told)
        case RecordPayment():
            return pay(order, command, told)
        case PackShipment():
            return pack(order, command, told)
        case DispatchShipment():
            return dispatch(order, command, told)
        case RecordTracking():
            return track(order, command, told)
        case AmendOrder():
            return amend(order, command, told)
        case AcknowledgeOrder():
            return acknowledge(order, told)
        case NoteOrder():
            return note(order, command, told)
        case ClaimStatus():
            return claim(order, command, told)
        case MirrorBackorder():
            return backorder(order, command, told)
        case MirrorRelease():
            return deallocate(order, command, told)
        case PassShipBy():
            return pass_ship_by(order, command, told)
        case RequestCancel():
            return request_cancel(order, command, told)
        case DecideCancel():
            return decide_cancel(order, command, told)
        case CancelLines():
            return cancel_lines(order, command, told)
        case RecordCancellation():
            return record_cancellation(order, command, told)
        case RecordPacking():
            return record_packing(order, command, told)
        case RecordDispatch():
            return record_dispatch(order, command, told)
        case RecordRefund():
            return record_refund(order, command, told)
        case PostReview():
            return post_review(order, command, told)
        case RequestReturn():
            return request_return(order, command, told)
        case MirrorReturned():
            return mirror_returned(order, command, told)
        case CloseReturn():
            return close_return(command, told)
        case _:
            assert_never(command)


def evolve(order: Order, event: OrderEvent) -> Order:  # noqa: C901, PLR0911, PLR0912
    """The order after `event`.  Never refuses: what happened, happened."""
    match event:
        case LineAllocated():
            return moved(order, event.moves, "allocated")
        case OrderPlaced():
            return placed(event)
        case OrderPaid():
            return paid(order, event)
        case ShipmentPacked():
            return packed(order, event)
        case ShipmentDispatched():
            return dispatched(order, event)
        case ShipmentTracked():
            return tracked(order, event)
        case OrderAmended():
            return amended(order, event)
        case OrderAcknowledged():
            return order._replace(acknowledged=True)
        case OrderNoted():
            return order._replace(done=order.done | {f"note:{event.note_id}"})
        case StatusClaimed():
            return order._replace(done=order.done | {f"claim:{event.status}:{event.at.isoformat()}"})
        case OrderDiscrepancyDetected():
            return contradicted(order, event)
        case LineBackordered():
            return moved(order, event.moves, "backordered")
        case LineDeallocated():
            return moved(order, event.moves, "open")
        case ShipByMissed():
            return order._replace(done=order.done | {f"ship-by:{event.ship_by.isoformat()}"})
        case CancelRequested():
            return cancel_requested(order, event)
        case CancelRejected():
            return answered(order, event.request_id)
        case LinesCancelled():
            return cancelled(order, event)
        case RefundRecorded():
            return refunded(order, event)
        case ReviewPosted():
            return order._replace(done=order.done | {f"review:{event.review_id}"})
        case ReturnOpened():
            return return_opened(order, event)
        case LinesReturned():
            return lines_returned(order, event)
        case ReturnClosed():
            return return_closed(order, event)
        case _:
            assert_never(event)


ORDER = Decider(start=Order(), decide=decide, evolve=evolve)
