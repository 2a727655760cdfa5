"""Maps every message and event type name to its class.  Start reading the code here.

A type name is never removed or reused, but it may point to a newer class.  A new optional field keeps the
name; a new meaning, a renamed field or a dropped field needs a new name, `.v2`.
"""

from typing import Any, Final

from domain import order, returns, seller, stock
from domain.decider import Decider
from domain.message import Command, Event
from domain.order import (
    allocate,
    cancel,
    check,
    discrepancy,
    dispatch,
    fulfil,
    handover,
    pack,
    payment,
    place,
    review,
    track,
)
from domain.order import refund as order_refund
from domain.order import returns as order_returns
from domain.returns import namesakes as return_namesakes
from domain.returns import receive, refund, request
from domain.returns import state as return_state
from domain.stock import book
from domain.stock import state as stock_state

COMMANDS: Final[dict[str, type[Command]]] = {
    "jumun.inbound.seller-open-requested.v1": seller.OpenSeller,
    "jumun.inbound.policy-adoption-requested.v1": seller.AdoptPolicy,
    "jumun.inbound.value-adjusted.v1": seller.RecordValueAdjustment,
    "jumun.inbound.order-placed.v1": place.PlaceOrder,
    "jumun.inbound.order-amended.v1": place.AmendOrder,
    "jumun.inbound.order-paid.v1": payment.RecordPayment,
    "jumun.inbound.payment-reversed.v1": payment.RecordReversal,
    "jumun.inbound.order-acknowledged.v1": place.AcknowledgeOrder,
    "jumun.inbound.order-noted.v1": place.NoteOrder,
    "jumun.inbound.order-status-claimed.v1": place.ClaimStatus,
    "jumun.inbound.order-cancelled.v1": cancel.RecordCancellation,
    "jumun.inbound.cancel-requested.v1": cancel.RequestCancel,
    "jumun.inbound.cancel-decision-requested.v1": cancel.DecideCancel,
    "jumun.inbound.cancel-request-closed.v1": cancel.CloseRequest,
    "jumun.inbound.cancellation-requested.v1": cancel.CancelLines,
    "jumun.inbound.pack-requested.v1": pack.PackShipment,
    "jumun.inbound.shipment-packed.v1": pack.RecordPacking,
    "jumun.inbound.dispatch-requested.v1": dispatch.DispatchShipment,
    "jumun.inbound.shipment-dispatched.v1": dispatch.RecordDispatch,
    "jumun.inbound.lines-fulfilled.v1": fulfil.RecordFulfilment,
    "jumun.inbound.shipment-tracked.v1": track.RecordTracking,
    "jumun.inbound.refund-recorded.v1": order_refund.RecordRefund,
    "jumun.inbound.review-posted.v1": review.PostReview,
    "jumun.inbound.order-check-requested.v1": check.CheckOrder,
    "jumun.inbound.return-requested.v1": order_returns.RequestReturn,
    "jumun.inbound.return-decision-requested.v1": request.DecideReturn,
    "jumun.inbound.return-decided.v1": request.RecordReturnDecision,
    "jumun.inbound.return-collected.v1": receive.RecordCollection,
    "jumun.inbound.return-received.v1": receive.RecordReceipt,
    "jumun.inbound.return-inspected.v1": receive.RecordInspection,
    "jumun.inbound.return-recorded.v1": request.RecordReturn,
    "jumun.inbound.stock-received.v1": book.ReceiveStock,
    "jumun.inbound.stock-counted.v1": book.CountStock,
    "jumun.inbound.stock-adjusted.v1": book.AdjustStock,
    "jumun.inbound.stock-quarantined.v1": book.QuarantineStock,
}
"""Inbound message types.  Facts are named in the past tense; wishes end in `-requested`."""

TIME_PASSED: Final = "jumun.inbound.time-passed.v1"
"""The tick: the only message that moves time.  It belongs to no aggregate."""

BUSINESS_KEYS: Final = {
    name: command.business_key for name, command in COMMANDS.items() if command.business_key is not None
}
"""Message types that count once for their stream by this field: the inbox stores it, not the stream."""

