"""How the buyer's cancel requests end: by a decision, by a cancel of the channel, or by the hand-over.

A channel may settle a request by itself: its cancel of the requested pieces closes the request.  It does so
whichever of the two is recorded first, as long as the cancel is not the earlier one by its own time.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from domain.order.state import CancelRequest, ChannelCancel, Order
from domain.values import sums, without

Answer = Literal["approved", "rejected", "withdrawn", "settled", "overtaken"]
"""`settled`: the channel cancelled the pieces.  `overtaken`: they were handed over."""
ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)

Pieces = Mapping[str, int]
"""Pieces by line."""


def answer_key(request_id: str, answer: Answer) -> str:
    return f"answer:{request_id}:{answer}"


def answer_of(order: Order, request_id: str) -> Answer | None:
    """The first answer to the request, if it has one."""
    return next((name for name in ANSWERS if answer_key(request_id, name) in order.seen_keys), None)


def answered(order: Order, request_id: str, answer: Answer) -> Order:
    """The order without that pending cancel request; its pieces are no longer pending."""
    request = order.requests.get(request_id)
    order = order._replace(seen_keys=order.seen_keys | {answer_key(request_id, answer)})
    return order if request is None else _with_request(order, request_id, request, {})


def settled(order: Order, settles: Mapping[str, Pieces]) -> Order:
    """The order after the channel cancelled these pieces of its requests, which keep the rest."""
    for name, pieces in settles.items():
        if name in order.confirmable:
            rest = {other: one for other, one in order.confirmable.items() if other != name}
            order = order._replace(confirmable=rest)
            continue
        request = order.requests[name]
        left = without(dict(request.lines), pieces)
        order = _with_request(order, name, request, left) if left else answered(order, name, "settled")
    return order


def _with_request(order: Order, name: str, request: CancelRequest, lines: Pieces) -> Order:
    """The order with only these lines pending of the request."""
    requests = {other: one for other, one in order.requests.items() if other != name}
    if lines:
        requests[name] = request._replace(lines=tuple(lines.items()))
    pending = sums(part for one in requests.values() for part in one.lines)
    changed = dict(order.lines)
    for line_id, _ in request.lines:
        line = changed[line_id]
        changed[line_id] = line._replace(cancel_pending=min(pending.get(line_id, 0), line.before_handover))
    return order._replace(requests=requests, lines=changed)


def without_overtaken(order: Order) -> Order:
    """Closes the cancel requests of which no piece is left: they can no longer be approved."""
    for name, request in sorted(order.requests.items()):
        if not any(order.lines[line].cancel_pending for line, _ in request.lines):
            order = answered(order, name, "overtaken")
    return order


def common(one: Pieces, other: Pieces) -> dict[str, int]:
    """The pieces that both have."""
    both = {line: min(count, other.get(line, 0)) for line, count in one.items()}
    return {line: count for line, count in both.items() if count}


def confirmed_by(order: Order, cancel: ChannelCancel) -> str | None:
    """The approved request of which this cancel is only the channel's confirmation, if there is one."""
    for name, request in sorted(order.confirmable.items()):
        if cancel.request_id == name:
            return name
        alike = cancel.by_buyer or cancel.reason == request.reason
        if cancel.request_id is None and alike and cancel.lines == request.lines and request.at <= cancel.at:
            return name
    return None


def settled_by(order: Order, cancel: ChannelCancel) -> dict[str, dict[str, int]]:
    """Pieces of the pending requests that this cancel settles, by request.

    The buyer's own cancel settles what it names.  A cancel for another reason does so only if it names
    exactly the requested pieces, or leaves none to decide on.
    """
    left = dict(cancel.lines)
    remaining = {name: line.before_handover - left.get(name, 0) for name, line in order.lines.items()}
    settles: dict[str, dict[str, int]] = {}
    for name, request in sorted(order.requests.items(), key=lambda one: (one[1].at, one[0])):
        lines = dict(request.lines)
        if all(remaining[line] <= 0 for line in lines):
            settles[name] = lines
        elif _may_settle(cancel, name, request, left):
            settles[name] = common(lines, left)
        left = without(left, settles.get(name, {}))
    return {name: pieces for name, pieces in settles.items() if pieces}


def settled_before(order: Order, name: str, request: CancelRequest) -> dict[str, dict[str, int]]:
    """Pieces of this new request that cancels recorded before have settled, by cancellation id."""
    left = dict(request.lines)
    settled: dict[str, dict[str, int]] = {}
    for cancellation_id, cancel in sorted(order.unclaimed.items(), key=lambda pair: (pair[1].at, pair[0])):
        lines = dict(cancel.lines)
        if _may_settle(cancel, name, request._replace(lines=tuple(left.items())), lines) and (
            part := common(left, lines)
        ):
            settled[cancellation_id] = part
            left = without(left, part)
    return settled


def _may_settle(cancel: ChannelCancel, name: str, request: CancelRequest, cancelled: Pieces) -> bool:
    """`cancelled`: what is left of the cancel."""
    if cancel.request_id is not None:
        return cancel.request_id == name
    return request.at <= cancel.at and (cancel.by_buyer or dict(request.lines) == cancelled)


def claimed(order: Order, settled: Mapping[str, Pieces]) -> dict[str, ChannelCancel]:
    """`order.unclaimed` without the pieces that a request claimed, by cancellation id."""
    unclaimed = dict(order.unclaimed)
    for cancellation_id, pieces in settled.items():
        cancel = unclaimed.pop(cancellation_id)
        if left := without(dict(cancel.lines), pieces):
            unclaimed[cancellation_id] = cancel._replace(lines=tuple(left.items()))
    return unclaimed
