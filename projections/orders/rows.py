"""Row classes of the order tables: orders, lines, parcels, cancel requests and backorders."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from projections.tables import INSTANT, LOCAL_DATE, MICROS, MINOR, Column, Table

Seller = Annotated[str, Column("Id of the seller")]
Channel = Annotated[str, Column("The sales channel")]
Account = Annotated[str, Column("The seller's account on the channel")]
OrderId = Annotated[str, Column("Id of the order on the channel")]
Maybe = int | None


@dataclass(slots=True)
class OrderStatus:
    """One row per order of a seller.  The sequence in which its facts arrived does not change it."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    currency: Annotated[str, Column("Currency of all its amounts", "ISO 4217")] = ""
    zone: Annotated[str, Column("The seller's time zone when it was placed", "IANA name")] = "UTC"
    status: Annotated[str, Column("The status derived from the states of its pieces")] = "pending_payment"
    claimed_status: Annotated[str | None, Column("The latest status in the channel's own words")] = None
    claimed_at: Annotated[Maybe, Column("When the channel reported that status", INSTANT)] = None
    lines: Annotated[int, Column("Order lines", "lines")] = 0
    ordered: Annotated[int, Column("Pieces ordered, additions included", "pieces")] = 0
    waiting: Annotated[int, Column("Pieces not yet packed", "pieces")] = 0
    packed: Annotated[int, Column("Pieces packed and not handed over", "pieces")] = 0
    in_transit: Annotated[int, Column("Pieces in transit", "pieces")] = 0
    delivered: Annotated[int, Column("Pieces delivered", "pieces")] = 0
    lost: Annotated[int, Column("Pieces lost by the carrier", "pieces")] = 0
    returned_to_sender: Annotated[int, Column("Pieces returned to the sender by the carrier", "pieces")] = 0
    cancelled: Annotated[int, Column("Pieces cancelled", "pieces")] = 0
    cancel_pending: Annotated[int, Column("Pieces with a pending cancel request", "pieces")] = 0
    return_open: Annotated[int, Column("Pieces of open returns", "pieces")] = 0
    returned: Annotated[int, Column("Pieces returned and inspected", "pieces")] = 0
    placed_at: Annotated[Maybe, Column("When the buyer placed the order", INSTANT)] = None
    placed_on: Annotated[str | None, Column("The seller's day on which that was", LOCAL_DATE)] = None
    paid_at: Annotated[Maybe, Column("When the captured payments covered what it costs", INSTANT)] = None
    acknowledged_at: Annotated[Maybe, Column("When the seller confirmed it", INSTANT)] = None
    ship_by: Annotated[
        Maybe, Column("When it must be handed over; a line may have its own limit", INSTANT)
    ] = None
    promise_at: Annotated[Maybe, Column("Until when the delivery is promised", INSTANT)] = None
    promised_day: Annotated[str | None, Column("The last day that keeps the promise", LOCAL_DATE)] = None
    first_dispatched_at: Annotated[Maybe, Column("When the first parcel was handed over", INSTANT)] = None
    last_dispatched_at: Annotated[Maybe, Column("When the last parcel was handed over", INSTANT)] = None
    delivered_at: Annotated[
        Maybe, Column("The latest delivery of its parcels that no later milestone corrected", INSTANT)
    ] = None
    delivery_reported_at: Annotated[
        Maybe, Column("When the source recorded that delivery, if stated", INSTANT)
    ] = None
    cancelled_at: Annotated[Maybe, Column("The latest cancel, if still in effect", INSTANT)] = None
    cancel_told_at: Annotated[
        Maybe, Column("The latest cancel, even if its pieces were dispatched later", INSTANT)
    ] = None
    value_micros: Annotated[int, Column("Value of the ordered pieces at their unit price", MICROS)] = 0
    released_at: Annotated[
        Maybe, Column("When it was to be fulfilled before its payment: cash on delivery", INSTANT)
    ] = None
    shipping_fee: Annotated[int, Column("Shipping fee, if the goods do not reach the next column", MINOR)] = 0
    free_shipping_from: Annotated[Maybe, Column("Value of goods from which shipping is free", MINOR)] = None
    claw_back: Annotated[int, Column("Shipping fees that cancels of the buyer made due again", MINOR)] = 0
    difference: Annotated[
        int, Column("What the channel settled beside the prices; a discount is negative", MINOR)
    ] = 0
    owed: Annotated[
        Maybe, Column("What it costs now: pieces not cancelled or returned, and the shipping fee", MINOR)
    ] = None
    captured: Annotated[int, Column("Money captured", MINOR)] = 0
    reversed: Annotated[int, Column("Captured money that was taken back: chargebacks", MINOR)] = 0
    refund_due: Annotated[int, Column("What is to be refunded and was not", MINOR)] = 0
    refund_due_at: Annotated[Maybe, Column("Until when the oldest refund that fell due is due", INSTANT)] = (
        None
    )
    refund_overdue_at: Annotated[
        Maybe, Column("The limit that a refund missed, if not made yet", INSTANT)
    ] = None
    refunded: Annotated[int, Column("Amount refunded, without late interest", MINOR)] = 0
    refunds: Annotated[int, Column("Number of refunds", "refunds")] = 0
    review_score: Annotated[Maybe, Column("The buyer's latest rating", "1 (worst) to 5")] = None
    reviewed_at: Annotated[Maybe, Column("When that rating was given", INSTANT)] = None
    review_id: Annotated[str | None, Column("Id of that review on the channel")] = None
    return_reasons: Annotated[
        dict[str, str], Column("Reason of each opened return", "JSON: return id to reason")
    ] = field(default_factory=dict[str, str])
    position: Annotated[int, Column("Ledger position of the last event that changed it")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded", INSTANT)] = 0


@dataclass(slots=True)
class OrderFact:
    """One wide row per order line, with columns of its order: the fact table for analysts."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    line: Annotated[str, Column("Id of the line on the channel")]
    sku: Annotated[str, Column("The ordered SKU of the seller")]
    currency: Annotated[str, Column("Currency of all its amounts", "ISO 4217")]
    zone: Annotated[str, Column("The seller's time zone when it was placed", "IANA name")]
    ordered: Annotated[int, Column("Pieces ordered", "pieces")]
    unit_price: Annotated[str, Column("Price of one piece", "exact decimal, major units")]
    value_micros: Annotated[int, Column("Value of the ordered pieces at their unit price", MICROS)]
    occurred_at: Annotated[
        int,
        Column("When the line was ordered or added to its order, as the source says", INSTANT),
    ]
    delivery: Annotated[
        str, Column("How its pieces reach the buyer: parcel, pick_up, digital or service")
    ] = "parcel"
    fulfilled_at: Annotated[Maybe, Column("When the buyer last got pieces without a parcel", INSTANT)] = None
    waiting: Annotated[int, Column("Pieces not yet packed", "pieces")] = 0
    packed: Annotated[int, Column("Pieces packed and not handed over", "pieces")] = 0
    in_transit: Annotated[int, Column("Pieces in transit", "pieces")] = 0
    delivered: Annotated[int, Column("Pieces delivered", "pieces")] = 0
    lost: Annotated[int, Column("Pieces lost by the carrier", "pieces")] = 0
    returned_to_sender: Annotated[int, Column("Pieces returned to the sender by the carrier", "pieces")] = 0
    cancelled: Annotated[int, Column("Pieces cancelled, except those dispatched later", "pieces")] = 0
    cancelled_seller: Annotated[int, Column("Cancelled pieces by the seller's fault", "pieces")] = 0
    cancelled_customer: Annotated[
        int, Column("Cancelled pieces by the customer's wish or fault", "pieces")
    ] = 0
    cancelled_carrier: Annotated[int, Column("Cancelled pieces by the carrier's fault", "pieces")] = 0
    cancelled_platform: Annotated[int, Column("Cancelled pieces by the channel's fault", "pieces")] = 0
    out_of_stock: Annotated[int, Column("Cancelled pieces that were out of stock", "pieces")] = 0
    out_of_stock_at: Annotated[Maybe, Column("When the first out-of-stock piece was cancelled", INSTANT)] = (
        None
    )
    cancelled_at: Annotated[Maybe, Column("The latest cancel of pieces, if still in effect", INSTANT)] = None
    cancel_pending: Annotated[int, Column("Pieces with a pending cancel request", "pieces")] = 0
    return_open: Annotated[int, Column("Pieces of open returns", "pieces")] = 0
    returned: Annotated[int, Column("Pieces returned and inspected", "pieces")] = 0
    returned_by_reason: Annotated[
        dict[str, int], Column("Returned pieces by reason", "JSON: reason to pieces")
    ] = field(default_factory=dict[str, int])
    returned_at: Annotated[Maybe, Column("When pieces of it were last returned", INSTANT)] = None
    line_ship_by: Annotated[
        Maybe, Column("The line's own ship-by limit: by its channel, or because it was added later", INSTANT)
    ] = None
    line_promise_at: Annotated[
        Maybe, Column("The line's own delivery promise, if its channel made one", INSTANT)
    ] = None
    ship_by: Annotated[
        Maybe, Column("When it must be handed over, once paid: its own limit, else its order's", INSTANT)
    ] = None
    promise_at: Annotated[Maybe, Column("Until when the delivery is promised", INSTANT)] = None
    first_dispatched_at: Annotated[Maybe, Column("When its first pieces were handed over", INSTANT)] = None
    last_dispatched_at: Annotated[Maybe, Column("When its last pieces were handed over", INSTANT)] = None
    dispatch_inferred: Annotated[
        bool, Column("Whether a hand-over time was inferred, by a converter or from a scan")
    ] = False
    delivered_at: Annotated[
        Maybe, Column("The latest delivery of its parcels that was not corrected", INSTANT)
    ] = None
    delivery_reported_at: Annotated[
        Maybe, Column("When the source recorded that delivery, if stated", INSTANT)
    ] = None
    late_pieces: Annotated[
        int, Column("Pieces handed over at the limit or later, at a time that the source states", "pieces")
    ] = 0
    placed_at: Annotated[Maybe, Column("When the buyer placed the order", INSTANT)] = None
    placed_on: Annotated[str | None, Column("The seller's day on which that was", LOCAL_DATE)] = None
    paid_at: Annotated[Maybe, Column("When the payments covered what the order costs", INSTANT)] = None
    status: Annotated[str, Column("The derived status of the order")] = ""
    claimed_status: Annotated[str | None, Column("The order's latest status in the channel's own words")] = (
        None
    )
    position: Annotated[int, Column("Ledger position of the last event that changed its order")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded", INSTANT)] = 0


@dataclass(slots=True)
class Parcel:
    """One row per shipment: its contents, its dispatch, and its latest milestone by (time, rank)."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    shipment_id: Annotated[str, Column("Id of the shipment")]
    contents: Annotated[dict[str, int], Column("Its contents", "JSON: line to pieces")] = field(
        default_factory=dict[str, int]
    )
    dispatched_at: Annotated[Maybe, Column("When it was handed over", INSTANT)] = None
    dispatch_inferred: Annotated[
        bool, Column("Whether that time was inferred, by a converter or from a scan: nobody reported it")
    ] = False
    carrier: Annotated[str | None, Column("The carrier")] = None
    tracking_number: Annotated[str | None, Column("The carrier's tracking number")] = None
    status: Annotated[str, Column("Its latest milestone")] = "unknown"
    status_at: Annotated[Maybe, Column("When that milestone happened, as the carrier says", INSTANT)] = None
    reported_at: Annotated[Maybe, Column("When the source recorded that milestone, if stated", INSTANT)] = (
        None
    )


@dataclass(slots=True)
class CancelAsked:
    """One row per cancel request of a buyer: its pieces, its state and its answer."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    request_id: Annotated[str, Column("Id of the request on the channel")]
    state: Annotated[
        str, Column("waiting, approved, rejected, withdrawn, settled by the channel, or overtaken")
    ]
    reason: Annotated[str, Column("The buyer's reason")]
    route: Annotated[
        str, Column("Route: instant, stop_shipment or return, by how far the order was processed")
    ]
    binding: Annotated[str, Column("rejectable, or refunded_already by the channel")]
    pieces: Annotated[int, Column("Pieces that the buyer asked to cancel", "pieces")]
    pending: Annotated[dict[str, int], Column("Pieces that it keeps from dispatch", "JSON: line to pieces")]
    requested_at: Annotated[int, Column("When the buyer asked", INSTANT)]
    answered_at: Annotated[Maybe, Column("When it was answered", INSTANT)] = None
    payer: Annotated[
        str | None, Column("Who pays both ways of pieces that were sent although they were refunded")
    ] = None


@dataclass(slots=True)
class Backorder:
    """One row per order line that ever had to wait for stock."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    line: Annotated[str, Column("Id of the line on the channel")]
    sku: Annotated[str, Column("The SKU that it waits for")]
    waiting: Annotated[int, Column("Pieces that are waiting now", "pieces")]
    waited: Annotated[int, Column("Pieces that have ever waited", "pieces")]
    since: Annotated[int, Column("When it first had to wait", INSTANT)]


ORDER_KEY: Final = ("seller_id", "channel", "account", "order_id")
PAID: Final = ("seller_id", "channel", "paid_at")
ORDER_STATUS: Final = Table("order_status", OrderStatus, ORDER_KEY, 4, (PAID, ("channel", "order_id")))
ORDER_FACTS: Final = Table("order_facts", OrderFact, (*ORDER_KEY, "line"), 4, (("seller_id", "sku"),))
PARCELS: Final = Table("parcels", Parcel, (*ORDER_KEY, "shipment_id"), 4)
CANCEL_INBOX: Final = Table("cancel_inbox", CancelAsked, (*ORDER_KEY, "request_id"), 4)
BACKORDERS: Final = Table("backorders", Backorder, (*ORDER_KEY, "line"), 4, (("seller_id", "sku"),))
