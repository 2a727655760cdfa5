"""The state of an order: how many pieces are in which state, and which messages it has seen."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import Field

from domain.errors import TooEarly
from domain.message import Command, EventData, InputModel
from domain.streams import StreamId, order_stream
from domain.values import (
    MAX_LINES,
    Delivery,
    InputAccount,
    InputChannel,
    InputPieces,
    Text,
    TrackingStatus,
    UnitState,
    sums,
)

BEFORE_HANDOVER: Final[tuple[UnitState, ...]] = ("open", "backordered", "allocated", "packed")
NEAREST_TO_HANDOVER: Final = BEFORE_HANDOVER[::-1]
"""The states from which pieces are handed over, those that are furthest first."""
STOCKED: Final = frozenset({"parcel", "pick_up"})
"""How pieces that stock holds reach the buyer."""
HANDED_OVER: Final[tuple[UnitState, ...]] = ("in_transit", "delivered", "lost", "returned_to_sender")


class OrderCommand(Command):
    """A message about one order, identified by the order id of its channel."""

    channel: InputChannel
    account: InputAccount = "main"
    order_id: Text

    def stream(self, seller_id: str) -> StreamId:
        return order_stream(seller_id, self.channel, self.account, self.order_id)


LineLimit = Field(max_length=MAX_LINES)


class AskedLine(InputModel):
    """A number of pieces of one order line, in a command."""

    line: Text
    pieces: InputPieces


class LinePieces(EventData):
    """A number of pieces of one order line, in an event."""

    line: str
    pieces: int


class Move(EventData):
    """Pieces of a line that leave the state `was`.  The event determines their new state."""

    line: str
    sku: str
    pieces: int
    was: UnitState


class Line(NamedTuple):
    """One order line.  Each of its pieces is in exactly one state; the counts add up to `ordered`."""

    sku: str
    ordered: int
    units: Mapping[UnitState, int]
    ship_by: datetime | None = None
    promise_at: datetime | None = None
    note: str | None = None
    cancel_pending: int = 0
    return_open: int = 0
    returned: int = 0
    price_micros: int = 0
    """Price of one piece, in millionths of the currency's major unit; 0 if not stated."""
    delivery: Delivery = "parcel"
    placed: int = 0
    """Pieces of it in the order as it was placed."""
    stated_at: datetime | None = None
    """When its channel last amended it."""
    added_at: datetime | None = None
    """When it was added to its order; None if it was ordered with it."""
    left_from: str | None = None
    """The location that its pieces left from last; None if it is the main one."""
    cancels: tuple[tuple[datetime, int], ...] = ()
    """(when, pieces) of its cancels, sorted."""

    @property
    def has_stock(self) -> bool:
        """Whether its pieces are goods that stock holds."""
        return self.delivery in STOCKED

    @property
    def before_handover(self) -> int:
        units = self.units
        return (
            units.get("open", 0)
            + units.get("backordered", 0)
            + units.get("allocated", 0)
            + units.get("packed", 0)
        )

    @property
    def handed_over(self) -> int:
        return sum(self.units.get(state, 0) for state in HANDED_OVER)

    @property
    def cancellable(self) -> int:
        return self.before_handover - self.cancel_pending


class Scan(NamedTuple):
    """A milestone as the carrier reported it.  `reason`: whether the carrier gave its own code for it."""

    at: datetime
    status: TrackingStatus
    reason: bool = False


class Shipment(NamedTuple):
    """A parcel: its contents, whether it has been dispatched, and its latest milestone."""

    moves: tuple[tuple[str, int], ...] = ()
    """(line, pieces), packed or handed over."""
    packed: bool = False
    dispatched: bool = False
    status: TrackingStatus = "unknown"
    status_at: datetime | None = None
    holds: UnitState = "packed"
    scans: tuple[Scan, ...] = ()
    """Sorted."""
    dispatched_at: datetime | None = None
    inferred: bool = False
    """Whether only a scan of the carrier shows that it left."""
    carrier: str | None = None
    tracking_number: str | None = None
    invoice_at: datetime | None = None
    """When that tracking number was reported."""
    location: str | None = None
    """Where it was packed, if that is stated."""


class Payment(NamedTuple):
    """Captured money.  `in_full`: the channel states that the order is paid with it."""

    at: datetime
    amount: int
    in_full: bool = False


class EarlyRefund(NamedTuple):
    """A refund for a return that was not opened yet."""

    return_id: str
    refund_id: str
    amount: int
    at: datetime


class CancelRequest(NamedTuple):
    """A cancel request of the buyer: the pieces that it keeps pending."""

    lines: tuple[tuple[str, int], ...]
    reason: str
    at: datetime


class ChannelCancel(NamedTuple):
    """A cancel that the channel recorded: pieces that no cancel request has claimed."""

    lines: tuple[tuple[str, int], ...]
    at: datetime
    reason: str
    by_buyer: bool
    """The buyer cancelled, or the channel at the buyer's wish."""
    request_id: str | None = None


