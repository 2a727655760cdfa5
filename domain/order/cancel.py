"""Rules for cancelling an order or a part of it: who may cancel, by which route, and who pays.

The route is `instant` before the seller acknowledges the order, `stop_shipment` until the parcel is handed
over, and `return` after that.  Source: the claim routes of Coupang and Naver.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, get_args

from pydantic import AwareDatetime, Field

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Event
from domain.order.discrepancy import OrderDiscrepancyDetected, compare, stated_again, with_contents
from domain.order.fault import fault_of_cancel, payer_of_cancel
from domain.order.state import (
    BEFORE_HANDOVER,
    HANDED_OVER,
    AskedLine,
    CancelRequest,
    LineLimit,
    LinePieces,
    Move,
    Order,
    OrderCommand,
    more_than_moved,
    moved,
    pieces_by_line,
    require_lines,
    stated_pieces,
    take,
    total,
)
from domain.policies.calendar import calendar
from domain.policies.documents import ref
from domain.policies.refunds import refund_due
from domain.values import CancelReason, Fault, Initiator, LongText, PersonalText, Route, Text, sums

rules = Rules[Order]()

InputLines = Annotated[tuple[AskedLine, ...], Field(min_length=1), LineLimit]
Binding = Literal["rejectable", "refunded_already"]
Answer = Literal["approved", "rejected", "overtaken"]
ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)


class NothingOrdered(Refused):
    """The order has no such line."""


class MoreThanCancellable(Refused):
    """More pieces than can still be cancelled; pieces that were handed over need a return."""


class CancelledDifferently(Refused):
    """The same cancellation id has cancelled more pieces before."""


class NoSuchRequest(Refused):
    """The order has no pending cancel request with this id."""


class RequestAnswered(Refused):
    """The cancel request has been answered already, and otherwise."""


class RequestCancel(OrderCommand):
    """Fact: the buyer asked to cancel.  The pieces cannot be dispatched until the request is decided."""

    request_id: Text
    lines: InputLines
    reason: CancelReason = "customer_request"
    binding: Binding = "rejectable"
    words: PersonalText | None = None


class DecideCancel(OrderCommand):
    """Wish: approve or reject the buyer's cancel request."""

    is_wish: ClassVar[bool] = True

    request_id: Text
    approve: bool
    reason: LongText | None = None


class CancelLines(OrderCommand):
    """Wish: the seller cancels pieces.  `reason` must be the true reason."""

    is_wish: ClassVar[bool] = True

    cancellation_id: Text
    lines: InputLines
    reason: CancelReason
    initiator: Initiator = "seller"
    fault: Fault | None = None
    shipping_fee_payer: Fault | None = None
    channel_reason_code: Text | None = None


class RecordCancellation(OrderCommand):
    """Fact: the channel has cancelled pieces.  Without `lines`: all pieces not yet handed over."""

    cancellation_id: Text
    lines: Annotated[tuple[AskedLine, ...], LineLimit] = ()
    reason: CancelReason
    initiator: Initiator = "channel"
    fault: Fault | None = None
    shipping_fee_payer: Fault | None = None
    channel_reason_code: Text | None = None


class CancelRequested(Event):
    """The buyer asked to cancel.  `pending`: the pieces that cannot be dispatched until it is decided."""

    request_id: str
    lines: list[LinePieces]
    pending: list[LinePieces]
    reason: str
    binding: str
    route: str
    words: str | None


class CancelRejected(Event):
    """The buyer's cancel request was rejected, or overridden at dispatch."""

    request_id: str
    by: str
    reason: str


class LinesCancelled(Event):
    """These pieces were cancelled.  `moves`: the pieces and the states that they left."""

    cancellation_id: str
    request_id: str | None
    moves: list[Move]
    reason: str
    fault: str
    initiator: str
    by: str
    shipping_fee_payer: str
    channel_reason_code: str | None
    route: str
    refund_due_at: AwareDatetime | None
    policy: str
    calendar: str
    requested: list[LinePieces] | None = None
    """What the message stated, if that is more than could be cancelled."""


