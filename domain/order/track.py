"""Rules for carrier milestones, which may be late, repeated or out of order.

The milestone that holds follows from all scans of a parcel, ordered by (time, rank), so that the sequence in
which they arrive does not matter.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.allocate import SHIP_BY_PASSED
from domain.order.dispatch import inferred_dispatch
from domain.order.handover import CARRIER_HAS_IT, timed, tracked_without_dispatch
from domain.order.state import Move, Order, OrderCommand, Scan, Shipment, moved, take
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


def _by_time(scan: Scan) -> tuple[datetime, int]:
    return scan.at, RANK[scan.status]


def milestone(scans: Iterable[Scan]) -> Scan:
    """The milestone that holds after these scans, of which there is at least one.

    `unknown` says nothing.  The first delivery holds: a repeated scan starts no new return window.  A parcel
    that goes back to its sender ends there: its later scans, `delivered` included, are of the way back.
    """
    first, *later = sorted(scans, key=_by_time)
    holds = first
    for scan in later:
        unclear = scan.status == "exception" and not scan.reason and holds.status in HOLDS
        repeated = scan.status == holds.status and holds.status in HOLDS
        on_the_way_back = holds.status == "return_to_sender" and scan.status != "lost"
        if not (scan.status == "unknown" or unclear or repeated or on_the_way_back):
            holds = scan
    return holds


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
    milestone: str | None = None
    """The milestone that holds after this one, if that is not simply the latest of the two."""
    milestone_at: AwareDatetime | None = None
    """When that milestone was reached."""


@rules.on_command
def track(order: Order, command: RecordTracking, context: MessageContext) -> list[Event]:
    shipment = order.shipments.get(command.shipment_id, Shipment())
    scan = Scan(context.at, command.status, command.raw_code is not None)
    if any((earlier.at, earlier.status) == (scan.at, scan.status) for earlier in shipment.scans):
        return []
    late = any(_by_time(scan) < _by_time(earlier) for earlier in shipment.scans)
    before = None if shipment.status_at is None else Scan(shipment.status_at, shipment.status)
    holds = milestone((*shipment.scans, scan))
    simple = (holds.at, holds.status) == ((before or scan)[:2] if late else scan[:2])
    to = HOLDS.get(command.status if simple else holds.status, "in_transit")
    moves: list[Move] = []
    if shipment.dispatched and (not late or not simple) and to != shipment.holds:
        moves = take(order, shipment.moves, (shipment.holds,))
    events: list[Event] = [
        ShipmentTracked(
            at=context.at,
            shipment_id=command.shipment_id,
            status=command.status,
            raw_code=command.raw_code,
            moves=moves,
            to=to,
            late=late,
            corrects=not late and simple and before is not None and RANK[scan.status] < RANK[before.status],
            reported_at=context.reported_at,
            milestone=None if simple else holds.status,
            milestone_at=None if simple else holds.at,
        )
    ]
    if command.status in CARRIER_HAS_IT:
        events += _handed_over(order, command.shipment_id, context)
    return events


def _handed_over(order: Order, shipment_id: str, context: MessageContext) -> list[Event]:
    """What a scan shows that only a carrier can make who has the parcel."""
    shipment = order.shipments.get(shipment_id, Shipment())
    if shipment.dispatched:
        return timed(shipment_id, shipment, context, scan=True)
    if shipment.packed:
        return inferred_dispatch(order, shipment_id, context.at, context)
    late = any(key.startswith(SHIP_BY_PASSED) for key in order.seen_keys)
    waiting = any(line.before_handover for line in order.lines.values())
    return tracked_without_dispatch(order, [shipment_id], context) if late and waiting else []


@rules.on_event
def tracked(order: Order, event: ShipmentTracked) -> Order:
    previous = order.shipments.get(event.shipment_id, Shipment())
    status: TrackingStatus = event.status  # type: ignore[assignment]
    to: UnitState = event.to  # type: ignore[assignment]
    scan = Scan(event.at, status, event.raw_code is not None)
    shipment = previous._replace(scans=tuple(sorted((*previous.scans, scan))))
    if event.milestone is not None:
        holds: TrackingStatus = event.milestone  # type: ignore[assignment]
        shipment = shipment._replace(status=holds, status_at=event.milestone_at, holds=to)
    elif not event.late:
        shipment = shipment._replace(status=status, status_at=event.at, holds=to)
    return moved(order, event.moves, to, shipments={**order.shipments, event.shipment_id: shipment})
