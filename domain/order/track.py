"""Carrier milestones.  They arrive late, twice and backwards: the latest by (carrier time, rank) holds."""

from typing import Final

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.state import Move, Order, OrderCommand, Shipment, moved, take
from domain.values import Text, TrackingStatus, UnitState

rules = Rules[Order]()

STATUSES: Final[tuple[TrackingStatus, ...]] = (
    "unknown", "label_created", "picked_up", "in_transit", "exception", "delivery_attempt_failed",
    "out_for_delivery", "available_for_pickup", "cancelled", "lost", "return_to_sender", "delivered",
)  # fmt: skip
RANK: Final[dict[str, int]] = {status: rank for rank, status in enumerate(STATUSES)}
HOLDS: Final[dict[str, UnitState]] = {
    "delivered": "delivered",
    "lost": "lost",
    "return_to_sender": "returned_to_sender",
}
"""Where the pieces of a parcel are, by its milestone; any other means in transit."""


class RecordTracking(OrderCommand):
    """Fact: the carrier said where a parcel is.  The raw code is kept beside our word for it."""

    shipment_id: Text
    status: TrackingStatus
    raw_code: Text | None = None


class ShipmentTracked(Event):
    """A milestone.  `moves`: pieces whose state it changed; none when it came late or changed nothing.

    `late`: a later milestone was known already.  `corrects`: it moved the parcel backwards.
    """

    shipment_id: str
    status: str
    raw_code: str | None
    moves: list[Move]
    to: str
    late: bool
    corrects: bool
    reported_at: AwareDatetime | None


@rules.on_command
def track(order: Order, command: RecordTracking, context: MessageContext) -> list[Event]:
    if _name(command.shipment_id, command.status, context.at.isoformat()) in order.seen_keys:
        return []
    known = order.shipments.get(command.shipment_id, Shipment())
    rank = RANK[command.status]
    late = known.status_at is not None and (context.at, rank) < (known.status_at, RANK[known.status])
    to = HOLDS.get(command.status, "in_transit")
    moves: list[Move] = []
    if known.dispatched and not late and to != known.holds:
        moves = take(order, known.moves, (known.holds,))
    return [
        ShipmentTracked(
            at=context.at,
            shipment_id=command.shipment_id,
            status=command.status,
            raw_code=command.raw_code,
            moves=moves,
            to=to,
            late=late,
            corrects=not late and known.status_at is not None and rank < RANK[known.status],
            reported_at=context.reported_at,
        )
    ]


def _name(shipment_id: str, status: str, at: str) -> str:
    return f"track:{shipment_id}:{status}:{at}"


@rules.on_event
def tracked(order: Order, event: ShipmentTracked) -> Order:
    seen_keys = order.seen_keys | {_name(event.shipment_id, event.status, event.at.isoformat())}
    if event.late:
        return order._replace(seen_keys=seen_keys)
    known = order.shipments.get(event.shipment_id, Shipment())
    to: UnitState = event.to  # type: ignore[assignment]
    status: TrackingStatus = event.status  # type: ignore[assignment]
    shipment = known._replace(status=status, status_at=event.at, holds=to)
    shipments = {**order.shipments, event.shipment_id: shipment}
    return moved(order, event.moves, to, shipments=shipments, seen_keys=seen_keys)
