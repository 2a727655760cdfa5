"""Rules for cancelling an order or a part of it: who may cancel, by which route, and who pays.

The route is `instant` before the seller acknowledges the order, `stop_shipment` until the parcel is handed
over, and `return` after that.  Source: the claim routes of Coupang and Naver.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, cast

from pydantic import AwareDatetime, Field, model_validator

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Event
from domain.order.answers import (
    Answer,
    Pieces,
    answer_key,
    answer_of,
    answered,
    claimed,
    confirmed_by,
    settled,
    settled_before,
    settled_by,
    without_overtaken,
)
from domain.order.discrepancy import (
    compare,
    contents_text,
    discrepancy,
    not_recorded,
    stated_again,
    with_contents,
)
from domain.order.fault import fault_of_cancel, payer_of_cancel
from domain.order.money import difference_after
from domain.order.state import (
    BEFORE_HANDOVER,
    HANDED_OVER,
    AskedLine,
    CancelRequest,
    ChannelCancel,
    Line,
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
from domain.values import CancelReason, Fault, Initiator, LongText, PersonalText, Route, Text, sums, without

rules = Rules[Order]()

InputLines = Annotated[tuple[AskedLine, ...], Field(min_length=1), LineLimit]
Binding = Literal["rejectable", "refunded_already"]


class NothingOrdered(Refused):
    """The order has no such line."""


class MoreThanCancellable(Refused):
    """More pieces than can still be cancelled; pieces that were handed over need a return."""


class CancelledDifferently(Refused):
    """The same cancellation id has cancelled more pieces before, or for another reason."""


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
    """Wish: approve or reject the buyer's cancel request.

    `true_reason`: the seller approves for a reason of its own, which counts instead of the buyer's.
    """

    is_wish: ClassVar[bool] = True

    request_id: Text
    approve: bool
    reason: LongText | None = None
    true_reason: CancelReason | None = None

    @model_validator(mode="after")
    def _a_reason_of_a_cancel(self) -> "DecideCancel":
        if self.true_reason is not None and not self.approve:
            msg = "true_reason is the reason of a cancel, so it needs approve: true"
            raise ValueError(msg)
        return self


class CloseRequest(OrderCommand):
    """Fact: the channel rejected the buyer's cancel request by itself, or the buyer withdrew it.

    A request that the channel approves by itself is recorded by `order-cancelled`.
    """

    request_id: Text
    answer: Literal["rejected", "withdrawn"]
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
    """Fact: the channel has cancelled pieces.  Without `lines`: all pieces not yet handed over.

    If they are the pieces of a pending cancel request, it is settled.  `request_id`: of which one.
    """

    cancellation_id: Text
    lines: Annotated[tuple[AskedLine, ...], LineLimit] = ()
    reason: CancelReason
    initiator: Initiator = "channel"
    fault: Fault | None = None
    shipping_fee_payer: Fault | None = None
    channel_reason_code: Text | None = None
    request_id: Text | None = None


class CancelRequested(Event):
    """The buyer asked to cancel.  `pending`: the pieces that cannot be dispatched until it is decided."""

    request_id: str
    lines: list[LinePieces]
    pending: list[LinePieces]
    reason: str
    binding: str
    route: str
    words: str | None
    settled: dict[str, dict[str, int]] | None = None
    """Pieces by line and by cancellation id that the channel had cancelled before it reported the request."""
    answer: str | None = None
    """Its answer, if that was recorded before the request."""


class CancelRejected(Event):
    """The buyer's cancel request was rejected, overridden at dispatch, or withdrawn (`answer`)."""

    request_id: str
    by: str
    reason: str
    answer: Literal["rejected", "withdrawn"] = "rejected"
    payer: str | None = None
    """Who pays for sending the pieces out and back; None if the channel had not refunded them yet."""


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
    settles: dict[str, dict[str, int]] | None = None
    """Pieces by line and by the cancel request that the channel settled or confirmed; None for a wish."""
    for_request: str | None = None
    """The cancel request that the channel named."""
    difference: int | None = None
    """What the channel settled beside the prices; None: as before."""


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


