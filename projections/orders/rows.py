"""The rows of an order: itself, its lines, its parcels, and its buyer's cancel requests."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from projections.tables import INSTANT, LOCAL_DATE, MICROS, MINOR, Column, Table

Seller = Annotated[str, Column("Whose row it is")]
Channel = Annotated[str, Column("Where it was sold")]
Account = Annotated[str, Column("The seller's account on the channel")]
OrderId = Annotated[str, Column("The channel's name for the order")]
Maybe = int | None


@dataclass(slots=True)
class OrderStatus:
    """One row per order of a seller, whatever order its facts arrived in."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    currency: Annotated[str, Column("Currency of all its amounts", "ISO 4217")] = ""
    zone: Annotated[str, Column("The seller's time zone when it was placed", "IANA name")] = "UTC"
    status: Annotated[str, Column("Our own status, derived from where its pieces are")] = "pending_payment"
    claimed_status: Annotated[str | None, Column("The channel's latest word for its status")] = None
    claimed_at: Annotated[Maybe, Column("When the channel said so", INSTANT)] = None
    lines: Annotated[int, Column("Lines ordered", "lines")] = 0
    ordered: Annotated[int, Column("Pieces ordered, additions included", "pieces")] = 0
    waiting: Annotated[int, Column("Pieces not yet packed", "pieces")] = 0
    packed: Annotated[int, Column("Pieces packed and not handed over", "pieces")] = 0
    in_transit: Annotated[int, Column("Pieces on the way", "pieces")] = 0
    delivered: Annotated[int, Column("Pieces delivered", "pieces")] = 0
    lost: Annotated[int, Column("Pieces lost by the carrier", "pieces")] = 0
    returned_to_sender: Annotated[int, Column("Pieces that could not be delivered", "pieces")] = 0
    cancelled: Annotated[int, Column("Pieces cancelled", "pieces")] = 0
    cancel_pending: Annotated[int, Column("Pieces on which a cancel request waits", "pieces")] = 0
    return_open: Annotated[int, Column("Pieces on their way back", "pieces")] = 0
    returned: Annotated[int, Column("Pieces that came back and were inspected", "pieces")] = 0
    placed_at: Annotated[Maybe, Column("When the buyer ordered", INSTANT)] = None
    paid_at: Annotated[Maybe, Column("When money was first captured", INSTANT)] = None
    acknowledged_at: Annotated[Maybe, Column("When the seller confirmed it", INSTANT)] = None
    ship_by: Annotated[Maybe, Column("By when it must leave; a line may say otherwise", INSTANT)] = None
    promise_at: Annotated[Maybe, Column("By when it was promised at the door", INSTANT)] = None
    promised_day: Annotated[str | None, Column("The last day that keeps the promise", LOCAL_DATE)] = None
    first_dispatched_at: Annotated[Maybe, Column("When the first parcel left", INSTANT)] = None
    last_dispatched_at: Annotated[Maybe, Column("When the last parcel left", INSTANT)] = None
    delivered_at: Annotated[
        Maybe, Column("The latest delivery of a parcel whose last milestone it is", INSTANT)
    ] = None
    delivery_reported_at: Annotated[
        Maybe, Column("When the source wrote that delivery down, where it says so", INSTANT)
    ] = None
    cancelled_at: Annotated[Maybe, Column("The latest cancel that still holds", INSTANT)] = None
    cancel_told_at: Annotated[Maybe, Column("The latest cancel told, whether or not it holds", INSTANT)] = (
        None
    )
    value_micros: Annotated[int, Column("Pieces ordered at their unit price", MICROS)] = 0
    captured: Annotated[int, Column("Money captured", MINOR)] = 0
    refunded: Annotated[int, Column("Money sent back, late interest left out", MINOR)] = 0
    refunds: Annotated[int, Column("Times that money was sent back", "refunds")] = 0
    review_score: Annotated[Maybe, Column("The buyer's latest rating", "1 (worst) to 5")] = None
    reviewed_at: Annotated[Maybe, Column("When it was given", INSTANT)] = None
    review_id: Annotated[str | None, Column("The channel's name for it")] = None
    return_reasons: Annotated[
        dict[str, str], Column("Reason of each return opened", "JSON: return id to reason")
    ] = field(default_factory=dict[str, str])
    position: Annotated[int, Column("Ledger position of the last event that changed it")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded", INSTANT)] = 0


@dataclass(slots=True)
class OrderFact:
    """One wide row per order line, with what the order itself says: the analysts' fact table."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    line: Annotated[str, Column("The channel's name for the line")]
    sku: Annotated[str, Column("The seller's name for what was ordered")]
    currency: Annotated[str, Column("Currency of all its amounts", "ISO 4217")]
    zone: Annotated[str, Column("The seller's time zone when it was placed", "IANA name")]
    ordered: Annotated[int, Column("Pieces ordered", "pieces")]
    unit_price: Annotated[str, Column("Price of one piece", "exact decimal, major units")]
    value_micros: Annotated[int, Column("Pieces ordered at their unit price", MICROS)]
    occurred_at: Annotated[
        int,
        Column("When the line was ordered, with its order or added to it later, as the source says", INSTANT),
    ]
    waiting: Annotated[int, Column("Pieces not yet packed", "pieces")] = 0
    packed: Annotated[int, Column("Pieces packed and not handed over", "pieces")] = 0
    in_transit: Annotated[int, Column("Pieces on the way", "pieces")] = 0
    delivered: Annotated[int, Column("Pieces delivered", "pieces")] = 0
    lost: Annotated[int, Column("Pieces lost by the carrier", "pieces")] = 0
    returned_to_sender: Annotated[int, Column("Pieces that could not be delivered", "pieces")] = 0
    cancelled: Annotated[int, Column("Pieces cancelled and not sent after all", "pieces")] = 0
    cancelled_seller: Annotated[int, Column("Of them by the seller's fault", "pieces")] = 0
    cancelled_customer: Annotated[int, Column("Of them by the customer's wish or fault", "pieces")] = 0
    cancelled_carrier: Annotated[int, Column("Of them by the carrier's fault", "pieces")] = 0
    cancelled_platform: Annotated[int, Column("Of them by the channel's fault", "pieces")] = 0
    out_of_stock: Annotated[int, Column("Of those cancelled, for want of stock", "pieces")] = 0
    out_of_stock_at: Annotated[Maybe, Column("When the first of them was cancelled", INSTANT)] = None
    cancelled_at: Annotated[Maybe, Column("The latest cancel of pieces, if any holds", INSTANT)] = None
    cancel_pending: Annotated[int, Column("Pieces on which a cancel request waits", "pieces")] = 0
    return_open: Annotated[int, Column("Pieces on their way back", "pieces")] = 0
    returned: Annotated[int, Column("Pieces that came back and were inspected", "pieces")] = 0
    returned_by_reason: Annotated[
        dict[str, int], Column("Pieces that came back, by reason", "JSON: reason to pieces")
    ] = field(default_factory=dict[str, int])
    returned_at: Annotated[Maybe, Column("When pieces of it last came back", INSTANT)] = None
    line_ship_by: Annotated[Maybe, Column("The line's own limit, where its channel gave one", INSTANT)] = None
    line_promise_at: Annotated[
        Maybe, Column("The line's own promise, where its channel gave one", INSTANT)
    ] = None
    ship_by: Annotated[Maybe, Column("By when it must leave: its own limit, or its order's", INSTANT)] = None
    promise_at: Annotated[Maybe, Column("By when it was promised at the door", INSTANT)] = None
    first_dispatched_at: Annotated[Maybe, Column("When its first pieces left", INSTANT)] = None
    last_dispatched_at: Annotated[Maybe, Column("When its last pieces left", INSTANT)] = None
    dispatch_inferred: Annotated[
        bool, Column("When pieces of it left is not told by the source: an importer worked it out")
    ] = False
    delivered_at: Annotated[Maybe, Column("The latest delivery that holds of its parcels", INSTANT)] = None
    delivery_reported_at: Annotated[
        Maybe, Column("When the source wrote that delivery down, where it says so", INSTANT)
    ] = None
    placed_at: Annotated[Maybe, Column("When the buyer placed the order", INSTANT)] = None
    paid_at: Annotated[Maybe, Column("When money for the order was first captured", INSTANT)] = None
    status: Annotated[str, Column("The order's own status")] = ""
    claimed_status: Annotated[str | None, Column("The channel's latest word for the order's status")] = None
    position: Annotated[int, Column("Ledger position of the last event that changed its order")] = 0
    recorded_at: Annotated[int, Column("When that event was recorded", INSTANT)] = 0


@dataclass(slots=True)
class Parcel:
    """One row per shipment: what is in it, when it left, and the latest milestone by (time, rank)."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    shipment_id: Annotated[str, Column("The parcel's name")]
    contents: Annotated[dict[str, int], Column("What is in it", "JSON: line to pieces")] = field(
        default_factory=dict[str, int]
    )
    dispatched_at: Annotated[Maybe, Column("When it was handed over", INSTANT)] = None
    dispatch_inferred: Annotated[
        bool, Column("That time is not told by the source: an importer worked it out")
    ] = False
    carrier: Annotated[str | None, Column("Who carries it")] = None
    tracking_number: Annotated[str | None, Column("The carrier's name for it")] = None
    status: Annotated[str, Column("Its latest milestone")] = "unknown"
    status_at: Annotated[Maybe, Column("When it reached it, as the carrier says", INSTANT)] = None
    reported_at: Annotated[Maybe, Column("When the source wrote it down, where it says so", INSTANT)] = None


@dataclass(slots=True)
class CancelRequestRow:
    """One row per cancel request of a buyer: what waits, and how it was answered."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    request_id: Annotated[str, Column("The channel's name for the request")]
    state: Annotated[str, Column("waiting, approved, rejected, or overtaken by the dispatch")]
    reason: Annotated[str, Column("Why the buyer asks")]
    route: Annotated[str, Column("instant, stop_shipment or return, by how far the pieces had gone")]
    binding: Annotated[str, Column("Whether it can be rejected, or its money has gone back already")]
    pieces: Annotated[int, Column("Pieces that it asked to cancel", "pieces")]
    pending: Annotated[dict[str, int], Column("Pieces that it holds back", "JSON: line to pieces")]
    requested_at: Annotated[int, Column("When the buyer asked", INSTANT)]
    answered_at: Annotated[Maybe, Column("When it was answered", INSTANT)] = None


@dataclass(slots=True)
class Backorder:
    """One row per order line that ever had to wait for stock."""

    seller_id: Seller
    channel: Channel
    account: Account
    order_id: OrderId
    line: Annotated[str, Column("The channel's name for the line")]
    sku: Annotated[str, Column("What it waits for")]
    waiting: Annotated[int, Column("Pieces that wait now", "pieces")]
    waited: Annotated[int, Column("Pieces that ever waited", "pieces")]
    since: Annotated[int, Column("Since when", INSTANT)]


ORDER_KEY: Final = ("seller_id", "channel", "account", "order_id")
PAID: Final = ("seller_id", "channel", "paid_at")
ORDER_STATUS: Final = Table("order_status", OrderStatus, ORDER_KEY, 4, (PAID, ("channel", "order_id")))
ORDER_FACTS: Final = Table("order_facts", OrderFact, (*ORDER_KEY, "line"), 4, (("seller_id", "sku"),))
PARCELS: Final = Table("parcels", Parcel, (*ORDER_KEY, "shipment_id"), 4)
CANCEL_INBOX: Final = Table("cancel_inbox", CancelRequestRow, (*ORDER_KEY, "request_id"), 4)
BACKORDERS: Final = Table("backorders", Backorder, (*ORDER_KEY, "line"), 4, (("seller_id", "sku"),))