@dataclass(frozen=True, slots=True)
class CancelDetails:
    """The details of a cancel, whichever command caused it."""

    cancellation_id: str
    reason: CancelReason
    initiator: Initiator
    fault: Fault | None = None
    shipping_fee_payer: Fault | None = None
    channel_reason_code: str | None = None
    request_id: str | None = None


def _details(command: CancelLines | RecordCancellation) -> CancelDetails:
    return CancelDetails(
        command.cancellation_id,
        command.reason,
        command.initiator,
        command.fault,
        command.shipping_fee_payer,
        command.channel_reason_code,
    )


def _answer_key(request_id: str, answer: Answer) -> str:
    return f"answer:{request_id}:{answer}"


def route_of(order: Order, moves: list[Move]) -> Route:
    """The route of a cancel of these pieces, by how far they have been processed."""
    if any(move.was in HANDED_OVER for move in moves):
        return "return"
    if order.acknowledged or any(move.was == "packed" for move in moves):
        return "stop_shipment"
    return "instant"


@rules.on_command
def request_cancel(order: Order, command: RequestCancel, context: MessageContext) -> list[Event]:
    require_lines(order, command.lines)
    key = f"request:{command.request_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    differing = stated_again(order, context, key, fewer)
    if not requested:
        return differing
    pending = [
        LinePieces(line=name, pieces=min(pieces, order.lines[name].cancellable))
        for name, pieces in requested
        if name in order.lines and order.lines[name].cancellable > 0
    ]
    moves = take(order, requested, BEFORE_HANDOVER + HANDED_OVER)
    return [
        CancelRequested(
            at=context.at,
            request_id=command.request_id,
            lines=[LinePieces(line=name, pieces=pieces) for name, pieces in requested],
            pending=pending,
            reason=command.reason,
            binding=command.binding,
            route=route_of(order, moves),
            words=command.words,
        ),
        *differing,
    ]


@rules.on_command
def decide_cancel(order: Order, command: DecideCancel, context: MessageContext) -> list[Event]:
    request = order.requests.get(command.request_id)
    if request is None:
        given = [name for name in ANSWERS if _answer_key(command.request_id, name) in order.seen_keys]
        if ("approved" if command.approve else "rejected") in given:
            return []
        if given:
            raise RequestAnswered(request_id=command.request_id, answer=given[0])
        raise NoSuchRequest(request_id=command.request_id)
    if not command.approve:
        return [
            CancelRejected(
                at=context.at,
                request_id=command.request_id,
                by=context.by,
                reason=command.reason or "rejected",
            )
        ]
    moves = take(order, request.lines, BEFORE_HANDOVER)
    details = CancelDetails(command.request_id, request.reason, "customer", request_id=command.request_id)
    return [_cancelled(order, context, moves, details)]


@rules.on_command
def cancel_lines(order: Order, command: CancelLines, context: MessageContext) -> list[Event]:
    key = f"cancel:{command.cancellation_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    if fewer:
        raise CancelledDifferently(
            cancellation_id=command.cancellation_id, cancelled=dict(order.contents[key])
        )
    if not requested:
        return []
    for name, pieces in requested:
        line = order.lines.get(name)
        if line is None:
            raise NothingOrdered(line=name)
        if pieces > line.cancellable:
            handed_over = line.handed_over
            raise MoreThanCancellable(
                line=name,
                asked=pieces,
                cancellable=line.cancellable,
                pending=line.cancel_pending,
                handed_over=handed_over,
                route="return" if handed_over else "none",
            )
    moves = take(order, requested, BEFORE_HANDOVER)
    return [_cancelled(order, context, moves, _details(command))]


