"""Folds the events of returns into `return_status`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from domain.returns.receive import PiecesAdmitted, ReturnCollected, ReturnInspected, ReturnReceived
from domain.returns.refund import RefundOverdue, ReturnRefunded
from domain.returns.request import (
    ReturnApproved,
    ReturnRecorded,
    ReturnRejected,
    ReturnRequested,
    ReturnWithdrawn,
)
from domain.returns.state import CLOSED, closed, further
from domain.streams import StreamId
from domain.values import micros
from projections.fold import Fold, Group, Rows, when
from projections.instants import micros_of
from projections.orders.rows import Maybe, Seller
from projections.orders.view import earliest
from projections.sellers import SellerRow
from projections.tables import INSTANT, MICROS, MINOR, Column, Table


@dataclass(slots=True)
class ReturnStatus:
    """One row per return: its state, its reason, who is at fault, and the time of each step."""

    seller_id: Seller
    return_key: Annotated[
        str, Column("Its id; with channel and account, `channel:account:id`, if another had the id before")
    ]
    return_id: Annotated[str, Column("Id of the return")]
    channel: Annotated[str, Column("The channel on which the pieces were sold")] = ""
    account: Annotated[str | None, Column("The seller's account on the channel; none without an order")] = (
        None
    )
    order_id: Annotated[str | None, Column("Id of the order; none if the order is not in the ledger")] = None
    state: Annotated[
        str, Column("requested, approved, collected, received, inspected, refunded, rejected, withdrawn")
    ] = ""
    reason: Annotated[str, Column("Reason of the return")] = "other"
    fault: Annotated[str, Column("Who is at fault; empty if not stated")] = ""
    payer: Annotated[str, Column("Who pays the return shipping")] = ""
    origin: Annotated[str, Column("Who requested the return")] = ""
    skus: Annotated[str, Column("The returned SKUs", "SKUs, separated by spaces")] = ""
    pieces: Annotated[int, Column("Pieces requested to be returned", "pieces")] = 0
    received: Annotated[int, Column("Pieces received", "pieces")] = 0
    restocked: Annotated[int, Column("Pieces restocked after the inspection", "pieces")] = 0
    scrapped: Annotated[int, Column("Pieces scrapped after the inspection", "pieces")] = 0
    value_micros: Annotated[int, Column("Value of the pieces; only for returns without an order", MICROS)] = 0
    refunded: Annotated[int, Column("Amount refunded", MINOR)] = 0
    receivable: Annotated[
        int, Column("Value of pieces that the channel refunded before they came back, until they do", MINOR)
    ] = 0
    occurred_at: Annotated[
        Maybe, Column("When it was requested, or received without a request, as the source says", INSTANT)
    ] = None
    requested_at: Annotated[Maybe, Column("When it was requested", INSTANT)] = None
    approved_at: Annotated[Maybe, Column("When it was approved", INSTANT)] = None
    collected_at: Annotated[Maybe, Column("When the carrier collected it from the buyer", INSTANT)] = None
    received_at: Annotated[Maybe, Column("When it was received", INSTANT)] = None
    inspected_at: Annotated[Maybe, Column("When the first piece was inspected", INSTANT)] = None
    refunded_at: Annotated[Maybe, Column("When it was first refunded", INSTANT)] = None
    rejected_at: Annotated[Maybe, Column("When it was rejected", INSTANT)] = None
    withdrawn_at: Annotated[Maybe, Column("When the buyer withdrew it", INSTANT)] = None
    refund_due_at: Annotated[Maybe, Column("When the refund is due", INSTANT)] = None
    overdue: Annotated[bool, Column("Whether the due instant passed without a refund")] = False
    zone: Annotated[str, Column("The seller's time zone", "IANA name")] = "UTC"
    currency: Annotated[str, Column("Currency of its amounts", "ISO 4217")] = ""
    position: Annotated[int, Column("Ledger position of the last event that changed it")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded", INSTANT)] = 0


RETURN_STATUS: Final = Table("return_status", ReturnStatus, ("seller_id", "return_key"), 2)


class Returns(Fold[ReturnStatus]):
    """One view per return: its row."""

    kinds = frozenset({"return"})
    tables = (RETURN_STATUS,)

    def group(self, stream: str) -> Group:
        _, seller, key = StreamId(stream).parts
        return seller, key

    def opened(self, group: Group, rows: Rows) -> ReturnStatus:
        seller, key = group
        stored = rows.get("return_status")
        return stored[0] if stored else ReturnStatus(seller, key, key)

    def begin(self, view: ReturnStatus, seller: SellerRow) -> None:
        view.zone, view.currency = seller.zone, seller.currency

    def currency(self, view: ReturnStatus) -> str:
        return view.currency

    def rows(self, view: ReturnStatus) -> Iterable[tuple[Table[Any], Any]]:
        yield RETURN_STATUS, view

    @when
    def requested(self, view: ReturnStatus, event: ReturnRequested, at: int) -> None:
        view.return_id = event.return_id or view.return_id
        view.channel, view.account, view.order_id = event.order.split(":", 2)
        view.state = view.state or "requested"
        view.occurred_at, view.requested_at = (
            earliest(view.occurred_at, at),
            earliest(view.requested_at, at),
        )
        view.reason, view.fault, view.payer, view.origin = (
            event.reason,
            event.fault,
            event.payer,
            event.origin,
        )
        view.pieces += sum(piece.pieces for piece in event.lines)
        if event.refunded_already:
            view.receivable += event.value or 0
        view.skus = " ".join(sorted({*view.skus.split(" "), *(piece.sku for piece in event.lines)} - {""}))

    @when
    def recorded(self, view: ReturnStatus, event: ReturnRecorded, at: int) -> None:
        view.channel, view.currency, view.origin = event.channel, event.currency, "import"
        view.state, view.occurred_at, view.received_at = "received", at, at
        view.pieces = view.received = sum(piece.pieces for piece in event.lines)
        view.skus = " ".join(sorted({piece.sku for piece in event.lines}))
        view.value_micros = micros(event.unit_price, view.pieces)

    @when
    def approved(self, view: ReturnStatus, event: ReturnApproved, at: int) -> None:
        del event
        view.approved_at = at
        if view.state not in CLOSED:
            view.state = further(view.state, "approved")

    @when
    def rejected(self, view: ReturnStatus, event: ReturnRejected, at: int) -> None:
        del event
        view.state, view.rejected_at, view.refund_due_at = closed(view.state, "rejected"), at, None

    @when
    def withdrawn(self, view: ReturnStatus, event: ReturnWithdrawn, at: int) -> None:
        del event
        view.state, view.withdrawn_at, view.refund_due_at = closed(view.state, "withdrawn"), at, None

    @when
    def collected(self, view: ReturnStatus, event: ReturnCollected, at: int) -> None:
        view.state = further(view.state, "collected")
        view.collected_at = earliest(view.collected_at, at)
        _refund_due(view, event.refund_due_at)

    @when
    def received(self, view: ReturnStatus, event: ReturnReceived, at: int) -> None:
        view.state, view.received_at = further(view.state, "received"), earliest(view.received_at, at)
        view.received += sum(piece.pieces for piece in event.lines)
        if view.received >= view.pieces:
            view.receivable = 0
        _refund_due(view, event.refund_due_at)

    @when
    def admitted(self, view: ReturnStatus, event: PiecesAdmitted, at: int) -> None:
        del at
        view.received += sum(piece.pieces for piece in event.lines)

    @when
    def inspected(self, view: ReturnStatus, event: ReturnInspected, at: int) -> None:
        if event.units:
            view.state = further(view.state, "inspected")
        view.inspected_at = earliest(view.inspected_at, at)
        for unit in event.units:
            if unit.disposition == "restock":
                view.restocked += unit.pieces
            elif unit.disposition == "scrap":
                view.scrapped += unit.pieces
        _refund_due(view, event.refund_due_at)

    @when
    def refunded(self, view: ReturnStatus, event: ReturnRefunded, at: int) -> None:
        view.state, view.refunded_at = "refunded", earliest(view.refunded_at, at)
        view.refunded += event.amount

    @when
    def overdue(self, view: ReturnStatus, event: RefundOverdue, at: int) -> None:
        del event, at
        view.overdue = True


def _refund_due(view: ReturnStatus, due: datetime | None) -> None:
    """The earliest due instant counts.  None is due for a return that was rejected or withdrawn."""
    if due is not None and view.rejected_at is None and view.withdrawn_at is None:
        view.refund_due_at = earliest(view.refund_due_at, micros_of(due))


READ_MODEL: Final = Returns()
