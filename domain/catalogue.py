"""Every name of the contract and what it stands for.  Newcomers start here.

A name is for ever: its line may point at a newer class, but never go.  A new optional field keeps the name;
a new meaning, a renamed or a dropped field makes a `.v2`.
"""

from typing import Any, Final

from domain import order, returns, seller, stock
from domain.decider import Decider
from domain.message import Command, Event
from domain.order.after import (
    LinesReturned,
    PostReview,
    RecordRefund,
    RefundRecorded,
    RequestReturn,
    ReturnClosed,
    ReturnOpened,
    ReviewPosted,
)
from domain.order.allocate import (
    LineAllocated,
    LineBackordered,
    LineDeallocated,
    ShipByMissed,
)
from domain.order.cancel import (
    CancelLines,
    CancelRejected,
    CancelRequested,
    DecideCancel,
    LinesCancelled,
    RecordCancellation,
    RequestCancel,
)
from domain.order.place import (
    AcknowledgeOrder,
    AmendOrder,
    ClaimStatus,
    NoteOrder,
    OrderAcknowledged,
    OrderAmended,
    OrderDiscrepancyDetected,
    OrderNoted,
    OrderPaid,
    OrderPlaced,
    PlaceOrder,
    RecordPayment,
    StatusClaimed,
)
from domain.order.ship import (
    DispatchShipment,
    PackShipment,
    RecordDispatch,
    RecordPacking,
    ShipmentDispatched,
    ShipmentPacked,
)
from domain.order.track import (
    RecordTracking,
    ShipmentTracked,
)
from domain.returns.receive import (
    RecordCollection,
    RecordInspection,
    RecordReceipt,
    ReturnCollected,
    ReturnInspected,
    ReturnReceived,
)
from domain.returns.refund import RefundOverdue, ReturnRefunded
from domain.returns.request import (
    DecideReturn,
    RecordReturn,
    ReturnApproved,
    ReturnRecorded,
    ReturnRejected,
    ReturnRequested,
)
from domain.returns.state import ReturnDiscrepancyDetected
from domain.stock import book
from domain.stock import state as stocks

COMMANDS: Final[dict[str, type[Command]]] = {
    "jumun.inbound.seller-open-requested.v1": seller.OpenSeller,
    "jumun.inbound.policy-adoption-requested.v1": seller.AdoptPolicy,
    "jumun.inbound.value-adjusted.v1": seller.RecordValueAdjustment,
    "jumun.inbound.order-placed.v1": PlaceOrder,
    "jumun.inbound.order-amended.v1": AmendOrder,
    "jumun.inbound.order-paid.v1": RecordPayment,
    "jumun.inbound.order-acknowledged.v1": AcknowledgeOrder,
    "jumun.inbound.order-noted.v1": NoteOrder,
    "jumun.inbound.order-status-claimed.v1": ClaimStatus,
    "jumun.inbound.order-cancelled.v1": RecordCancellation,
    "jumun.inbound.cancel-requested.v1": RequestCancel,
    "jumun.inbound.cancel-decision-requested.v1": DecideCancel,
    "jumun.inbound.cancellation-requested.v1": CancelLines,
    "jumun.inbound.pack-requested.v1": PackShipment,
    "jumun.inbound.shipment-packed.v1": RecordPacking,
    "jumun.inbound.dispatch-requested.v1": DispatchShipment,
    "jumun.inbound.shipment-dispatched.v1": RecordDispatch,
    "jumun.inbound.shipment-tracked.v1": RecordTracking,
    "jumun.inbound.refund-recorded.v1": RecordRefund,
    "jumun.inbound.review-posted.v1": PostReview,
    "jumun.inbound.return-requested.v1": RequestReturn,
    "jumun.inbound.return-decision-requested.v1": DecideReturn,
    "jumun.inbound.return-collected.v1": RecordCollection,
    "jumun.inbound.return-received.v1": RecordReceipt,
    "jumun.inbound.return-inspected.v1": RecordInspection,
    "jumun.inbound.return-recorded.v1": RecordReturn,
    "jumun.inbound.stock-received.v1": book.ReceiveStock,
    "jumun.inbound.stock-counted.v1": book.CountStock,
    "jumun.inbound.stock-adjusted.v1": book.AdjustStock,
    "jumun.inbound.stock-quarantined.v1": book.QuarantineStock,
}
"""What comes in: facts in the past tense, wishes end in `-requested`."""

TIME_PASSED: Final = "jumun.inbound.time-passed.v1"
"""The one message that moves time; it belongs to no aggregate."""

