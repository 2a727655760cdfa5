"""Rules for placing, amending, paying and acknowledging an order, and for notes and channel statuses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from domain.decider import MessageContext, Rules
from domain.message import Event, EventData, InputModel
from domain.order.discrepancy import discrepancy, not_recorded
from domain.order.money import difference_after
from domain.order.payment import OrderReleased, deadline
from domain.order.state import Line, LineLimit, Order, OrderCommand
from domain.policies.documents import NOT_ADOPTED, ref
from domain.values import (
    Delivery,
    InputCountry,
    InputCurrency,
    InputMinor,
    InputPiecesOrNone,
    InputPrice,
    Instant,
    PersonalText,
    Text,
    micros,
)

rules = Rules[Order]()

PaymentKind = Literal["prepaid", "cash_on_delivery"]
DispatchType = Literal["normal", "same_day", "preorder", "made_to_order", "guaranteed"]
NoteKind = Literal["picked", "stock_missing", "reordered", "payment_reminded"]


PLACED_AGAIN: Final = "placed_again_differently"
AMENDED: Final = "amended_again_differently"


class OrderedLine(InputModel):
    """One line of an order as its channel sends it.  With 0 pieces the line is gone, and is left out."""

    line: Text
    sku: Text
    pieces: InputPiecesOrNone
    unit_price: InputPrice = "0"
    ship_by: Instant | None = None
    promise_at: Instant | None = None
    note: PersonalText | None = None
    delivery: Delivery = "parcel"


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
    """Fact: a buyer placed an order.  `lines` may be empty if the channel sends none.

    `shipping_fee`: what shipping costs, if the goods are worth less than `free_shipping_from`.
    """

    opens: ClassVar[bool] = True

    currency: InputCurrency
    lines: OrderedLines = ()
    dispatch_type: DispatchType = "normal"
    shipping_fee: InputMinor = 0
    free_shipping_from: InputMinor | None = None
    payment: PaymentKind = "prepaid"
    promise_at: Instant | None = None
    destination: Destination = Destination()
    buyer: PersonalText | None = None
    consignee: PersonalText | None = None


class AmendOrder(OrderCommand):
    """Fact: the channel added lines to an order, or changed lines of it.

    `pieces` are those that the line has now.  A price of 0 is not stated.
    """

    opens: ClassVar[bool] = True

    amendment_id: Text
    lines: Annotated[OrderedLines, Field(min_length=1)]


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
    delivery: str = "parcel"


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
    payment: str = "prepaid"


class OrderAmended(Event):
    """The channel added these lines, or these pieces to lines of the order.

    `policy`, `calendar`: those that set the deadlines of lines.
    """

    amendment_id: str
    lines: list[PlacedLine]
    policy: str | None = None
    calendar: str | None = None
    difference: int | None = None
    """What the channel settled beside the prices; None: as before."""


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
        return _placed_again(order, command, context)
    stock = context.policies.stock
    prepaid = command.payment == "prepaid"
    minutes = stock.hold_of(command.channel, command.account) if prepaid else 0
    hold = context.at + timedelta(minutes=minutes) if minutes else None
    destination = command.destination
    event = OrderPlaced(
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
        payment=command.payment,
    )
    if prepaid:
        return [event]
    due = deadline(placed(order, event), command.channel, context.at, context)
    released = OrderReleased(
        at=context.at,
        ship_by=due.ship_by if due else None,
        promise_at=due.promise_at if due else None,
        policy=due.policy if due else NOT_ADOPTED,
        calendar=due.calendar if due else None,
    )
    return [event, released]


def _placed(line: OrderedLine) -> PlacedLine:
    return PlacedLine(
        line=line.line,
        sku=line.sku,
        pieces=line.pieces,
        unit_price=line.unit_price,
        ship_by=line.ship_by,
        promise_at=line.promise_at,
        note=line.note,
        delivery=line.delivery,
    )


def _placed_again(order: Order, command: PlaceOrder, context: MessageContext) -> list[Event]:
    """What an order that is reported again states otherwise, by field.  Fields left out state nothing."""
    destination = command.destination
    before = (order.country, order.zone, order.distance_km)
    stated = (destination.country, destination.zone, destination.distance_km)
    moved = any(one is not None and one != other for one, other in zip(stated, before, strict=True))
    shipped = any(line.units.get("packed", 0) or line.handed_over for line in order.lines.values())
    moved_kind = "address_changed_after_pack" if shipped else PLACED_AGAIN
    differences: list[tuple[str, str, Any, Any]] = []
    if command.currency != order.currency:
        differences.append((PLACED_AGAIN, "currency", order.currency, command.currency))
    if moved:
        differences.append((moved_kind, "destination", before, stated))
    if _other_pieces(order, command.lines):
        expected = sorted((name, line.sku, line.ordered) for name, line in order.lines.items())
        observed = sorted((line.line, line.sku, line.pieces) for line in command.lines)
        differences.append((PLACED_AGAIN, "lines", expected, observed))
    if prices := _other_prices(order, command.lines):
        differences.append((PLACED_AGAIN, "price", *prices))
    differences += [(PLACED_AGAIN, *field) for field in _other_fields(order, command)]
    return _differing(order, context, differences)


def _other_fields(order: Order, command: PlaceOrder) -> Iterator[tuple[str, Any, Any]]:
    """(field, before, now) of what is stated once for the order, and of the limits of its lines."""
    before = {
        "dispatch_type": order.dispatch_type,
        "shipping_fee": order.shipping_fee,
        "free_shipping_from": order.free_shipping_from,
        "payment": "cash_on_delivery" if order.released else "prepaid",
        "promise_at": order.promise_at,
    }
    for name, value in before.items():
        stated = getattr(command, name)
        if stated != value and stated != PlaceOrder.model_fields[name].default:
            yield name, value, stated
    yield from _other_limits(order, command.lines)


def _other_limits(order: Order, lines: Iterable[OrderedLine]) -> Iterator[tuple[str, Any, Any]]:
    for stated in lines:
        line = order.lines.get(stated.line)
        if line is None:
            continue
        ship_by, promise_at = line.ship_by or order.ship_by, line.promise_at or order.promise_at
        if stated.ship_by not in (None, ship_by):
            yield f"ship_by of line {stated.line}", ship_by, stated.ship_by
        if stated.promise_at not in (None, promise_at):
            yield f"promise_at of line {stated.line}", promise_at, stated.promise_at


def _other_pieces(order: Order, lines: Iterable[OrderedLine]) -> bool:
    stated = {line.line: (line.sku, line.pieces) for line in lines}
    if not stated:
        return False
    for name, line in order.lines.items():
        sku, pieces = stated.pop(name, (line.sku, 0))
        cancelled = line.units.get("cancelled", 0)
        if sku != line.sku or not (
            pieces == line.placed or line.ordered - cancelled <= pieces <= line.ordered
        ):
            return True
    return bool(stated)


def _other_prices(order: Order, lines: Iterable[OrderedLine]) -> tuple[dict[str, str], dict[str, str]] | None:
    """The prices of the order and those stated, by line, where they differ; a price of 0 is not stated."""
    stated = {
        line.line: line.unit_price
        for line in lines
        if line.line in order.lines
        and micros(line.unit_price, 1) not in (0, order.lines[line.line].price_micros)
    }
    return ({name: _price(order.lines[name]) for name in stated}, stated) if stated else None


def _price(line: Line) -> str:
    return format(Decimal(line.price_micros).scaleb(-6).normalize(), "f")


def _differing(
    order: Order, context: MessageContext, differences: Iterable[tuple[str, str, Any, Any]]
) -> list[Event]:
    """A discrepancy for each (kind, subject, expected, observed) that was not recorded before."""
    events = (
        discrepancy(
            at=context.at,
            kind=kind,
            subject=subject,
            expected=str(expected)[:1000],
            observed=str(observed)[:1000],
        )
        for kind, subject, expected, observed in differences
    )
    return not_recorded(order, events)


@rules.on_command
def amend(order: Order, command: AmendOrder, context: MessageContext) -> list[Event]:
    """A line of the order that has more pieces than before grows; one with fewer contradicts.

    An amendment that is older than the last one of its line is overtaken by that.
    """
    lines = [_placed(line) for line in command.lines if line.line not in order.lines]
    again = [line for line in command.lines if line.line in order.lines]
    # A line added after the payment has its own limit, counted from its addition.
    after_payment = order.paid_at is not None and order.paid_at < context.at
    due = deadline(order, command.channel, context.at, context) if after_payment and lines else None
    if due is not None:
        lines = [line if line.ship_by else replace(line, ship_by=due.ship_by) for line in lines]
    lines += [_growth(order.lines[line.line], line) for line in again if _grows(order.lines[line.line], line)]
    differences: list[tuple[str, str, Any, Any]] = [
        (AMENDED, f"line {line.line}", (before.sku, before.ordered), (line.sku, line.pieces))
        for line in again
        if _contradicts(before := order.lines[line.line], line, context.at)
    ]
    if prices := _other_prices(order, again):
        differences.append((AMENDED, "price", *prices))
    differences += [(AMENDED, *limit) for limit in _other_limits(order, again)]
    events = _differing(order, context, differences)
    if not lines:
        return events
    amended_event = OrderAmended(
        at=context.at,
        amendment_id=command.amendment_id,
        lines=lines,
        policy=due.policy if due else None,
        calendar=due.calendar if due else None,
    )
    difference = difference_after(order, amended(order, amended_event))
    return [replace(amended_event, difference=difference), *events]


def _grows(before: Line, line: OrderedLine) -> bool:
    return line.sku == before.sku and line.pieces > before.ordered


def _growth(before: Line, line: OrderedLine) -> PlacedLine:
    """The pieces added to a line of the order, at its price."""
    added = _placed(line)
    return replace(added, pieces=line.pieces - before.ordered, unit_price=_price(before))


def _contradicts(before: Line, line: OrderedLine, at: datetime) -> bool:
    """Fewer pieces than are left are a contradiction, unless a later amendment has added to them."""
    if line.sku != before.sku:
        return True
    left = before.ordered - before.units.get("cancelled", 0)
    return line.pieces < left and (before.stated_at is None or at >= before.stated_at)


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
        shipping_fee=event.shipping_fee,
        free_shipping_from=event.free_shipping_from,
        promise_at=event.promise_at,
    )


def _lines(lines: list[PlacedLine]) -> Mapping[str, Line]:
    return {
        line.line: Line(
            sku=line.sku,
            ordered=line.pieces,
            units={"open": line.pieces},
            ship_by=line.ship_by,
            promise_at=line.promise_at,
            note=line.note,
            price_micros=micros(line.unit_price, 1),
            delivery=line.delivery,  # type: ignore[arg-type]
            placed=line.pieces,
        )
        for line in lines
    }


@rules.on_event
def amended(order: Order, event: OrderAmended) -> Order:
    lines = dict(order.lines)
    for name, added in _lines(event.lines).items():
        line = lines.get(name)
        if line is None:
            lines[name] = added._replace(placed=0, stated_at=event.at, added_at=event.at)
            continue
        units = {**line.units, "open": line.units.get("open", 0) + added.ordered}
        stated_at = event.at if line.stated_at is None else max(line.stated_at, event.at)
        lines[name] = line._replace(ordered=line.ordered + added.ordered, units=units, stated_at=stated_at)
    return order._replace(
        lines=lines,
        difference=order.difference if event.difference is None else event.difference,
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
