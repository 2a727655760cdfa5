"""Rules for carrier milestones.  They may be late, repeated or out of order: the latest (time, rank) wins."""

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
"""The state of a parcel's pieces by its milestone; for any other milestone they are in transit."""


class RecordTracking(OrderCommand):
    """Fact: the carrier reported a milestone of a parcel.  `raw_code`: the carrier's code for `status`."""

    shipment_id: Text
    status: TrackingStatus
    raw_code: Text | None = None


class ShipmentTracked(Event):
    """A milestone of a parcel.  `moves`: the pieces whose state it changed; empty if it changed none.

    `late`: a later milestone had been recorded before.  `corrects`: it moved the parcel back.
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
    if _key(command.shipment_id, command.status, context.at.isoformat()) in order.seen_keys:
        return []
    shipment = order.shipments.get(command.shipment_id, Shipment())
    rank = RANK[command.status]
    late = shipment.status_at is not None and (context.at, rank) < (shipment.status_at, RANK[shipment.status])
    to = HOLDS.get(command.status, "in_transit")
    moves: list[Move] = []
    if shipment.dispatched and not late and to != shipment.holds:
        moves = take(order, shipment.moves, (shipment.holds,))
    return [
        ShipmentTracked(
            at=context.at,
            shipment_id=command.shipment_id,
            status=command.status,
            raw_code=command.raw_code,
            moves=moves,
            to=to,
            late=late,
            corrects=not late and shipment.status_at is not None and rank < RANK[shipment.status],
            reported_at=context.reported_at,
        )
    ]


def _key(shipment_id: str, status: str, at: str) -> str:
    return f"track:{shipment_id}:{status}:{at}"


@rules.on_event
def tracked(order: Order, event: ShipmentTracked) -> Order:
    seen_keys = order.seen_keys | {_key(event.shipment_id, event.status, event.at.isoformat())}
    if event.late:
        return order._replace(seen_keys=seen_keys)
    previous = order.shipments.get(event.shipment_id, Shipment())
    to: UnitState = event.to  # type: ignore[assignment]
    status: TrackingStatus = event.status  # type: ignore[assignment]
    shipment = previous._replace(status=status, status_at=event.at, holds=to)
    shipments = {**order.shipments, event.shipment_id: shipment}
    return moved(order, event.moves, to, shipments=shipments, seen_keys=seen_keys)
