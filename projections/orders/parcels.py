"""Folds the events of parcels, refunds, reviews and returns into the rows of an order."""

from domain.message import Event
from domain.order.dispatch import FAILED, ShipmentDispatched
from domain.order.fulfil import LinesFulfilled
from domain.order.handover import HandoverTimed, InvoiceCorrected
from domain.order.pack import ShipmentPacked
from domain.order.returns import LinesReturned, ReturnAdmitted, ReturnClosed, ReturnOpened
from domain.order.review import ReviewPosted
from domain.order.track import HOLDS, ShipmentTracked
from domain.values import without
from projections.fold import Fold, when
from projections.instants import micros_of
from projections.orders.view import OrderView, earliest, handover_times, latest, move, overtake, parcel_of


class AfterPacking(Fold[OrderView]):
    """The part of the fold of orders that handles the events from the packing of a parcel on."""

    @when
    def packed(self, view: OrderView, event: ShipmentPacked, at: int) -> None:
        del at
        parcel = parcel_of(view, event.shipment_id)
        for moved in event.moves:
            parcel.contents[moved.line] = parcel.contents.get(moved.line, 0) + moved.pieces
            move(view, moved, "packed")

    @when
    def dispatched(self, view: OrderView, event: ShipmentDispatched, at: int) -> None:
        """The pieces get the state of the parcel's latest milestone, which may have been recorded before."""
        order, parcel = view.status, parcel_of(view, event.shipment_id)
        to = "in_transit" if parcel.status_at is None else HOLDS.get(parcel.status, "in_transit")
        if parcel.dispatched_at is None:
            parcel.dispatch_inferred, parcel.contents = event.inferred, {}
        parcel.dispatched_at = earliest(parcel.dispatched_at, at)
        parcel.carrier = parcel.carrier or event.carrier
        parcel.tracking_number = parcel.tracking_number or event.tracking_number
        order.first_dispatched_at = earliest(order.first_dispatched_at, at)
        order.last_dispatched_at = latest(order.last_dispatched_at, at)
        for name, lines in (event.replaces or {}).items():
            view.parcels[name].contents = without(view.parcels[name].contents, lines)
        for moved in event.moves:
            line = move(view, moved, to)
            parcel.contents[moved.line] = parcel.contents.get(moved.line, 0) + moved.pieces
            if moved.was in FAILED:
                continue  # a replacement: its line was handed over before
            line.first_dispatched_at = earliest(line.first_dispatched_at, at)
            line.last_dispatched_at = latest(line.last_dispatched_at, at)
            line.dispatch_inferred = line.dispatch_inferred or event.inferred
        overtake(view, at)

    @when
    def invoice_corrected(self, view: OrderView, event: InvoiceCorrected, at: int) -> None:
        del at
        parcel = view.parcels[event.shipment_id]
        parcel.carrier, parcel.tracking_number = event.carrier, event.tracking_number

    @when
    def handover_timed(self, view: OrderView, event: HandoverTimed, at: int) -> None:
        """The times of an order and of its lines are those of their parcels."""
        parcel = view.parcels[event.shipment_id]
        parcel.dispatched_at, parcel.dispatch_inferred = at, event.inferred
        for name in parcel.contents:
            line = view.lines[name]
            holding = [other for other in view.parcels.values() if name in other.contents]
            line.first_dispatched_at, line.last_dispatched_at = handover_times(holding)
            line.dispatch_inferred = any(other.dispatch_inferred for other in holding)
        order = view.status
        order.first_dispatched_at, order.last_dispatched_at = handover_times(view.parcels.values())

    def inferred(self, view: OrderView, event: Event) -> None:
        if isinstance(event, ShipmentDispatched):
            parcel_of(view, event.shipment_id).dispatch_inferred = True
            for moved in event.moves:
                view.lines[moved.line].dispatch_inferred = True

    @when
    def tracked(self, view: OrderView, event: ShipmentTracked, at: int) -> None:
        parcel = parcel_of(view, event.shipment_id)
        reported_at = None if event.reported_at is None else micros_of(event.reported_at)
        if event.milestone is not None and event.milestone_at is not None:
            holds = event.milestone, micros_of(event.milestone_at)
            if holds != (parcel.status, parcel.status_at):
                parcel.status, parcel.status_at = holds
                parcel.reported_at = reported_at if holds == (event.status, at) else None
        elif not event.late:
            parcel.status, parcel.status_at, parcel.reported_at = event.status, at, reported_at
        for moved in event.moves:
            move(view, moved, event.to)

    @when
    def fulfilled(self, view: OrderView, event: LinesFulfilled, at: int) -> None:
        for moved in event.moves:
            line = move(view, moved, "delivered")
            line.fulfilled_at = latest(line.fulfilled_at, at)
        overtake(view, at)

    @when
    def reviewed(self, view: OrderView, event: ReviewPosted, at: int) -> None:
        order = view.status
        if order.reviewed_at is None or (at, event.review_id) > (order.reviewed_at, order.review_id or ""):
            order.reviewed_at, order.review_id, order.review_score = at, event.review_id, event.score

    @when
    def return_opened(self, view: OrderView, event: ReturnOpened | ReturnAdmitted, at: int) -> None:
        del at
        if isinstance(event, ReturnOpened):
            view.status.return_reasons[event.return_id] = event.reason
        for item in event.lines:
            view.lines[item.line].return_open += item.pieces

    @when
    def returned(self, view: OrderView, event: LinesReturned, at: int) -> None:
        reason = view.status.return_reasons.get(event.return_id, "other")
        for item in event.lines:
            line = view.lines[item.line]
            line.return_open = max(0, line.return_open - item.pieces)
            line.returned += item.pieces
            line.returned_by_reason[reason] = line.returned_by_reason.get(reason, 0) + item.pieces
            line.returned_at = latest(line.returned_at, at)

    @when
    def return_closed(self, view: OrderView, event: ReturnClosed, at: int) -> None:
        del at
        for item in event.lines:
            line = view.lines[item.line]
            line.return_open = max(0, line.return_open - item.pieces)
