"""Counts all events by kind and by the seller's local day, in `activity`.

A fact that was sent as several messages counts once.  Facts that a converter inferred are counted separately.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from domain.catalogue import NAMES
from domain.message import Event
from domain.seller import ValueAdjusted
from domain.stock.state import CORRECTION, COUNTED_SINCE, SETTLED
from domain.values import decimals, micros
from projections.event_cells import EventCells
from projections.fold import Recorded
from projections.instants import local_day
from projections.orders.rows import Seller
from projections.sellers import SellerRow
from projections.tables import LOCAL_DATE, MICROS, Column, Stored, Table

LONGEST_REASON: Final = 40
MOST_REASONS: Final = 200
"""The limit of reasons per kind and day, for sources that invent a new reason for each event."""
OTHER_REASONS: Final = "(others)"


@dataclass(slots=True)
class ActivityCell:
    """One kind of event of one seller and day.

    A reason is the source's text, in lower case and cut to 40 characters; a code is not changed.  The first
    200 reasons per kind and day have a row each; all others are counted as `(others)`.
    """

    seller_id: Seller
    day: Annotated[str, Column("Day on which it happened", LOCAL_DATE)]
    kind: Annotated[str, Column("The event's name; some kinds have a subtype after a colon")]
    reason: Annotated[str, Column("The reason or the status, as the source wrote it")]
    currency: Annotated[str, Column("Currency of the value", "ISO 4217")]
    facts: Annotated[int, Column("Facts that a source stated", "facts")] = 0
    inferred: Annotated[int, Column("Facts that a converter inferred", "facts")] = 0
    events: Annotated[int, Column("Events in the ledger", "events")] = 0
    units: Annotated[int, Column("Pieces concerned; signed for counts and adjustments", "pieces")] = 0
    value_micros: Annotated[int, Column("Their value, if the event has a price or an amount", MICROS)] = 0


ACTIVITY: Final = Table("activity", ActivityCell, ("seller_id", "day", "kind", "reason", "currency"), 3)

Figures = tuple[str, int, int]
"""(reason, units, value in millionths of the currency's major unit)."""
Subtype = Callable[[Any], str]


def _moves(event: Any) -> Figures:
    return "", sum(move.pieces for move in event.moves), 0


def _lines(event: Any) -> Figures:
    return "", sum(line.pieces for line in event.lines), 0


def _priced(event: Any) -> Figures:
    lines = event.lines
    value = sum(micros(line.unit_price, line.pieces) for line in lines)
    return "", sum(line.pieces for line in lines), value


def _pieces(event: Any) -> Figures:
    return "", event.pieces, 0


def _pieces_why(event: Any) -> Figures:
    return event.reason, event.pieces, 0


_COUNTS: Final[dict[str, Callable[[Any], Figures]]] = {
    "order.placed": _priced,
    "order.amended": _priced,
    "order.status-claimed": lambda event: (event.status, 0, 0),
    "order.line-allocated": _moves,
    "order.line-backordered": _moves,
    "order.line-deallocated": _moves,
    "order.lines-cancelled": lambda event: (event.reason, *_moves(event)[1:]),
    "order.ship-by-missed": lambda event: ("", event.pieces, 0),
    "order.cancel-requested": lambda event: (event.reason, *_lines(event)[1:]),
    "order.shipment-packed": _moves,
    "order.shipment-dispatched": _moves,
    "order.shipment-tracked": _moves,
    "order.return-opened": lambda event: (event.reason, *_lines(event)[1:]),
    "order.return-admitted": _lines,
    "order.lines-returned": _lines,
    "order.return-closed": _lines,
    "stock.received": _pieces_why,
    "stock.reserved": _pieces,
    "stock.backordered": _pieces,
    "stock.released": _pieces_why,
    "stock.backorder-dropped": _pieces,
    "stock.shipped": _pieces,
    "stock.counted": lambda event: ("", event.delta, 0),
    "stock.adjusted": lambda event: (event.reason, event.delta, micros(event.unit_price, event.delta)),
    "stock.quarantined": _pieces_why,
    "stock.return-quarantined": _pieces,
    "stock.return-restocked": _pieces,
    "stock.return-scrapped": _pieces,
    "return.requested": lambda event: (event.reason, *_lines(event)[1:]),
    "return.recorded": lambda event: (
        "",
        _lines(event)[1],
        micros(event.unit_price, _lines(event)[1]),
    ),
    "return.received": _lines,
    "return.inspected": lambda event: ("", sum(unit.pieces for unit in event.units), 0),
    "seller.value-adjusted": lambda event: (event.code, event.pieces, micros(event.unit_price, event.pieces)),
}
_SUBTYPES: Final[dict[str, Subtype]] = {
    "order.noted": lambda event: event.kind,
    "order.shipment-tracked": lambda event: event.status,
    "order.discrepancy-detected": lambda event: event.kind,
    "stock.discrepancy-detected": lambda event: event.kind,
    "return.discrepancy-detected": lambda event: event.kind,
    "stock.adjusted": lambda event: _adjustment_subtype(event.delta, event.reason),
}
_AMOUNTS: Final = frozenset({"order.paid", "order.refund-recorded", "return.refunded"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """How events of one type are counted.  Computed once per type, because it is used for every event."""

    name: str
    count: Callable[[Any], Figures] | None
    subtype: Subtype | None
    has_currency: bool
    has_amount: bool
    has_code: bool
    """The reason is a case-sensitive code, so it is not changed to lower case."""


def _kind(event: type[Event], stored_name: str) -> _Kind:
    name = stored_name.removeprefix("jumun.").rpartition(".v")[0]
    has_currency = any(field.name == "currency" for field in fields(event))
    has_code = event is ValueAdjusted
    return _Kind(name, _COUNTS.get(name), _SUBTYPES.get(name), has_currency, name in _AMOUNTS, has_code)


def _adjustment_subtype(delta: int, reason: str) -> str:
    if reason in {CORRECTION, SETTLED}:
        return "corrected"
    if reason == COUNTED_SINCE:
        return "counted"
    return "written_off" if delta < 0 else "found"


_KINDS: Final[dict[type[Event], _Kind]] = {event: _kind(event, name) for event, name in NAMES.items()}


def facts_of(event: Event, currency: str) -> tuple[str, str, str, int, int]:
    """(kind, reason, currency, units, value) of an event.  `currency`: that of its order or seller."""
    data: Any = event
    kind = _KINDS[type(event)]
    reason, units, value = kind.count(data) if kind.count else ("", 0, 0)
    if kind.has_currency:
        currency = data.currency
    if kind.has_amount:
        value = data.amount * 10 ** (6 - decimals(currency))
    name = f"{kind.name}:{kind.subtype(data)}" if kind.subtype else kind.name
    if reason and not kind.has_code:
        reason = reason.strip().lower()[:LONGEST_REASON]
    return name, reason, currency, units, value


class Activity(EventCells[ActivityCell]):
    """Counts every event in the cell of its local day, kind, reason and currency."""

    def __init__(self, most_reasons: int = MOST_REASONS) -> None:
        """`most_reasons`: how many reasons per kind and day have a row of their own."""
        super().__init__(ACTIVITY)
        self._most_reasons = most_reasons

    def count(
        self,
        cells: dict[Stored, ActivityCell],
        recorded: Recorded,
        at: int,
        seller: SellerRow,
        currency: str,
    ) -> None:
        """Counts an event.  A fact in several parts counts once; units and values of its parts are summed."""
        kind, reason, currency, units, value = facts_of(recorded.event, currency or seller.currency)
        key = (recorded.seller_id, local_day(seller.zone, at), kind, reason, currency)
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = ActivityCell(*key)
        cell.events += 1
        if recorded.part == 1:
            if recorded.inferred:
                cell.inferred += 1
            else:
                cell.facts += 1
        cell.units += units
        cell.value_micros += value

    def add(self, stored: dict[Stored, ActivityCell], addition: ActivityCell) -> ActivityCell:
        """Adds a batch's cell to the stored cell of its reason; beyond the limit, to that of `(others)`."""
        key = (addition.reason, addition.currency)
        if key not in stored and len(stored) >= self._most_reasons:
            key = (OTHER_REASONS, addition.currency)
        cell = stored.get(key)
        if cell is None:
            cell = stored[key] = ActivityCell(addition.seller_id, addition.day, addition.kind, *key)
        cell.facts += addition.facts
        cell.inferred += addition.inferred
        cell.events += addition.events
        cell.units += addition.units
        cell.value_micros += addition.value_micros
        return cell


READ_MODEL: Final = Activity()