class Order(NamedTuple):
    """The state of an order: only what the rules need."""

    placed_at: datetime | None = None
    currency: str = ""
    country: str | None = None
    zone: str | None = None
    distance_km: int | None = None
    dispatch_type: str = "normal"
    paid_at: datetime | None = None
    acknowledged: bool = False
    ship_by: datetime | None = None
    promise_at: datetime | None = None
    """When the channel promised its delivery, if it did."""
    lines: Mapping[str, Line] = {}
    shipments: Mapping[str, Shipment] = {}
    requests: Mapping[str, CancelRequest] = {}
    """Pending."""
    confirmable: Mapping[str, CancelRequest] = {}
    """Approved by the seller; the channel may still report their cancel."""
    unclaimed: Mapping[str, ChannelCancel] = {}
    """Cancels of the channel, by id: a request that is recorded later may be settled by one of them."""
    refunded_stops: Mapping[str, Mapping[str, int]] = {}
    """Pieces by line that the channel refunded when the buyer requested to stop them, by cancel request."""
    released: bool = False
    """To be fulfilled before it is paid: cash on delivery."""
    shipping_fee: int = 0
    free_shipping_from: int | None = None
    payments: tuple[Payment, ...] = ()
    """By time."""
    captured: int = 0
    reversed: int = 0
    refunded: int = 0
    refund_owed: int = 0
    """The sum of the refunds that fell due, with those made before and those of returns."""
    refund_due_at: datetime | None = None
    """Until when the oldest of them that was not made is due."""
    early_refunds: tuple[EarlyRefund, ...] = ()
    returns_to_refund: tuple[str, ...] = ()
    """Returns that were opened, and neither refunded nor closed."""
    claw_back: int = 0
    difference: int = 0
    """What the channel settled beside the prices: a surcharge, or a discount if negative."""
    cancelled_at: datetime | None = None
    """The latest cancel."""
    seen_keys: frozenset[str] = frozenset()
    """Deduplication keys of recorded messages: `note:…`, `review:…`, `answer:…`."""
    contents: Mapping[str, Mapping[str, int]] = {}
    """What each fact has stated so far, by id (`payment:…`, `cancel:…`): amounts, or pieces by line."""

    @property
    def to_fulfil(self) -> bool:
        """Whether its pieces are to be sent: it is paid, or is paid at the door."""
        return self.paid_at is not None or self.released

    @property
    def size(self) -> int:
        """The size of the state, which tells when a snapshot is worthwhile.  Unit: entries."""
        scans = sum(len(shipment.scans) for shipment in self.shipments.values())
        return len(self.lines) + len(self.shipments) + scans + len(self.seen_keys) + len(self.contents)


def moved(order: Order, moves: Iterable[Move], to: UnitState, **changes: Any) -> Order:
    """The order after the pieces of `moves` changed to the state `to`."""
    lines = dict(order.lines)
    for move in moves:
        line = lines[move.line]
        units = dict(line.units)
        left = units.get(move.was, 0) - move.pieces
        if left:
            units[move.was] = left
        else:
            del units[move.was]
        units[to] = units.get(to, 0) + move.pieces
        after = line._replace(units=units)
        if after.cancel_pending and after.cancel_pending > after.before_handover:
            after = after._replace(cancel_pending=after.before_handover)
        lines[move.line] = after
    return order._replace(lines=lines, **changes)


def take(order: Order, requested: Iterable[tuple[str, int]], states: tuple[UnitState, ...]) -> list[Move]:
    """Moves of the requested pieces out of `states`, the first state first.  If there are too few, of all."""
    moves: list[Move] = []
    taken: dict[tuple[str, UnitState], int] = {}
    for line_id, pieces in requested:
        line = order.lines.get(line_id)
        if line is None:
            continue
        remaining = pieces
        for state in states:
            if not remaining:
                break
            if state not in line.units:
                continue
            already = taken.get((line_id, state), 0)
            count = min(line.units[state] - already, remaining)
            if count > 0:
                taken[line_id, state] = already + count
                remaining -= count
                moves.append(Move(line=line_id, sku=line.sku, pieces=count, was=state))
    return moves


def total(moves: Iterable[Move]) -> int:
    return sum(move.pieces for move in moves)


def require_lines(order: Order, lines: Iterable[AskedLine]) -> None:
    """Raises: TooEarly, if the order does not have one of the lines yet."""
    for requested in lines:
        if requested.line not in order.lines:
            raise TooEarly(f"line {requested.line}")


def more_than_moved(requested: list[tuple[str, int]], moves: list[Move]) -> list[LinePieces] | None:
    """What a message stated, if that is more than its event moves; else None, and the moves say it."""
    if sum(pieces for _, pieces in requested) <= total(moves):
        return None
    return [LinePieces(line=line, pieces=pieces) for line, pieces in requested]


def stated_pieces(requested: list[LinePieces] | None, moves: list[Move]) -> dict[str, int]:
    """Pieces by line that the message of an event stated; see `more_than_moved`."""
    return dict(pieces_by_line(moves if requested is None else requested))


def pieces_by_line(parts: Iterable[AskedLine | LinePieces | Move]) -> list[tuple[str, int]]:
    """(line, pieces) with each line once, in the order of their first occurrence."""
    return list(sums((part.line, part.pieces) for part in parts).items())


def parts_added(before: tuple[tuple[str, int], ...], moves: list[Move]) -> tuple[tuple[str, int], ...]:
    """The contents of a parcel with the pieces of `moves` added."""
    return tuple(sums((*before, *pieces_by_line(moves))).items())
