"""What the rules of a stock item need to know.  The maps that can grow are persistent maps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from immutables import Map
from pydantic import AwareDatetime, PlainSerializer, PlainValidator, TypeAdapter

from domain.message import Command, Event, EventData
from domain.streams import StreamId, stock_stream
from domain.values import Text

Level = Literal["ok", "low", "sold_out"]
BETWEEN: Final = "\x1f"
"""Stands between order and line in a key; no id of the contract may hold it."""


class StockCommand(Command):
    """A message about one SKU."""

    sku: Text

    def stream(self, seller_id: str) -> StreamId:
        return stock_stream(seller_id, self.sku)


class At(EventData):
    """Pieces at a location; `reserved` of them were promised to the line that they leave with."""

    location: str
    pieces: int
    reserved: int = 0


class Balance(NamedTuple):
    """Pieces at one location."""

    on_hand: int = 0
    reserved: int = 0
    quarantine: int = 0


class Reservation(NamedTuple):
    """Pieces promised to an order line.  `expires_at`: held for an unpaid order until then."""

    at: tuple[tuple[str, int], ...]
    ship_by: datetime | None = None
    expires_at: datetime | None = None

    @property
    def pieces(self) -> int:
        return sum(pieces for _, pieces in self.at)


class Waiting(NamedTuple):
    """Pieces of an order line that wait for stock."""

    order: str
    line: str
    pieces: int
    ship_by: datetime | None = None
    expires_at: datetime | None = None


_RESERVATIONS = TypeAdapter(dict[str, Reservation])
_WAITING = TypeAdapter(dict[int, Waiting])
_NUMBERS = TypeAdapter(dict[str, int])


def _persistent(adapter: TypeAdapter[Any]) -> tuple[PlainValidator, PlainSerializer]:
    """How a persistent map is read from and written to a snapshot."""

    def read(value: Any) -> Map[Any, Any]:
        if isinstance(value, Map):
            known: Map[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]
            return known
        return Map(adapter.validate_python(value))

    def write(value: Any) -> Any:
        return adapter.dump_python(dict(value), mode="json")

    return PlainValidator(read), PlainSerializer(write)


def line_key(order: str, line: str) -> str:
    return f"{order}{BETWEEN}{line}"


class StockItem(NamedTuple):
    """Balances per location, active reservations, and the queue of who waits, oldest first."""

    balances: Mapping[str, Balance] = {}
    reservations: Annotated[Map[str, Reservation], *_persistent(_RESERVATIONS)] = Map()
    queue: Annotated[Map[int, Waiting], *_persistent(_WAITING)] = Map()
    queue_slots: Annotated[Map[str, int], *_persistent(_NUMBERS)] = Map()
    """Which place in the queue a line has."""
    head: int = 0
    tail: int = 0
    closed: bool = False
    """Not for sale on any channel until stock is counted or received."""
    level: Level = "ok"

    @property
    def available(self) -> int:
        """Pieces that may be promised; negative after a short count."""
        pieces = 0
        for balance in self.balances.values():
            pieces += balance.on_hand - balance.reserved
        return pieces

    @property
    def size(self) -> int:
        """How much there is to write down."""
        return len(self.reservations) + len(self.queue)


class StockReceived(Event):
    receipt_id: str
    location: str
    pieces: int
    reason: str


class StockReserved(Event):
    order: str
    line: str
    pieces: int
    locations: list[At]
    ship_by: AwareDatetime | None
    expires_at: AwareDatetime | None


class StockBackordered(Event):
    """No stock for these pieces: they wait in the order in which they came."""

    order: str
    line: str
    pieces: int
    ship_by: AwareDatetime | None
    expires_at: AwareDatetime | None = None


class ReservationConfirmed(Event):
    """The order was paid: the reservation no longer expires."""

    order: str
    line: str


class StockReleased(Event):
    """A reservation ended without a shipment.  It adds no piece to on hand."""

    order: str
    line: str
    pieces: int
    locations: list[At]
    reason: str


class BackorderDropped(Event):
    """These pieces wait no longer."""

    order: str
    line: str
    pieces: int
    reason: str = ""


class StockShipped(Event):
    order: str
    line: str
    pieces: int
    locations: list[At]


class StockCounted(Event):
    """Somebody counted a location.  `delta` = counted - book."""

    count_id: str
    location: str
    counted: int
    book: int
    delta: int


class StockAdjusted(Event):
    """The book was put right by `delta` pieces, worth `unit_price` each where that is known."""

    adjustment_id: str
    location: str
    delta: int
    reason: str
    unit_price: str = "0"


class StockQuarantined(Event):
    """Pieces went from on hand to quarantine, or back where `pieces` is negative."""

    location: str
    pieces: int
    reason: str


class ReturnQuarantined(Event):
    """Returned pieces came in; nobody may sell them before an inspection."""

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
    """The SKU is off sale on every channel.  `at_risk`: the first to ship of the `at_risk_lines` lines."""

    cause: str
    at_risk: list[OrderAtRisk]
    at_risk_lines: int


class CountRequested(Event):
    """Somebody should count this SKU: its book is in doubt."""

    cause: str


class SaleResumed(Event):
    """The SKU may be sold again, because it was counted or received."""

    cause: str


class LowStockDetected(Event):
    available: int
    threshold: int
    policy: str


class SoldOutDetected(Event):
    available: int
    safety_stock: int
    policy: str


class StockRecovered(Event):
    available: int
    policy: str


class StockDiscrepancyDetected(Event):
    """A fact contradicts the book.  It was recorded all the same."""

    kind: str
    subject: str
    expected: int
    observed: int
