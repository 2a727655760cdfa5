"""What comes after delivery: returns as the order sees them, money back, and what the buyer thought."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from domain.decider import Rules, Told
from domain.errors import Refused
from domain.message import Event, Said
from domain.order.cancel import AskedLines
from domain.order.fault import ReturnReason, fault_of_return
from domain.order.place import OrderDiscrepancyDetected
from domain.order.state import LinePieces, Order, OrderCommand, asked_pieces
from domain.policies.calendar import calendar
from domain.policies.documents import ref
from domain.policies.return_policy import ReturnPolicy
from domain.streams import StreamId, return_stream
from domain.values import AskedMinor, Fault, PersonalText, Text

rules = Rules[Order]()


class ReturnWindowClosed(Refused):
    """The time in which these pieces could be returned is over."""


class MoreThanReturnable(Refused):
    """More pieces than were delivered and are not on their way back already."""


class RecordRefund(OrderCommand):
    """Fact: money went back to the buyer."""

    refund_id: Text
    amount: AskedMinor
    cause: Literal["cancel", "return", "lost", "goodwill"]
    return_id: Text | None = None
    late_interest: AskedMinor = 0


class PostReview(OrderCommand):
    """Fact: the buyer rated the order, 1 (worst) to 5."""

    review_id: Text
    score: Annotated[int, Field(strict=True, ge=1, le=5)]
    text: PersonalText | None = None


class RequestReturn(OrderCommand):
    """Wish: pieces shall come back.  The order decides, because it knows what was delivered."""

    is_wish: ClassVar[bool] = True

    return_id: Text
    lines: AskedLines
    reason: ReturnReason
    origin: Literal["customer", "seller", "channel", "carrier"] = "customer"
    fault: Fault | None = None
    channel_reason_code: Text | None = None
    words: PersonalText | None = None

    def frees(self, seller_id: str) -> StreamId | None:
        return return_stream(seller_id, self.return_id)


class MirrorReturned(NamedTuple):
    """Pieces of a return are back and inspected."""

    return_id: str
    lines: tuple[tuple[str, int], ...]


class CloseReturn(NamedTuple):
    """A return ended without these pieces coming back."""

    return_id: str
    lines: tuple[tuple[str, int], ...]


class RefundRecorded(Event):
    """Money went back to the buyer.  `late_interest` is its own line, outside the captured amount."""

    refund_id: str
    amount: int
    cause: str
    return_id: str | None
    late_interest: int


class ReviewPosted(Event):
    """The buyer rated the order."""

    review_id: str
    score: int
    text: str | None


class ReturningLine(Said):
    line: str
    sku: str
    pieces: int


class ReturnOpened(Event):
    """These pieces may come back; why, at whose fault and cost, until when, by which policy."""

    return_id: str
    lines: list[ReturningLine]
    reason: str
    origin: str
    fault: str
    payer: str
    channel_reason_code: str | None
    words: str | None
    window_ends_at: AwareDatetime | None
    policy: str
    calendar: str | None = None
    by: str


class LinesReturned(Event):
    """These pieces came back."""

    return_id: str
    lines: list[LinePieces]


class ReturnClosed(Event):
    """These pieces will not come back after all."""

    return_id: str
    lines: list[LinePieces]


@rules.on_command
def record_refund(order: Order, command: RecordRefund, told: Told) -> list[Event]:
    if f"refund:{command.refund_id}" in order.done:
        return []
    events: list[Event] = [
        RefundRecorded(
            at=told.at,
            refund_id=command.refund_id,
            amount=command.amount,
            cause=command.cause,
            return_id=command.return_id,
            late_interest=command.late_interest,
        )
    ]
    left = order.captured - order.refunded
    if command.amount > left:
        events.append(
            OrderDiscrepancyDetected(
                at=told.at,
                kind="refunded_more_than_captured",
                subject=command.refund_id,
                expected=f"at most {left}",
                observed=str(command.amount),
            )
        )
    return events


@rules.on_command
def post_review(order: Order, command: PostReview, told: Told) -> list[Event]:
    if f"review:{command.review_id}" in order.done:
        return []
    return [ReviewPosted(at=told.at, review_id=command.review_id, score=command.score, text=command.text)]


@rules.on_command
def request_return(order: Order, command: RequestReturn, told: Told) -> list[Event]:
    if f"return:{command.return_id}" in order.done:
        return []
    policy = told.policies.returns
    asked = asked_pieces(command.lines)
    ends = _window_end(order, asked, command.reason, told)
    for name, pieces in asked:
        if pieces > (free := _returnable(order, name)):
            raise MoreThanReturnable(line=name, asked=pieces, returnable=free)
    if command.origin == "customer" and ends is not None and told.at >= ends:
        raise ReturnWindowClosed(return_id=command.return_id, ended_at=ends.isoformat(), policy=ref(policy))
    fault = fault_of_return(command.reason, command.fault)
    return [
        ReturnOpened(
            at=told.at,
            return_id=command.return_id,
            lines=[
                ReturningLine(line=name, sku=order.lines[name].sku, pieces=pieces) for name, pieces in asked
            ],
            reason=command.reason,
            origin=command.origin,
            fault=fault,
            payer=_payer(policy, fault),
            channel_reason_code=command.channel_reason_code,
            words=command.words,
            window_ends_at=ends,
            policy=ref(policy),
            calendar=calendar(policy.calendar, told.zone).ref,
            by=told.by,
        )
    ]


def _returnable(order: Order, name: str) -> int:
    line = order.lines.get(name)
    if line is None:
        return 0
    there = sum(line.units.get(state, 0) for state in ("delivered", "returned_to_sender", "in_transit"))
    return max(0, there - line.return_open - line.returned)


def _window_end(
    order: Order, asked: list[tuple[str, int]], reason: ReturnReason, told: Told
) -> datetime | None:
    """Exclusive end of the window of the last of these pieces to be delivered; none before that."""
    policy = told.policies.returns
    second = policy.second_window
    longer = second is not None and reason in second.reasons
    term = second.days_from_delivery if second and longer else policy.window_days
    names = {name for name, _ in asked}
    delivered = [
        shipment.status_at
        for shipment in order.shipments.values()
        if shipment.holds == "delivered"
        and shipment.status_at is not None
        and any(line in names for line, _ in shipment.moves)
    ]
    if not delivered:
        return None
    days = calendar(policy.calendar, told.zone)
    return days.end_of_day(days.local_day(max(delivered)) + timedelta(days=term))


def _payer(policy: ReturnPolicy, fault: Fault) -> str:
    pays = policy.payer
    by_fault = {"customer": pays.customer_fault, "carrier": pays.carrier_fault}
    return by_fault.get(fault, pays.seller_fault)


@rules.on_command
def mirror_returned(order: Order, command: MirrorReturned, told: Told) -> list[Event]:
    """More may have come back than was asked: the order counts what it gave leave for."""
    lines = tuple((name, min(pieces, order.lines[name].return_open)) for name, pieces in command.lines)
    return [LinesReturned(at=told.at, return_id=command.return_id, lines=_named(lines))]


@rules.on_command
def close_return(_: Order, command: CloseReturn, told: Told) -> list[Event]:
    return [ReturnClosed(at=told.at, return_id=command.return_id, lines=_named(command.lines))]


def _named(lines: tuple[tuple[str, int], ...]) -> list[LinePieces]:
    return [LinePieces(line=line, pieces=pieces) for line, pieces in lines]


@rules.on_event
def refunded(order: Order, event: RefundRecorded) -> Order:
    return order._replace(
        refunded=order.refunded + event.amount,
        done=order.done | {f"refund:{event.refund_id}"},
    )


@rules.on_event
def reviewed(order: Order, event: ReviewPosted) -> Order:
    return order._replace(done=order.done | {f"review:{event.review_id}"})


@rules.on_event
def return_opened(order: Order, event: ReturnOpened) -> Order:
    opened = _counted(order, event.lines, opened=1, returned=0)
    return opened._replace(done=order.done | {f"return:{event.return_id}"})


@rules.on_event
def lines_returned(order: Order, event: LinesReturned) -> Order:
    return _counted(order, event.lines, opened=-1, returned=1)


@rules.on_event
def return_closed(order: Order, event: ReturnClosed) -> Order:
    return _counted(order, event.lines, opened=-1, returned=0)


def _counted(
    order: Order, asked: Sequence[LinePieces | ReturningLine], *, opened: int, returned: int
) -> Order:
    lines = dict(order.lines)
    for ask in asked:
        line = lines[ask.line]
        lines[ask.line] = line._replace(
            return_open=max(0, line.return_open + opened * ask.pieces),
            returned=line.returned + returned * ask.pieces,
        )
    return order._replace(lines=lines)