def route_of(order: Order, moves: list[Move]) -> Route:
    """The route of a cancel of these pieces, by how far they have been processed."""
    if any(move.was in HANDED_OVER for move in moves):
        return "return"
    if order.acknowledged or any(move.was == "packed" for move in moves):
        return "stop_shipment"
    return "instant"


def payer_of_stop(order: Order, request_id: str) -> Fault | None:
    """Coupang's rule: who sends a parcel that its buyer has the money back for pays for both ways."""
    return "seller" if request_id in order.refunded_stops else None


@rules.on_command
def request_cancel(order: Order, command: RequestCancel, context: MessageContext) -> list[Event]:
    require_lines(order, command.lines)
    key = f"request:{command.request_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    differing = stated_again(order, context, key, fewer)
    if not requested:
        return differing
    request = CancelRequest(tuple(requested), command.reason, context.at)
    settled = settled_before(order, command.request_id, request)
    waiting = dict(requested)
    for pieces in settled.values():
        waiting = without(waiting, pieces)
    closed = answer_of(order, command.request_id) if key not in order.contents else None
    pending = [
        LinePieces(line=name, pieces=min(pieces, order.lines[name].cancellable))
        for name, pieces in waiting.items()
        if order.lines[name].cancellable > 0 and closed is None
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
            settled=settled or None,
            answer=closed,
        ),
        *differing,
    ]


@rules.on_command
def decide_cancel(order: Order, command: DecideCancel, context: MessageContext) -> list[Event]:
    request = order.requests.get(command.request_id)
    if request is None:
        wanted: Answer = "approved" if command.approve else "rejected"
        if answer_key(command.request_id, wanted) in order.seen_keys:
            return []  # parts of a request may have been answered otherwise
        if (answer := answer_of(order, command.request_id)) is not None:
            raise RequestAnswered(request_id=command.request_id, answer=answer)
        raise NoSuchRequest(request_id=command.request_id)
    if not command.approve:
        return [
            CancelRejected(
                at=context.at,
                request_id=command.request_id,
                by=context.by,
                reason=command.reason or "rejected",
                payer=payer_of_stop(order, command.request_id),
            )
        ]
    reason = command.true_reason or cast("CancelReason", request.reason)
    details = CancelDetails(command.request_id, reason, "customer", request_id=command.request_id)
    return [
        _settling(order, _cancelled(order, context, take(order, request.lines, BEFORE_HANDOVER), details))
    ]


@rules.on_command
def close_request(order: Order, command: CloseRequest, context: MessageContext) -> list[Event]:
    if command.request_id not in order.requests and answer_of(order, command.request_id) is not None:
        return []
    return [
        CancelRejected(
            at=context.at,
            request_id=command.request_id,
            by=context.by,
            reason=command.reason or command.answer,
            answer=command.answer,
            payer=payer_of_stop(order, command.request_id) if command.answer == "rejected" else None,
        )
    ]


@rules.on_command
def cancel_lines(order: Order, command: CancelLines, context: MessageContext) -> list[Event]:
    key = f"cancel:{command.cancellation_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    reasons = _other_reasons(order, command)
    if fewer or reasons:
        raise CancelledDifferently(
            cancellation_id=command.cancellation_id, cancelled=dict(order.contents[key]), reasons=reasons
        )
    if not requested:
        return []
    if (request_id := _requested_for_want_of_stock(order, command.reason, requested)) is not None:
        moves = take(order, requested, BEFORE_HANDOVER)
        details = replace(_details(command), request_id=request_id)
        return [_settling(order, _cancelled(order, context, moves, details))]
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
    return [_settling(order, _cancelled(order, context, moves, _details(command)))]