EVENTS: Final[dict[str, type[Event]]] = {
    "jumun.seller.opened.v1": seller.SellerOpened,
    "jumun.seller.policy-adopted.v1": seller.PolicyAdopted,
    "jumun.seller.value-adjusted.v1": seller.ValueAdjusted,
    "jumun.order.placed.v1": place.OrderPlaced,
    "jumun.order.amended.v1": place.OrderAmended,
    "jumun.order.paid.v1": payment.OrderPaid,
    "jumun.order.released.v1": payment.OrderReleased,
    "jumun.order.payment-captured.v1": payment.PaymentCaptured,
    "jumun.order.payment-reversed.v1": payment.PaymentReversed,
    "jumun.order.acknowledged.v1": place.OrderAcknowledged,
    "jumun.order.noted.v1": place.OrderNoted,
    "jumun.order.status-claimed.v1": place.StatusClaimed,
    "jumun.order.discrepancy-detected.v1": discrepancy.OrderDiscrepancyDetected,
    "jumun.order.line-allocated.v1": allocate.LineAllocated,
    "jumun.order.line-backordered.v1": allocate.LineBackordered,
    "jumun.order.line-deallocated.v1": allocate.LineDeallocated,
    "jumun.order.ship-by-missed.v1": allocate.ShipByMissed,
    "jumun.order.cancel-requested.v1": cancel.CancelRequested,
    "jumun.order.cancel-rejected.v1": cancel.CancelRejected,
    "jumun.order.lines-cancelled.v1": cancel.LinesCancelled,
    "jumun.order.shipment-packed.v1": pack.ShipmentPacked,
    "jumun.order.shipment-dispatched.v1": dispatch.ShipmentDispatched,
    "jumun.order.invoice-corrected.v1": handover.InvoiceCorrected,
    "jumun.order.handover-timed.v1": handover.HandoverTimed,
    "jumun.order.lines-fulfilled.v1": fulfil.LinesFulfilled,
    "jumun.order.shipment-tracked.v1": track.ShipmentTracked,
    "jumun.order.refund-recorded.v1": order_refund.RefundRecorded,
    "jumun.order.refund-owed.v1": order_refund.RefundOwed,
    "jumun.order.refund-overdue.v1": order_refund.OrderRefundOverdue,
    "jumun.order.review-posted.v1": review.ReviewPosted,
    "jumun.order.checked.v1": check.OrderChecked,
    "jumun.order.return-opened.v1": order_returns.ReturnOpened,
    "jumun.order.return-admitted.v1": order_returns.ReturnAdmitted,
    "jumun.order.shipped-from.v1": order_returns.ShippedFrom,
    "jumun.order.lines-returned.v1": order_returns.LinesReturned,
    "jumun.order.return-closed.v1": order_returns.ReturnClosed,
    "jumun.stock.received.v1": stock_state.StockReceived,
    "jumun.stock.reserved.v1": stock_state.StockReserved,
    "jumun.stock.backordered.v1": stock_state.StockBackordered,
    "jumun.stock.reservation-confirmed.v1": stock_state.ReservationConfirmed,
    "jumun.stock.released.v1": stock_state.StockReleased,
    "jumun.stock.backorder-dropped.v1": stock_state.BackorderDropped,
    "jumun.stock.shipped.v1": stock_state.StockShipped,
    "jumun.stock.counted.v1": stock_state.StockCounted,
    "jumun.stock.adjusted.v1": stock_state.StockAdjusted,
    "jumun.stock.quarantined.v1": stock_state.StockQuarantined,
    "jumun.stock.return-quarantined.v1": stock_state.ReturnQuarantined,
    "jumun.stock.return-restocked.v1": stock_state.ReturnRestocked,
    "jumun.stock.return-scrapped.v1": stock_state.ReturnScrapped,
    "jumun.stock.sale-closed.v1": stock_state.SaleClosed,
    "jumun.stock.count-requested.v1": stock_state.CountRequested,
    "jumun.stock.sale-resumed.v1": stock_state.SaleResumed,
    "jumun.stock.low-stock-detected.v1": stock_state.LowStockDetected,
    "jumun.stock.sold-out-detected.v1": stock_state.SoldOutDetected,
    "jumun.stock.recovered.v1": stock_state.StockRecovered,
    "jumun.stock.discrepancy-detected.v1": stock_state.StockDiscrepancyDetected,
    "jumun.return.requested.v1": request.ReturnRequested,
    "jumun.return.recorded.v1": request.ReturnRecorded,
    "jumun.return.approved.v1": request.ReturnApproved,
    "jumun.return.rejected.v1": request.ReturnRejected,
    "jumun.return.withdrawn.v1": request.ReturnWithdrawn,
    "jumun.return.pieces-admitted.v1": receive.PiecesAdmitted,
    "jumun.return.collected.v1": receive.ReturnCollected,
    "jumun.return.received.v1": receive.ReturnReceived,
    "jumun.return.inspected.v1": receive.ReturnInspected,
    "jumun.return.refunded.v1": refund.ReturnRefunded,
    "jumun.return.refund-overdue.v1": refund.RefundOverdue,
    "jumun.return.id-used-again.v1": return_namesakes.ReturnIdUsedAgain,
    "jumun.return.discrepancy-detected.v1": return_state.ReturnDiscrepancyDetected,
}
"""Event types: the ledger stores them and the engine publishes them."""

NAMES: Final = {kind: name for name, kind in EVENTS.items()}

DECIDERS: Final[dict[str, Decider[Any]]] = {
    "seller": seller.SELLER,
    "order": order.ORDER,
    "stock": stock.STOCK,
    "return": returns.RETURN,
}
"""The decider of each aggregate, by the first part of the stream id."""
