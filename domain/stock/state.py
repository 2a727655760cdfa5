"""The state and the events of a stock item.  Maps without a size limit are persistent maps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from immutables import Map
from pydantic import AwareDatetime, PlainSerializer, PlainValidator, TypeAdapter

from domain.decider import MessageContext
from domain.discrepancies import registered
from domain.message import Command, Event, EventData
from domain.stock.past import Past
from domain.streams import StreamId, stock_stream
from domain.values import Text

Level = Literal["ok", "low", "sold_out"]
OPENING: Final = "opening"
"""The reason of a receipt that says what was there when the book was opened."""
CORRECTION: Final = "negative_stock_corrected"
"""The reason of an adjustment that adds pieces that left although the book had none."""
SETTLED: Final = "correction_settled"
"""The reason of one that takes such a correction back."""
COUNTED_SINCE: Final = "counted_since"
"""The reason of one that takes back a move that a later count has seen."""
KEY_SEPARATOR: Final = "\x1f"
"""Separates order and line in a key.  No id may contain it."""


class StockCommand(Command):
    """A message about one SKU."""

    sku: Text

    def stream(self, seller_id: str) -> StreamId:
        return stock_stream(seller_id, self.sku)


class At(EventData):
    """Pieces at a location.  `reserved`: how many of them were reserved for the line that is shipped."""

    location: str
    pieces: int
    reserved: int = 0


class Balance(NamedTuple):
    """Pieces at one location."""

    on_hand: int = 0
    reserved: int = 0
    quarantine: int = 0


class Reservation(NamedTuple):
    """Pieces reserved for an order line.  `expires_at`: end of the hold if the order is not paid."""

    at: tuple[tuple[str, int], ...]
    ship_by: datetime | None = None
    expires_at: datetime | None = None
    firm: int = 0
    """Pieces that do not expire, because they are packed."""

    @property
    def pieces(self) -> int:
        return sum(pieces for _, pieces in self.at)


class Waiting(NamedTuple):
    """A backorder: pieces of an order line that wait for stock."""

    order: str
    line: str
    pieces: int
    ship_by: datetime | None = None
    expires_at: datetime | None = None


_RESERVATIONS = TypeAdapter(dict[str, Reservation])
_WAITING = TypeAdapter(dict[int, Waiting])
_NUMBERS = TypeAdapter(dict[str, int])


def _persistent(adapter: TypeAdapter[Any]) -> tuple[PlainValidator, PlainSerializer]:
    """The validator and the serializer of a persistent map, for snapshots."""

    def read(value: Any) -> Map[Any, Any]:
        if isinstance(value, Map):
            persistent: Map[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
            return persistent
        return Map(adapter.validate_python(value))

    def write(value: Any) -> Any:
        return adapter.dump_python(dict(value), mode="json")

    return PlainValidator(read), PlainSerializer(write)


def line_key(order: str, line: str) -> str:
    return f"{order}{KEY_SEPARATOR}{line}"


class StockItem(NamedTuple):
    """The state of a stock item: balances per location, reservations, and the queue of backorders."""

    balances: Mapping[str, Balance] = {}
    past: Mapping[str, Past] = {}
    """The past of each location."""
    reservations: Annotated[Map[str, Reservation], *_persistent(_RESERVATIONS)] = Map()
    queue: Annotated[Map[int, Waiting], *_persistent(_WAITING)] = Map()
    queue_slots: Annotated[Map[str, int], *_persistent(_NUMBERS)] = Map()
    """The slot in `queue` of each line that waits."""
    head: int = 0
    tail: int = 0
    closed: bool = False
    """Closed for sale on every channel until the stock is counted or received."""
    closed_at: datetime | None = None
    """When it was closed the last time."""
    level: Level = "ok"
    uncounted: bool = False
    """Closed for sale and not counted since, so the book may promise pieces that are not there."""

    @property
    def available(self) -> int:
        """Pieces that can be reserved; negative after a short count."""
        pieces = 0
        for balance in self.balances.values():
            pieces += balance.on_hand - balance.reserved
        return pieces

    def is_counted_after(self, at: datetime) -> bool:
        """Whether any location was counted after `at`."""
        return any(past.counted_at is not None and at < past.counted_at for past in self.past.values())

    @property
    def size(self) -> int:
        """The size of the state, which tells when a snapshot is worthwhile.  Unit: entries."""
        return len(self.reservations) + len(self.queue)


class StockReceived(Event):
    """Pieces were received at a location."""

    receipt_id: str
    location: str
    pieces: int
    reason: str


class StockReserved(Event):
    """Pieces were reserved for an order line.  `expires_at`: end of the hold if the order is not paid."""

    order: str
    line: str
    pieces: int
    locations: list[At]
    ship_by: AwareDatetime | None
    expires_at: AwareDatetime | None
    packed: bool = False
    """They were packed before they were reserved, so the order knows of them already."""


class StockBackordered(Event):
    """These pieces are not available.  They wait in a queue, oldest first."""

    order: str
    line: str
    pieces: int
    ship_by: AwareDatetime | None
    expires_at: AwareDatetime | None = None


class ReservationConfirmed(Event):
    """The order was paid: the line's reservation and backorder no longer expire."""

    order: str
    line: str
    pieces: int | None = None
    """How many of the reserved pieces; None for all, and for the backordered ones too."""