BUSINESS_KEYS: Final = {
    "jumun.inbound.stock-received.v1": "receipt_id",
    "jumun.inbound.stock-counted.v1": "count_id",
    "jumun.inbound.stock-adjusted.v1": "adjustment_id",
    "jumun.inbound.stock-quarantined.v1": "quarantine_id",
    "jumun.inbound.value-adjusted.v1": "adjustment_id",
}
"""Messages whose id must be their business key, so that their streams need no memory of them."""

EVENTS: Final[dict[str, type[Event]]] = {
    "jumun.seller.opened.v1": seller.SellerOpened,
    "jumun.seller.policy-adopted.v1": seller.PolicyAdopted,
    "jumun.seller.value-adjusted.v1": seller.ValueAdjusted,
    "jumun.order.placed.v1": OrderPlaced,
    "jumun.order.amended.v1": OrderAmended,
    "jumun.order.paid.v1": OrderPaid,
    "jumun.order.acknowledged.v1": OrderAcknowledged,
    "jumun.order.noted.v1": OrderNoted,
    "jumun.order.status-claimed.v1": StatusClaimed,
    "jumun.order.discrepancy-detected.v1": OrderDiscrepancyDetected,
    "jumun.order.line-allocated.v1": LineAllocated,
    "jumun.order.line-backordered.v1": LineBackordered,
    "jumun.order.line-deallocated.v1": LineDeallocated,
    "jumun.order.ship-by-missed.v1": ShipByMissed,
    "jumun.order.cancel-requested.v1": CancelRequested,
    "jumun.order.cancel-rejected.v1": CancelRejected,
    "jumun.order.lines-cancelled.v1": LinesCancelled,
    "jumun.order.shipment-packed.v1": ShipmentPacked,
    "jumun.order.shipment-dispatched.v1": ShipmentDispatched,
    "jumun.order.shipment-tracked.v1": ShipmentTracked,
    "jumun.order.refund-recorded.v1": RefundRecorded,
    "jumun.order.review-posted.v1": ReviewPosted,
    "jumun.order.return-opened.v1": ReturnOpened,
    "jumun.order.lines-returned.v1": LinesReturned,
    "jumun.order.return-closed.v1": ReturnClosed,
    "jumun.stock.received.v1": stocks.StockReceived,
    "jumun.stock.reserved.v1": stocks.StockReserved,
    "jumun.stock.backordered.v1": stocks.StockBackordered,
    "jumun.stock.reservation-confirmed.v1": stocks.ReservationConfirmed,
    "jumun.stock.released.v1": stocks.StockReleased,
    "jumun.stock.backorder-dropped.v1": stocks.BackorderDropped,
    "jumun.stock.shipped.v1": stocks.StockShipped,
    "jumun.stock.counted.v1": stocks.StockCounted,
    "jumun.stock.adjusted.v1": stocks.StockAdjusted,
    "jumun.stock.quarantined.v1": stocks.StockQuarantined,
    "jumun.stock.return-quarantined.v1": stocks.ReturnQuarantined,
    "jumun.stock.return-restocked.v1": stocks.ReturnRestocked,
    "jumun.stock.return-scrapped.v1": stocks.ReturnScrapped,
    "jumun.stock.sale-closed.v1": stocks.SaleClosed,
    "jumun.stock.count-requested.v1": stocks.CountRequested,
    "jumun.stock.sale-resumed.v1": stocks.SaleResumed,
    "jumun.stock.low-stock-detected.v1": stocks.LowStockDetected,
    "jumun.stock.sold-out-detected.v1": stocks.SoldOutDetected,
    "jumun.stock.recovered.v1": stocks.StockRecovered,
    "jumun.stock.discrepancy-detected.v1": stocks.StockDiscrepancyDetected,
    "jumun.return.requested.v1": ReturnRequested,
    "jumun.return.recorded.v1": ReturnRecorded,
    "jumun.return.approved.v1": ReturnApproved,
    "jumun.return.rejected.v1": ReturnRejected,
    "jumun.return.collected.v1": ReturnCollected,
    "jumun.return.received.v1": ReturnReceived,
    "jumun.return.inspected.v1": ReturnInspected,
    "jumun.return.refunded.v1": ReturnRefunded,
    "jumun.return.refund-overdue.v1": RefundOverdue,
    "jumun.return.discrepancy-detected.v1": ReturnDiscrepancyDetected,
}
"""What the ledger holds and the engine emits."""

NAMES: Final = {kind: name for name, kind in EVENTS.items()}

DECIDERS: Final[dict[str, Decider[Any, Any, Any]]] = {
    "seller": seller.SELLER,
    "order": order.ORDER,
    "stock": stock.STOCK,
    "return": returns.RETURN,
}
"""By the first part of a stream's id."""
