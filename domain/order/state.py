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
    CancelReason,
    InputAccount,
    InputChannel,
    InputPieces,
    Text,
    TrackingStatus,
    UnitState,
    sums,
)

BEFORE_HANDOVER: Final[tuple[UnitState, ...]] = ("open", "backordered", "allocated", "packed")
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
    note: str | None = None
    cancel_pending: int = 0
    return_open: int = 0
    returned: int = 0
    left_from: str | None = None
    """The location that its pieces left from last; None if it is the main one."""

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


class CancelRequest(NamedTuple):
    """A pending cancel request of the buyer."""

    lines: tuple[tuple[str, int], ...]
    reason: CancelReason


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
    lines: Mapping[str, Line] = {}
    shipments: Mapping[str, Shipment] = {}
    requests: Mapping[str, CancelRequest] = {}
    captured: int = 0
    refunded: int = 0
    claim_at: datetime | None = None
    seen_keys: frozenset[str] = frozenset()
    """Deduplication keys of recorded messages: `note:…`, `review:…`, `answer:…`."""
    contents: Mapping[str, Mapping[str, int]] = {}
    """What each fact has stated so far, by id (`payment:…`, `cancel:…`): amounts, or pieces by line."""

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