class StockReleased(Event):
    """A reservation ended without a shipment.  It adds no pieces to on hand."""

    order: str
    line: str
    pieces: int
    locations: list[At]
    reason: str


class BackorderDropped(Event):
    """These pieces are no longer backordered."""

    order: str
    line: str
    pieces: int
    reason: str = ""


class StockShipped(Event):
    """Pieces of an order line left the stock."""

    order: str
    line: str
    pieces: int
    locations: list[At]


class StockCounted(Event):
    """The pieces at a location were counted.  `delta` = counted - book.

    `book`: the pieces that were there at that time, as far as is known now.
    """

    count_id: str
    location: str
    counted: int
    book: int
    delta: int


class StockAdjusted(Event):
    """The book stock was corrected by `delta` pieces.  `unit_price`: value of a piece; 0 if unknown."""

    adjustment_id: str
    location: str
    delta: int
    reason: str
    unit_price: str = "0"
    missing: int = 0
    """Pieces that left although the book had none; negative if a receipt or a count explains them."""


class StockQuarantined(Event):
    """Pieces went from on hand to quarantine, or back if `pieces` is negative."""

    location: str
    pieces: int
    reason: str


class ReturnQuarantined(Event):
    """Returned pieces arrived in quarantine.  They cannot be sold before an inspection."""

    return_id: str
    line: str
    location: str
    pieces: int


class ReturnRestocked(Event):
    """Inspected pieces went from quarantine back on sale."""

    return_id: str
    line: str
    location: str
    pieces: int


class ReturnScrapped(Event):
    """Inspected pieces were thrown away."""

    return_id: str
    line: str
    location: str
    pieces: int


class OrderAtRisk(EventData):
    order: str
    line: str
    pieces: int
    ship_by: AwareDatetime | None


class SaleClosed(Event):
    """The SKU was closed for sale on every channel.  `at_risk`: the most urgent of `at_risk_lines` lines."""

    cause: str
    at_risk: list[OrderAtRisk]
    at_risk_lines: int


class CountRequested(Event):
    """This SKU should be counted, because its book stock is unreliable."""

    cause: str


class SaleResumed(Event):
    """The SKU can be sold again, because it was counted or received."""

    cause: str


class LowStockDetected(Event):
    """The SKU is low on stock by the threshold of the stock policy, but not sold out."""

    available: int
    threshold: int
    policy: str


class SoldOutDetected(Event):
    """The available pieces are at or below the safety stock: nothing is left to sell."""

    available: int
    safety_stock: int
    policy: str


class StockRecovered(Event):
    """The available pieces are at or above `clear_at` of the stock policy again."""

    available: int
    policy: str


class StockDiscrepancyDetected(Event):
    """A recorded fact contradicts the book stock."""

    kind: str
    subject: str
    expected: int
    observed: int
    claimed: AwareDatetime | None = None
    """A time in the future that the message claims."""
    at_risk: list[OrderAtRisk] | None = None
    """Promised pieces that may be missing: the most urgent of `at_risk_lines` lines."""
    at_risk_lines: int = 0


def discrepancy(
    context: MessageContext, kind: str, subject: str, expected: int = 0, observed: int = 0, **details: Any
) -> StockDiscrepancyDetected:
    """A discrepancy of a registered kind.  `details`: the other fields of the event."""
    return StockDiscrepancyDetected(
        at=context.at, kind=registered(kind), subject=subject, expected=expected, observed=observed, **details
    )