def _other_reasons(order: Order, command: CancelLines | RecordCancellation) -> dict[str, str]:
    """Reasons and faults, by line, that the same cancel stated before where it states others now."""
    before: dict[str, set[tuple[str, str]]] = {}
    for stated in order.contents.get(f"cancel-reason:{command.cancellation_id}", {}):
        reason, fault, line = stated.split(" ", 2)
        before.setdefault(line, set()).add((reason, fault))
    names = {item.line for item in command.lines} or set(before)
    stated_fault = command.fault and fault_of_cancel(command.reason, command.fault)
    return {
        name: _reasons(before[name])
        for name in sorted(names & set(before))
        if not any(
            command.reason == reason and stated_fault in (None, fault) for reason, fault in before[name]
        )
    }


def _reasons(stated: Iterable[tuple[str, str | None]]) -> str:
    """For people, for example `out_of_stock (fault: seller)`."""
    return ", ".join(f"{reason} (fault: {fault})" if fault else reason for reason, fault in sorted(stated))


def _requested_for_want_of_stock(
    order: Order, reason: CancelReason, requested: list[tuple[str, int]]
) -> str | None:
    """The pending request of exactly these pieces, if they are out of stock.

    Sellers ask buyers to file the cancel of what they lack.  Who files it does not change its true reason.
    """
    if reason != "out_of_stock":
        return None
    wanted = dict(requested)
    return next((name for name, one in sorted(order.requests.items()) if dict(one.lines) == wanted), None)


@rules.on_command
def record_cancellation(order: Order, command: RecordCancellation, context: MessageContext) -> list[Event]:
    require_lines(order, command.lines)
    key = f"cancel:{command.cancellation_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    differing = stated_again(order, context, key, fewer) + _reason_stated_again(order, command, context)
    if key in order.contents and not requested:
        return differing
    requested = requested or [(name, line.before_handover) for name, line in order.lines.items()]
    stated = _cancelled(order, context, [], _details(command), requested)
    stated = replace(stated, for_request=command.request_id)
    cancel = _channel_cancel(stated, tuple(requested))
    confirmed = confirmed_by(order, cancel)
    done: Pieces = {} if confirmed is None else dict(order.confirmable[confirmed].lines)
    rest = without(dict(requested), done)
    moves = take(order, rest.items(), BEFORE_HANDOVER)
    settles = settled_by(order, cancel._replace(lines=tuple(rest.items())))
    if confirmed is not None:
        settles[confirmed] = dict(done)
    event = replace(
        stated,
        moves=moves,
        route=route_of(order, moves),
        requested=more_than_moved(requested, moves),
        settles=settles,
    )
    events: list[Event] = [_settling(order, event), *differing]
    requested_total = sum(rest.values())
    some_handed_over = not command.lines and any(line.handed_over for line in order.lines.values())
    if total(moves) < requested_total or some_handed_over:
        events.append(
            discrepancy(
                at=context.at,
                kind="cancelled_after_handover",
                subject=command.cancellation_id,
                expected="pieces not yet handed over",
                observed=f"{total(moves)} of {requested_total} pieces could be cancelled",
            )
        )
    return events


def _reason_stated_again(order: Order, command: RecordCancellation, context: MessageContext) -> list[Event]:
    before = _other_reasons(order, command)
    if not before:
        return []
    event = discrepancy(
        at=context.at,
        kind="cancel_again_differently",
        subject=command.cancellation_id,
        expected=contents_text(before),
        observed=contents_text(dict.fromkeys(before, _reasons([(command.reason, command.fault)]))),
    )
    return not_recorded(order, [event])


def _channel_cancel(event: LinesCancelled, lines: tuple[tuple[str, int], ...]) -> ChannelCancel:
    by_buyer = event.initiator in ("customer", "channel") and event.fault == "customer"
    return ChannelCancel(lines, event.at, event.reason, by_buyer, event.for_request)


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


def _settling(order: Order, event: LinesCancelled) -> LinesCancelled:
    """With the difference that the payments settle, if the pieces were cancelled before a payment in full."""
    return replace(event, difference=difference_after(order, cancelled(order, event)))


