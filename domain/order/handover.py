"""Rules for what is reported of a hand-over besides its pieces: its time, its carrier, its tracking number.

Channels report a parcel again with a corrected number, and some report only its scans.  The number with the
latest time holds, and the earliest reported time; a time inferred from a scan holds until one is reported.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from pydantic import AwareDatetime

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.discrepancy import TRACKED, discrepancy, not_recorded
from domain.order.state import Order, Shipment
from domain.values import TrackingStatus

rules = Rules[Order]()

CARRIER_HAS_IT: Final[frozenset[TrackingStatus]] = frozenset({
    "picked_up", "in_transit", "delivery_attempt_failed", "out_for_delivery", "available_for_pickup",
    "lost", "return_to_sender", "delivered",
})  # fmt: skip
"""The milestones that a carrier can report only of a parcel that was handed over."""


class InvoiceCorrected(Event):
    """The parcel has another carrier or tracking number than reported before.  It left when it left."""

    shipment_id: str
    carrier: str | None
    tracking_number: str | None
    old_carrier: str | None
    old_tracking_number: str | None


class HandoverTimed(Event):
    """The parcel was handed over at another time than recorded.  `inferred`: still only by a scan."""

    shipment_id: str
    old_dispatched_at: AwareDatetime
    inferred: bool = False


class Invoice(NamedTuple):
    """The carrier and the tracking number of a parcel, as far as they are stated."""

    carrier: str | None
    number: str | None

    def completed_by(self, other: "Invoice") -> "Invoice":
        return Invoice(self.carrier or other.carrier, self.number or other.number)


def invoice(order: Order, shipment_id: str, stated: Invoice, context: MessageContext) -> list[Event]:
    """The correction of the invoice of a parcel that has left; none if it changes nothing."""
    shipment = order.shipments[shipment_id]
    held = Invoice(shipment.carrier, shipment.tracking_number)
    claim = stated.completed_by(held)
    if claim == held:
        return []
    later = _rank(context.at, stated) >= _rank(shipment.invoice_at or context.at, held)
    holds = claim if later else held.completed_by(stated)
    old = held if holds != held else claim
    if holds == held and _key(shipment_id, old) in order.seen_keys:
        return []
    return [
        InvoiceCorrected(
            at=context.at,
            shipment_id=shipment_id,
            carrier=holds.carrier,
            tracking_number=holds.number,
            old_carrier=old.carrier,
            old_tracking_number=old.number,
        )
    ]


def _rank(at: datetime, one: Invoice) -> tuple[datetime, str, str]:
    """Of two invoices the one with the higher rank holds."""
    return at, one.number or "", one.carrier or ""


def _key(shipment_id: str, one: Invoice) -> str:
    return f"invoice:{shipment_id}:{one.carrier}:{one.number}"


def timed(shipment_id: str, shipment: Shipment, context: MessageContext, *, scan: bool) -> list[Event]:
    """The correction of the time at which a parcel left; none if the recorded time holds."""
    before = shipment.dispatched_at
    if before is None or (scan and not shipment.inferred) or context.inferred:
        return []
    if not (context.at < before or (shipment.inferred and not scan)):
        return []
    return [HandoverTimed(at=context.at, shipment_id=shipment_id, old_dispatched_at=before, inferred=scan)]


def taken_at(shipment: Shipment) -> datetime | None:
    """The time of the first scan which shows that the carrier has the parcel."""
    return next((scan.at for scan in shipment.scans if scan.status in CARRIER_HAS_IT), None)


def tracked_without_dispatch(order: Order, shipments: Iterable[str], context: MessageContext) -> list[Event]:
    """Discrepancies: a carrier has these parcels, and nobody reported their hand-over or their packing."""
    events = (
        discrepancy(
            at=context.at,
            kind=TRACKED,
            subject=name,
            expected="a dispatch",
            observed="the carrier has the parcel",
        )
        for name in shipments
    )
    return not_recorded(order, events)


@rules.on_event
def invoice_corrected(order: Order, event: InvoiceCorrected) -> Order:
    shipment = order.shipments.get(event.shipment_id, Shipment())
    holds = Invoice(event.carrier, event.tracking_number)
    old = Invoice(event.old_carrier, event.old_tracking_number)
    corrected = shipment._replace(
        carrier=holds.carrier,
        tracking_number=holds.number,
        invoice_at=max(shipment.invoice_at or event.at, event.at),
    )
    return order._replace(
        shipments={**order.shipments, event.shipment_id: corrected},
        seen_keys=order.seen_keys | {_key(event.shipment_id, holds), _key(event.shipment_id, old)},
    )


@rules.on_event
def handover_timed(order: Order, event: HandoverTimed) -> Order:
    shipment = order.shipments.get(event.shipment_id, Shipment())
    corrected = shipment._replace(dispatched_at=event.at, inferred=event.inferred)
    return order._replace(shipments={**order.shipments, event.shipment_id: corrected})
