"""Rules for placing, amending, paying and acknowledging an order, and for notes and channel statuses."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from domain.decider import MessageContext, Rules
from domain.message import Event, EventData, InputModel
from domain.order.discrepancy import OrderDiscrepancyDetected, discrepancy_key, stated_again, with_contents
from domain.order.state import Line, LineLimit, Order, OrderCommand
from domain.policies.documents import NOT_ADOPTED, ref
from domain.policies.promise import Promise, promise
from domain.values import (
    InputCountry,
    InputCurrency,
    InputMinor,
    InputPiecesOrNone,
    InputPrice,
    Instant,
    PersonalText,
    Text,
)

rules = Rules[Order]()

DispatchType = Literal["normal", "same_day", "preorder", "made_to_order", "guaranteed"]
NoteKind = Literal["picked", "stock_missing", "reordered", "payment_reminded"]


class OrderedLine(InputModel):
    """One line of an order as its channel sends it.  With 0 pieces the line is gone, and is left out."""

    line: Text
    sku: Text
    pieces: InputPiecesOrNone
    unit_price: InputPrice = "0"
    ship_by: Instant | None = None
    promise_at: Instant | None = None
    note: PersonalText | None = None


class Destination(InputModel):
    """The destination of the order, as far as decisions need it."""

    country: InputCountry | None = None
    zone: Text | None = None
    distance_km: Annotated[int, Field(ge=0, le=40_000)] | None = None
    postcode_area: Text | None = None


def _once(lines: tuple[OrderedLine, ...]) -> tuple[OrderedLine, ...]:
    if len({line.line for line in lines}) < len(lines):
        msg = "a line is named twice"
        raise ValueError(msg)
    return tuple(line for line in lines if line.pieces)


OrderedLines = Annotated[tuple[OrderedLine, ...], LineLimit, AfterValidator(_once)]


class PlaceOrder(OrderCommand):
    """Fact: a buyer placed an order.  `lines` may be empty if the channel sends none."""

    opens: ClassVar[bool] = True

    currency: InputCurrency
    lines: OrderedLines = ()
    dispatch_type: DispatchType = "normal"
    shipping_fee: InputMinor = 0
    free_shipping_from: InputMinor | None = None
    promise_at: Instant | None = None
    destination: Destination = Destination()
    buyer: PersonalText | None = None
    consignee: PersonalText | None = None


class AmendOrder(OrderCommand):
    """Fact: the channel added lines to an order."""

    opens: ClassVar[bool] = True

    amendment_id: Text
    lines: Annotated[OrderedLines, Field(min_length=1)]


class RecordPayment(OrderCommand):
    """Fact: a payment for the order was captured."""

    payment_id: Text
    amount: InputMinor


class AcknowledgeOrder(OrderCommand):
    """Fact: the seller confirmed the order to its channel."""


class NoteOrder(OrderCommand):
    """Fact: something was observed or done that changes no piece's state."""

    note_id: Text
    kind: NoteKind
    lines: Annotated[tuple[Text, ...], LineLimit] = ()


class ClaimStatus(OrderCommand):
    """Fact: the order's status in the channel's own words.  It is stored beside our derived status."""

    status: Text


class PlacedLine(EventData):
    line: str
    sku: str
    pieces: int
    unit_price: str
    ship_by: AwareDatetime | None = None
    promise_at: AwareDatetime | None = None
    note: str | None = None


class OrderPlaced(Event):
    """A buyer placed an order with these lines.  `hold_until`: end of the stock hold for an unpaid order."""

    currency: str
    zone: str
    lines: list[PlacedLine]
    dispatch_type: str
    shipping_fee: int
    free_shipping_from: int | None
    promise_at: AwareDatetime | None
    country: str | None
    region: str | None
    distance_km: int | None
    postcode_area: str | None
    buyer: str | None
    consignee: str | None
    hold_until: AwareDatetime | None = None
    policy: str | None = None


