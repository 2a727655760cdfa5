"""Rules for returns on the order: which pieces may be returned, until when, and which were."""

from collections.abc import Iterable, Sequence, Set
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from domain.decider import MessageContext, Rules
from domain.errors import Refused
from domain.message import Event, EventData
from domain.order.cancel import InputLines
from domain.order.discrepancy import (
    compare,
    contents_text,
    discrepancy,
    with_contents,
)
from domain.order.fault import ReturnReason, fault_of_return
from domain.order.money import is_priced, return_value
from domain.order.state import LinePieces, Order, OrderCommand, pieces_by_line
from domain.policies.calendar import BusinessCalendar, calendar
from domain.policies.documents import ref
from domain.policies.head import Key
from domain.policies.return_policy import NonReturnable, Proof, Resolution, ReturnPolicy
from domain.policies.return_window import has_second_window, window_end
from domain.punctuality import has_passed
from domain.values import Fault, PersonalText, Text, sums

rules = Rules[Order]()


class ReturnWindowClosed(Refused):
    """The return window of these lines has ended."""


class MoreThanReturnable(Refused):
    """More pieces than were handed over and are not returned or in an open return."""


class ReturnOpenedDifferently(Refused):
    """The return was opened with more pieces of these lines or for another reason, or is closed."""


class NotReturnable(Refused):
    """The return policy excludes goods of this category, and the seller has the proof that this needs."""


class ResolutionNotOffered(Refused):
    """The return policy does not offer this resolution."""


class RequestReturn(OrderCommand):
    """Wish: return pieces.  The order decides, because it knows what was delivered.

    `category`: of the goods, if the policy may exclude it, for example `media_opened`.  `proof`: what the
    seller has from the time of the order, a notice of the exclusion or the buyer's written consent.
    `noticed_on`: the local day on which the buyer noticed what is wrong.
    """

    is_wish: ClassVar[bool] = True

    return_id: Text
    lines: InputLines
    reason: ReturnReason
    origin: Literal["customer", "seller", "channel", "carrier"] = "customer"
    fault: Fault | None = None
    channel_reason_code: Text | None = None
    words: PersonalText | None = None
    resolution: Resolution = "refund"
    category: Key | None = None
    proof: Proof | None = None
    noticed_on: Annotated[date, Field(strict=False)] | None = None


class MirrorReturned(NamedTuple):
    """Pieces of a return were received and inspected."""

    return_id: str
    lines: tuple[tuple[str, int], ...]


class CloseReturn(NamedTuple):
    """A return ended without these pieces coming back."""

    return_id: str
    lines: tuple[tuple[str, int], ...]


class AdmitReturned(NamedTuple):
    """Pieces came back that their return does not expect.  `lines`: line, pieces, and where they are."""

    return_id: str
    lines: tuple[tuple[str, int, str | None], ...]


class MirrorShipped(NamedTuple):
    """Pieces of a line left the stock from this location."""

    line: str
    location: str


class ReturningLine(EventData):
    """`location`: where the pieces left from or are now; None for the main one."""

    line: str
    sku: str
    pieces: int
    location: str | None = None


class ReturnOpened(Event):
    """A return of these pieces was granted by the named policy.  `payer`: who pays the return shipping."""

    return_id: str
    lines: list[ReturningLine]
    reason: str
    origin: str
    fault: str
    payer: str
    channel_reason_code: str | None
    words: str | None
    window_ends_at: AwareDatetime | None
    """When the last window of its lines ends."""
    policy: str
    calendar: str | None = None
    by: str
    value: int | None = None
    """The most that is to be refunded for it, in minor units; None if the prices are not known."""
    resolution: str = "refund"
    unproven: str | None = None
    """A category that the policy excludes, but the seller has not the proof, so the goods come back."""
    refunded_already: bool = False
    """Whether the buyer has the money, so that the seller waits for the pieces and owes no refund."""


class ReturnAdmitted(Event):
    """Pieces of the order came back without being expected, for example after the return was rejected."""

    return_id: str
    lines: list[ReturningLine]


class ShippedFrom(Event):
    """Pieces of these lines left the stock from a location other than before; they go back there."""

    location: str
    lines: list[str]


class LinesReturned(Event):
    """These pieces were returned and inspected."""

    return_id: str
    lines: list[LinePieces]


class ReturnClosed(Event):
    """The return ended without these pieces being returned."""

    return_id: str
    lines: list[LinePieces]