@rules.on_event
def cancel_requested(order: Order, event: CancelRequested) -> Order:
    lines = dict(order.lines)
    for pending in event.pending:
        line = lines[pending.line]
        lines[pending.line] = line._replace(cancel_pending=line.cancel_pending + pending.pieces)
    requests = order.requests
    if event.pending:
        before = order.requests.get(event.request_id, CancelRequest((), event.reason, event.at))
        pending_sums = sums((*before.lines, *pieces_by_line(event.pending)))
        requests = {**requests, event.request_id: before._replace(lines=tuple(pending_sums.items()))}
    contents = with_contents(order, f"request:{event.request_id}", dict(pieces_by_line(event.lines)))
    after = order._replace(lines=lines, requests=requests, contents=contents)
    if event.binding == "refunded_already":
        after = after._replace(refunded_stops=_with_stop(after, event))
    if not event.settled:
        return after
    after = after._replace(unclaimed=claimed(order, event.settled))
    return after if event.request_id in requests else answered(after, event.request_id, "settled")


def _with_stop(order: Order, event: CancelRequested) -> dict[str, Mapping[str, int]]:
    before = order.refunded_stops.get(event.request_id, {})
    lines = sums((*before.items(), *pieces_by_line(event.lines)))
    for pieces in (event.settled or {}).values():
        lines = without(lines, pieces)
    return {**order.refunded_stops, event.request_id: lines}


@rules.on_event
def cancel_rejected(order: Order, event: CancelRejected) -> Order:
    return answered(order, event.request_id, event.answer)


@rules.on_event
def cancelled(order: Order, event: LinesCancelled) -> Order:
    if event.request_id is not None:
        order = _approved(order, event.request_id, event.reason)
    if event.settles is not None:
        order = _unclaimed(order, event, event.settles)
        order = settled(order, event.settles)
        stops = {
            name: without(pieces, event.settles.get(name, {}))
            for name, pieces in order.refunded_stops.items()
        }
        order = order._replace(refunded_stops=stops)
    stated = stated_pieces(event.requested, event.moves)
    contents = with_contents(order, f"cancel:{event.cancellation_id}", stated)
    if event.request_id is None:  # who files a cancel may state another reason than who decides it
        reasons = {f"{event.reason} {event.fault} {line}": pieces for line, pieces in stated.items()}
        key = f"cancel-reason:{event.cancellation_id}"
        contents[key] = {**contents.get(key, {}), **reasons}
    cancelled_at = event.at if order.cancelled_at is None else max(order.cancelled_at, event.at)
    changes = {
        "contents": contents,
        "cancelled_at": cancelled_at,
        "difference": order.difference if event.difference is None else event.difference,
    }
    order = moved(order, event.moves, "cancelled", **changes)
    return without_overtaken(order._replace(lines={**order.lines, **_cancelled_lines(order, event)}))


def _cancelled_lines(order: Order, event: LinesCancelled) -> dict[str, Line]:
    """The lines of which pieces were cancelled, with the times of their cancels."""
    return {
        name: order.lines[name]._replace(
            cancels=tuple(sorted((*order.lines[name].cancels, (event.at, pieces))))
        )
        for name, pieces in pieces_by_line(event.moves)
    }


def _approved(order: Order, request_id: str, reason: str) -> Order:
    request = order.requests.get(request_id)
    if request is not None:
        confirmable = {**order.confirmable, request_id: request._replace(reason=reason)}
        order = order._replace(confirmable=confirmable)
    return answered(order, request_id, "approved")


def _unclaimed(order: Order, event: LinesCancelled, settles: Mapping[str, Pieces]) -> Order:
    """Keeps the pieces that settle no request yet: one may be recorded later."""
    left = dict(pieces_by_line(event.moves))
    for name in settles.keys() & order.requests.keys():
        left = without(left, settles[name])
    if not left:
        return order
    before = order.unclaimed.get(event.cancellation_id)
    lines = tuple(sums((*(before.lines if before else ()), *left.items())).items())
    cancel = _channel_cancel(event, lines)
    return order._replace(unclaimed={**order.unclaimed, event.cancellation_id: cancel})
