"""The order lifecycle with eventsourcing's own `Aggregate`, as its manual teaches it.

It implements the rules of `domain/` that the lifecycle needs.  It uses the library safely: the rules are
checked outside the `@event` methods, the state is changed inside them.
"""
# ruff: noqa: ARG002  the arguments of an @event method are the event's attributes, also when not used

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from eventsourcing.domain import Aggregate, event

NAMES = UUID("6f0c1f4e-3a43-4d3c-9f1b-0d1f6f0e8a11")


class Refused(Exception):
    """A rule refuses the command."""


@dataclass(slots=True)
class Line:
    """One order line, with the number of its pieces in each state."""

    sku: str
    ordered: int
    allocated: int = 0
    packed: int = 0
    handed_over: int = 0
    delivered: int = 0


@dataclass(slots=True)
class Shipment:
    """A parcel."""

    pieces: dict[str, int]
    dispatched: bool = False
    status: str = "packed"
    status_at: str = ""
    updates: set[str] = field(default_factory=set[str])


class StockItem(Aggregate):
    @event("Opened")
    def __init__(self, sku: str) -> None:
        self.sku = sku
        self.on_hand = 0
        self.reservations: dict[str, int] = {}
        self.waiting: dict[str, int] = {}
        self.reserved = 0
        self.level = "ok"

    @staticmethod
    def create_id(sku: str) -> UUID:
        return uuid5(NAMES, sku)

    def receive(self, pieces: int, at: datetime) -> None:
        self._received(pieces, timestamp=at)
        self._watch(at)

    def reserve(self, key: str, pieces: int, at: datetime) -> int:
        """Returns how many pieces it reserved.  The rest is backordered."""
        if key in self.reservations or key in self.waiting:
            return 0
        granted = min(pieces, max(0, self.on_hand - self.reserved))
        if granted:
            self._reserved(key, granted, timestamp=at)
        if granted < pieces:
            self._backordered(key, pieces - granted, timestamp=at)
        self._watch(at)
        return granted

    def ship(self, key: str, pieces: int, at: datetime) -> None:
        if self.reservations.get(key, 0) < pieces:
            msg = f"{key} has less than {pieces} reserved"
            raise Refused(msg)
        self._shipped(key, pieces, timestamp=at)
        self._watch(at)

    def _watch(self, at: datetime) -> None:
        """Records low stock and sold out once, when a threshold is crossed."""
        available = self.on_hand - self.reserved
        enough = 10 if self.level == "ok" else 14
        level = "sold_out" if available <= 0 else "low" if available <= enough else "ok"
        if level != self.level:
            self._level_changed(level, available, timestamp=at)

    @event("Received")
    def _received(self, pieces: int, timestamp: datetime) -> None:
        self.on_hand += pieces

    @event("Reserved")
    def _reserved(self, key: str, pieces: int, timestamp: datetime) -> None:
        self.reserved += pieces
        self.reservations[key] = pieces

    @event("Backordered")
    def _backordered(self, key: str, pieces: int, timestamp: datetime) -> None:
        self.waiting[key] = pieces

    @event("Shipped")
    def _shipped(self, key: str, pieces: int, timestamp: datetime) -> None:
        self.on_hand -= pieces
        self.reserved -= pieces
        self.reservations[key] -= pieces
        if not self.reservations[key]:
            del self.reservations[key]

    @event("LevelChanged")
    def _level_changed(self, level: str, available: int, timestamp: datetime) -> None:
        self.level = level


class Order(Aggregate):
    @event("Placed")
    def __init__(self, key: str, currency: str, lines: list[list[str | int]], timestamp: datetime) -> None:
        self.key = key
        self.currency = currency
        self.lines = {str(line): Line(str(sku), int(pieces)) for line, sku, pieces in lines}
        self.payments: set[str] = set()
        self.captured = 0
        self.ship_by: str | None = None
        self.shipments: dict[str, Shipment] = {}

    @staticmethod
    def create_id(key: str) -> UUID:
        return uuid5(NAMES, key)

    def pay(self, payment_id: str, amount: int, ship_by: str, at: datetime) -> bool:
        if payment_id in self.payments:
            return False
        self._paid(payment_id, amount, ship_by, timestamp=at)
        return True

    def allocate(self, line: str, pieces: int, at: datetime) -> None:
        wanted = self.lines[line].ordered - self.lines[line].allocated
        if pieces := min(pieces, wanted):
            self._allocated(line, pieces, timestamp=at)

    def pack(self, shipment_id: str, pieces: Mapping[str, int], checked_by: str, at: datetime) -> None:
        if shipment_id in self.shipments:
            return
        for name, some in pieces.items():
            line = self.lines.get(name)
            if line is None or some > line.allocated:
                msg = f"{some} of line {name} are not allocated"
                raise Refused(msg)
        self._packed(shipment_id, dict(pieces), checked_by, timestamp=at)

    def dispatch(self, shipment_id: str, carrier: str, number: str, at: datetime) -> bool:
        shipment = self.shipments.get(shipment_id)
        if shipment is None:
            msg = f"nothing is packed as {shipment_id}"
            raise Refused(msg)
        if shipment.dispatched:
            return False
        self._dispatched(shipment_id, carrier, number, timestamp=at)
        return True

    def track(self, shipment_id: str, status: str, at: datetime) -> None:
        shipment = self.shipments.get(shipment_id)
        reported_at = at.isoformat()
        if shipment is None or f"{status} {reported_at}" in shipment.updates:
            return
        self._tracked(shipment_id, status, reported_at, late=reported_at < shipment.status_at, timestamp=at)

    @event("Paid")
    def _paid(self, payment_id: str, amount: int, ship_by: str, timestamp: datetime) -> None:
        self.payments.add(payment_id)
        self.captured += amount
        self.ship_by = self.ship_by or ship_by

    @event("Allocated")
    def _allocated(self, line: str, pieces: int, timestamp: datetime) -> None:
        self.lines[line].allocated += pieces

    @event("Packed")
    def _packed(self, shipment_id: str, pieces: dict[str, int], checked_by: str, timestamp: datetime) -> None:
        for line, some in pieces.items():
            self.lines[line].allocated -= some
            self.lines[line].packed += some
        self.shipments[shipment_id] = Shipment(pieces)

    @event("Dispatched")
    def _dispatched(self, shipment_id: str, carrier: str, number: str, timestamp: datetime) -> None:
        shipment = self.shipments[shipment_id]
        shipment.dispatched = True
        for line, some in shipment.pieces.items():
            self.lines[line].packed -= some
            self.lines[line].handed_over += some

    @event("Tracked")
    def _tracked(
        self, shipment_id: str, status: str, reported_at: str, timestamp: datetime, *, late: bool
    ) -> None:
        shipment = self.shipments[shipment_id]
        shipment.updates.add(f"{status} {reported_at}")
        if late:
            return
        shipment.status, shipment.status_at = status, reported_at
        if status == "delivered" and shipment.dispatched:
            for line, some in shipment.pieces.items():
                self.lines[line].handed_over -= some
                self.lines[line].delivered += some