@rules.on_command
def request_return(order: Order, command: RequestReturn, context: MessageContext) -> list[Event]:
    requested, fewer = compare(order, return_key(command.return_id), pieces_by_line(command.lines))
    if fewer or (not requested and f"closed:{command.return_id}" in order.seen_keys):
        raise ReturnOpenedDifferently(return_id=command.return_id, lines=sorted(fewer))
    if not requested:
        _require_same_reason(order, command)
        return []
    policy = context.policies.returns
    days = calendar(policy.calendar, context.zone)
    ends = {
        name: end
        for name, _ in requested
        if (end := _window_end(order, policy, days, command, name)) is not None
    }
    for name, pieces in requested:
        if pieces > (free := returnable(order, name)):
            raise MoreThanReturnable(line=name, asked=pieces, returnable=free)
    late = sorted(name for name, end in ends.items() if has_passed(end, context.at))
    if command.origin == "customer" and late:
        raise ReturnWindowClosed(
            return_id=command.return_id,
            lines=late,
            ended_at=min(ends.values()).isoformat(),
            policy=ref(policy),
        )
    if command.resolution not in policy.resolutions:
        offered = ", ".join(policy.resolutions)
        raise ResolutionNotOffered(resolution=command.resolution, offered=offered, policy=ref(policy))
    fault = fault_of_return(command.reason, command.fault)
    excluded = None
    if command.origin == "customer" and fault == "customer":
        excluded = _excluded(policy, command.category, {order.lines[name].sku for name, _ in requested})
    if excluded is not None and command.proof in (excluded.needs, "written_consent"):
        raise NotReturnable(category=excluded.category, proof=command.proof, policy=ref(policy))
    return [
        ReturnOpened(
            at=context.at,
            return_id=command.return_id,
            lines=returning_lines(order, requested),
            reason=command.reason,
            origin=command.origin,
            fault=fault,
            payer=_payer(policy, fault),
            channel_reason_code=command.channel_reason_code,
            words=command.words,
            window_ends_at=max(ends.values(), default=None),
            policy=ref(policy),
            calendar=days.ref,
            by=context.by,
            value=return_value(order, requested, fault) if is_priced(order) else None,
            resolution=command.resolution,
            unproven=excluded.category if excluded else None,
        )
    ]


def returning_lines(order: Order, pieces: Iterable[tuple[str, int]]) -> list[ReturningLine]:
    """The (line, pieces), with the place that they left from."""
    lines = ((order.lines[name], name, count) for name, count in pieces)
    return [
        ReturningLine(line=name, sku=line.sku, pieces=count, location=line.left_from)
        for line, name, count in lines
    ]


def _excluded(policy: ReturnPolicy, category: str | None, skus: Set[str]) -> NonReturnable | None:
    return next(
        (one for one in policy.non_returnable if one.category == category or not skus.isdisjoint(one.skus)),
        None,
    )


def _require_same_reason(order: Order, command: RequestReturn) -> None:
    """Raises: ReturnOpenedDifferently, if the return was opened for another reason or resolution."""
    before = order.contents.get(_reason_key(command.return_id), {})
    reasons, resolutions = ({stated.split(" ")[part] for stated in before} for part in (0, 1))
    other = command.resolution not in {*resolutions, RequestReturn.model_fields["resolution"].default}
    if before and (command.reason not in reasons or other):
        raise ReturnOpenedDifferently(return_id=command.return_id, lines=[], opened_for=sorted(before))


def _reason_key(return_id: str) -> str:
    return f"return-reason:{return_id}"


def _window_end(
    order: Order, policy: ReturnPolicy, days: BusinessCalendar, command: RequestReturn, line: str
) -> datetime | None:
    """The exclusive end of the return window of a line; None if it has not begun."""
    starts_at = _starts_at(order, policy, command.reason, line)
    return window_end(policy, days, command.reason, starts_at, command.noticed_on)


def _starts_at(order: Order, policy: ReturnPolicy, reason: str, line: str) -> list[datetime]:
    """The instants from the latest of which the return window of a line counts; none if it has not begun.

    A window for a reason such as a defect begins when the goods can be seen, so never at the order.
    """
    if policy.window_starts_at == "ordered" and not has_second_window(policy, reason):
        return [] if order.placed_at is None else [order.placed_at]
    if policy.window_starts_at == "last_item_delivered" and any(
        line.before_handover or line.units.get("in_transit") for line in order.lines.values()
    ):
        return []
    return _delivered_at(order, policy, line)


def return_key(return_id: str) -> str:
    return f"return:{return_id}"


def returnable(order: Order, name: str) -> int:
    line = order.lines.get(name)
    if line is None:
        return 0
    handed_over = sum(line.units.get(state, 0) for state in ("delivered", "returned_to_sender", "in_transit"))
    return max(0, handed_over - line.return_open - line.returned)


def _delivered_at(order: Order, policy: ReturnPolicy, name: str) -> list[datetime]:
    """The delivery times that the window of a line counts from: its own parcels', or those of the order."""
    whole_order = policy.window_starts_at == "last_item_delivered"
    return [
        shipment.status_at
        for shipment in order.shipments.values()
        if shipment.holds == "delivered"
        and shipment.status_at is not None
        and (whole_order or any(line == name for line, _ in shipment.moves))
    ]