class OrderAmended(Event):
    """The channel added these lines.  `policy`, `calendar`: those that set the deadlines of lines."""

    amendment_id: str
    lines: list[PlacedLine]
    policy: str | None = None
    calendar: str | None = None


class OrderPaid(Event):
    """A payment was captured.  The first one sets the deadlines, by the named policy and calendar."""

    payment_id: str
    amount: int
    ship_by: AwareDatetime | None
    promise_at: AwareDatetime | None
    policy: str | None
    calendar: str | None
    line_ship_by: dict[str, AwareDatetime] | None = None
    """The own limits of lines that were added after this payment, by line."""


class OrderAcknowledged(Event):
    """The seller confirmed the order."""

    by: str


class OrderNoted(Event):
    """Something was observed or done that changes no piece's state."""

    note_id: str
    kind: str
    lines: list[str]


class StatusClaimed(Event):
    """The order's status in the channel's own words."""

    status: str


@rules.on_command
def place(order: Order, command: PlaceOrder, context: MessageContext) -> list[Event]:
    lines = [_placed(line) for line in command.lines]
    if order.placed_at is not None:
        return _placed_again(order, lines, context)
    stock = context.policies.stock
    hold = context.at + timedelta(minutes=stock.hold_unpaid_minutes) if stock.hold_unpaid_minutes else None
    destination = command.destination
    return [
        OrderPlaced(
            at=context.at,
            currency=command.currency,
            zone=context.zone,
            lines=lines,
            dispatch_type=command.dispatch_type,
            shipping_fee=command.shipping_fee,
            free_shipping_from=command.free_shipping_from,
            promise_at=command.promise_at,
            country=destination.country,
            region=destination.zone,
            distance_km=destination.distance_km,
            postcode_area=destination.postcode_area,
            buyer=command.buyer,
            consignee=command.consignee,
            hold_until=hold,
            policy=ref(stock) if hold else None,
        )
    ]


def _placed(line: OrderedLine) -> PlacedLine:
    return PlacedLine(
        line=line.line,
        sku=line.sku,
        pieces=line.pieces,
        unit_price=line.unit_price,
        ship_by=line.ship_by,
        promise_at=line.promise_at,
        note=line.note,
    )


def _placed_again(order: Order, lines: list[PlacedLine], context: MessageContext) -> list[Event]:
    expected = sorted((name, line.sku, line.ordered) for name, line in order.lines.items())
    observed = sorted((line.line, line.sku, line.pieces) for line in lines)
    event = OrderDiscrepancyDetected(
        at=context.at,
        kind="placed_again_differently",
        subject="lines",
        expected=str(expected)[:1000],
        observed=str(observed)[:1000],
    )
    if discrepancy_key(event) in order.seen_keys or all(line in expected for line in observed):
        return []
    return [event]


@rules.on_command
def amend(order: Order, command: AmendOrder, context: MessageContext) -> list[Event]:
    lines = [_placed(line) for line in command.lines if line.line not in order.lines]
    if f"amendment:{command.amendment_id}" in order.seen_keys or not lines:
        return []
    # A line added after the payment has its own limit, counted from its addition.
    after_payment = order.paid_at is not None and order.paid_at < context.at
    due = _promise(order, context.at, command, context) if after_payment else None
    if due is not None:
        lines = [line if line.ship_by else replace(line, ship_by=due.ship_by) for line in lines]
    return [
        OrderAmended(
            at=context.at,
            amendment_id=command.amendment_id,
            lines=lines,
            policy=due.policy if due else None,
            calendar=due.calendar if due else None,
        )
    ]


def _promise(order: Order, since: datetime, command: OrderCommand, context: MessageContext) -> Promise | None:
    return promise(
        context.policies,
        since,
        command.channel,
        order.dispatch_type,
        zone=order.zone,
        distance_km=order.distance_km,
    )