@rules.on_command
def record_cancellation(order: Order, command: RecordCancellation, context: MessageContext) -> list[Event]:
    require_lines(order, command.lines)
    key = f"cancel:{command.cancellation_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    differing = stated_again(order, context, key, fewer)
    if key in order.contents and not requested:
        return differing
    requested = requested or [(name, line.before_handover) for name, line in order.lines.items()]
    moves = take(order, requested, BEFORE_HANDOVER)
    events: list[Event] = [_cancelled(order, context, moves, _details(command), requested), *differing]
    requested_total = sum(pieces for _, pieces in requested)
    some_handed_over = not command.lines and any(line.handed_over for line in order.lines.values())
    if total(moves) < requested_total or some_handed_over:
        events.append(
            OrderDiscrepancyDetected(
                at=context.at,
                kind="cancelled_after_handover",
                subject=command.cancellation_id,
                expected="pieces not yet handed over",
                observed=f"{total(moves)} of {requested_total} pieces could be cancelled",
            )
        )
    return events


def _cancelled(
    order: Order,
    context: MessageContext,
    moves: list[Move],
    details: CancelDetails,
    requested: list[tuple[str, int]] | None = None,
) -> LinesCancelled:
    fault = fault_of_cancel(details.reason, details.fault)
    returns = context.policies.returns
    days = calendar(returns.calendar, context.zone)
    return LinesCancelled(
        at=context.at,
        cancellation_id=details.cancellation_id,
        request_id=details.request_id,
        moves=moves,
        reason=details.reason,
        fault=fault,
        initiator=details.initiator,
        by=context.by,
        shipping_fee_payer=payer_of_cancel(details.reason, fault, details.shipping_fee_payer),
        channel_reason_code=details.channel_reason_code,
        route=route_of(order, moves),
        refund_due_at=refund_due(returns, days, context.at) if order.captured else None,
        policy=ref(returns),
        calendar=days.ref,
        requested=more_than_moved(requested or [], moves),
    )


@rules.on_event
def cancel_requested(order: Order, event: CancelRequested) -> Order:
    lines = dict(order.lines)
    for pending in event.pending:
        line = lines[pending.line]
        lines[pending.line] = line._replace(cancel_pending=line.cancel_pending + pending.pieces)
    reason: CancelReason = event.reason  # type: ignore[assignment]
    pending_before = order.requests[event.request_id].lines if event.request_id in order.requests else ()
    pending_sums = sums((*pending_before, *pieces_by_line(event.pending)))
    request = CancelRequest(tuple(pending_sums.items()), reason)
    requests = {**order.requests, event.request_id: request} if event.pending else order.requests
    contents = with_contents(order, f"request:{event.request_id}", dict(pieces_by_line(event.lines)))
    return order._replace(lines=lines, requests=requests, contents=contents)


def answered(order: Order, request_id: str, answer: Answer) -> Order:
    """The order without that pending cancel request; its pieces are no longer pending."""
    request = order.requests.get(request_id)
    seen_keys = order.seen_keys | {_answer_key(request_id, answer)}
    if request is None:
        return order._replace(seen_keys=seen_keys)
    requests = {name: other for name, other in order.requests.items() if name != request_id}
    lines = dict(order.lines)
    for name, _ in request.lines:
        line = lines[name]
        waiting = sum(pieces for other in requests.values() for at, pieces in other.lines if at == name)
        lines[name] = line._replace(cancel_pending=min(waiting, line.before_handover))
    return order._replace(lines=lines, requests=requests, seen_keys=seen_keys)


@rules.on_event
def cancel_rejected(order: Order, event: CancelRejected) -> Order:
    return answered(order, event.request_id, "rejected")


@rules.on_event
def cancelled(order: Order, event: LinesCancelled) -> Order:
    before = answered(order, event.request_id, "approved") if event.request_id else order
    contents = with_contents(
        order, f"cancel:{event.cancellation_id}", stated_pieces(event.requested, event.moves)
    )
    return moved(before, event.moves, "cancelled", contents=contents)