def _payer(policy: ReturnPolicy, fault: Fault) -> str:
    pays = policy.payer
    by_fault = {"customer": pays.customer_fault, "carrier": pays.carrier_fault}
    return by_fault.get(fault, pays.seller_fault)


@rules.on_command
def mirror_returned(order: Order, command: MirrorReturned, context: MessageContext) -> list[Event]:
    """The order counts at most the granted pieces, even if more were returned."""
    lines = tuple((name, min(pieces, order.lines[name].return_open)) for name, pieces in command.lines)
    return [LinesReturned(at=context.at, return_id=command.return_id, lines=_line_pieces(lines))]


@rules.on_command
def close_return(_: Order, command: CloseReturn, context: MessageContext) -> list[Event]:
    return [ReturnClosed(at=context.at, return_id=command.return_id, lines=_line_pieces(command.lines))]


@rules.on_command
def admit_returned(order: Order, command: AdmitReturned, context: MessageContext) -> list[Event]:
    """Admits the pieces that were sent and have not come back.  Others cannot be pieces of this order."""
    admitted: list[ReturningLine] = []
    most: dict[str, int] = {}
    for name, pieces, location in command.lines:
        if name in order.lines:
            line, free = order.lines[name], returnable(order, name)
            if count := min(pieces, free):
                place = location or line.left_from
                admitted.append(ReturningLine(line=name, sku=line.sku, pieces=count, location=place))
            if pieces > free:
                most[name] = free
    events: list[Event] = []
    if admitted:
        events.append(ReturnAdmitted(at=context.at, return_id=command.return_id, lines=admitted))
    if most:
        events.append(
            discrepancy(
                at=context.at,
                kind="returned_more_than_sent",
                subject=command.return_id,
                expected=f"at most {contents_text(most)}",
                observed=contents_text({name: pieces for name, pieces, _ in command.lines if name in most}),
            )
        )
    return events


@rules.on_command
def mirror_shipped(order: Order, command: MirrorShipped, context: MessageContext) -> list[Event]:
    if order.lines[command.line].left_from in (command.location, None if command.location == "main" else ""):
        return []
    return [ShippedFrom(at=context.at, location=command.location, lines=[command.line])]


def _line_pieces(lines: tuple[tuple[str, int], ...]) -> list[LinePieces]:
    return [LinePieces(line=line, pieces=pieces) for line, pieces in lines]


@rules.on_event
def return_opened(order: Order, event: ReturnOpened) -> Order:
    stated = sums((line.line, line.pieces) for line in event.lines)
    refunds = order.returns_to_refund
    settled = (
        event.refunded_already
        or event.resolution != "refund"
        or event.return_id in refunds
        or any(refund.return_id == event.return_id for refund in order.early_refunds)
    )
    reason = {f"{event.reason} {event.resolution}": sum(stated.values())}
    contents = with_contents(order, return_key(event.return_id), stated)
    contents[_reason_key(event.return_id)] = {**contents.get(_reason_key(event.return_id), {}), **reason}
    return _counted(order, event.lines, opened=1, returned=0)._replace(
        seen_keys=order.seen_keys | {return_key(event.return_id)},
        contents=contents,
        returns_to_refund=refunds if settled else (*refunds, event.return_id),
    )


@rules.on_event
def return_admitted(order: Order, event: ReturnAdmitted) -> Order:
    return _counted(order, event.lines, opened=1, returned=0)


@rules.on_event
def shipped_from(order: Order, event: ShippedFrom) -> Order:
    place = None if event.location == "main" else event.location
    moved_lines = {name: order.lines[name]._replace(left_from=place) for name in event.lines}
    return order._replace(lines={**order.lines, **moved_lines})


@rules.on_event
def lines_returned(order: Order, event: LinesReturned) -> Order:
    return _counted(order, event.lines, opened=-1, returned=1)


@rules.on_event
def return_closed(order: Order, event: ReturnClosed) -> Order:
    left = tuple(name for name in order.returns_to_refund if name != event.return_id)
    return _counted(order, event.lines, opened=-1, returned=0)._replace(
        seen_keys=order.seen_keys | {f"closed:{event.return_id}"}, returns_to_refund=left
    )


def _counted(
    order: Order, changes: Sequence[LinePieces | ReturningLine], *, opened: int, returned: int
) -> Order:
    """Adds the pieces to the counts of their lines.  `opened`, `returned`: the sign, or 0 for no change."""
    lines = dict(order.lines)
    for change in changes:
        line = lines[change.line]
        lines[change.line] = line._replace(
            return_open=max(0, line.return_open + opened * change.pieces),
            returned=line.returned + returned * change.pieces,
        )
    return order._replace(lines=lines)