def _limits_of_added(
    order: Order, command: OrderCommand, context: MessageContext
) -> dict[str, datetime] | None:
    """The limits of lines that were added after this payment, which is recorded only now."""
    limits: dict[str, datetime] = {}
    for name, line in order.lines.items():
        if line.added_at is not None and line.added_at > context.at and line.ship_by is None:
            due = _promise(order, line.added_at, command, context)
            if due is not None and due.ship_by is not None:
                limits[name] = due.ship_by
    return limits or None


@rules.on_command
def pay(order: Order, command: RecordPayment, context: MessageContext) -> list[Event]:
    key, stated = f"payment:{command.payment_id}", {"amount": command.amount}
    if key in order.contents:
        return stated_again(order, context, key, stated)
    first = order.paid_at is None
    due = _promise(order, context.at, command, context) if first else None
    return [
        OrderPaid(
            at=context.at,
            payment_id=command.payment_id,
            amount=command.amount,
            ship_by=due.ship_by if due else None,
            promise_at=due.promise_at if due else None,
            policy=due.policy if due else NOT_ADOPTED if first else None,
            calendar=due.calendar if due else None,
            line_ship_by=_limits_of_added(order, command, context) if first else None,
        )
    ]


@rules.on_command
def acknowledge(order: Order, _: AcknowledgeOrder, context: MessageContext) -> list[Event]:
    return [] if order.acknowledged else [OrderAcknowledged(at=context.at, by=context.by)]


@rules.on_command
def note(order: Order, command: NoteOrder, context: MessageContext) -> list[Event]:
    if f"note:{command.note_id}" in order.seen_keys:
        return []
    return [OrderNoted(at=context.at, note_id=command.note_id, kind=command.kind, lines=list(command.lines))]


@rules.on_command
def claim(order: Order, command: ClaimStatus, context: MessageContext) -> list[Event]:
    if f"claim:{command.status}:{context.at.isoformat()}" in order.seen_keys:
        return []
    return [StatusClaimed(at=context.at, status=command.status)]


@rules.on_event
def placed(_: Order, event: OrderPlaced) -> Order:
    return Order(
        placed_at=event.at,
        currency=event.currency,
        country=event.country,
        zone=event.region,
        distance_km=event.distance_km,
        dispatch_type=event.dispatch_type,
        lines=_lines(event.lines),
    )


def _lines(lines: list[PlacedLine]) -> Mapping[str, Line]:
    return {
        line.line: Line(
            sku=line.sku,
            ordered=line.pieces,
            units={"open": line.pieces},
            ship_by=line.ship_by,
            note=line.note,
        )
        for line in lines
    }


@rules.on_event
def amended(order: Order, event: OrderAmended) -> Order:
    added = {name: line._replace(added_at=event.at) for name, line in _lines(event.lines).items()}
    return order._replace(
        lines={**order.lines, **added},
        seen_keys=order.seen_keys | {f"amendment:{event.amendment_id}"},
    )


@rules.on_event
def paid(order: Order, event: OrderPaid) -> Order:
    earlier = order.paid_at is not None
    lines = {
        name: order.lines[name]._replace(ship_by=limit) for name, limit in (event.line_ship_by or {}).items()
    }
    return order._replace(
        lines={**order.lines, **lines} if lines else order.lines,
        paid_at=_earliest(order.paid_at, event.at),
        ship_by=order.ship_by if earlier else event.ship_by,
        captured=order.captured + event.amount,
        contents=with_contents(order, f"payment:{event.payment_id}", {"amount": event.amount}),
    )


@rules.on_event
def acknowledged(order: Order, _: OrderAcknowledged) -> Order:
    return order._replace(acknowledged=True)


@rules.on_event
def noted(order: Order, event: OrderNoted) -> Order:
    return order._replace(seen_keys=order.seen_keys | {f"note:{event.note_id}"})


@rules.on_event
def claimed(order: Order, event: StatusClaimed) -> Order:
    return order._replace(seen_keys=order.seen_keys | {f"claim:{event.status}:{event.at.isoformat()}"})


def _earliest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
