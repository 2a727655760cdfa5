"""Converts orders of the Brazilian marketplace Olist to messages.

Each marketplace order becomes one order per seller, all with the same channel order id.  A fact about the
marketplace order becomes a message to each of them, part k of n.  Orders without items have no seller.

| row                           | message                                                              |
|-------------------------------|----------------------------------------------------------------------|
| purchase                      | order-placed: each item row is a line of one piece with its own limit |
| approval                      | order-paid, one for each payment row, shared among sellers by value  |
| (before the first need)       | stock-received, inferred: the pieces must have been there            |
| handed to the carrier         | shipment-dispatched; inferred where only the delivery is known       |
| delivered                     | shipment-tracked                                                     |
| order_status                  | order-status-claimed, inferred: at the last recorded time of the order|
| status canceled, unavailable  | order-cancelled, inferred, at the same time                          |
| review                        | review-posted, when the buyer answered                               |

`unavailable` means that the seller had no stock: the reason is out_of_stock, and no stock is received for
it.  For `canceled` the data set gives no cause: the reason is `other`, the fault the platform's, to blame
neither side.  All times have the fixed offset -03:00, without summer time, as in the reference.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Final

from consumers.imports.messages import Message, Row, Tables, TimedMessage, sorted_by_arrival
from consumers.imports.olist_orders import OLIST, Data, MarketplaceOrder, marketplace_orders
from consumers.imports.texts import (
    cleaned,
    decimal,
    distinct_names,
    long_cleaned,
    price,
    shared,
    whole_number,
)

TABLES: Final = {
    "orders": frozenset({
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
    }),
    "order_items": frozenset({
        "order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price",
        "freight_value",
    }),
    "order_payments": frozenset({"order_id", "payment_sequential", "payment_value"}),
    "order_reviews": frozenset({"review_id", "order_id", "review_score", "review_answer_timestamp"}),
    "customers": frozenset({"customer_id", "customer_zip_code_prefix", "customer_state"}),
}  # fmt: skip
OPTIONAL: Final = frozenset({"order_payments", "order_reviews", "customers"})

_CANCELS: Final[dict[str, Message]] = {
    "canceled": {"reason": "other", "fault": "platform"},
    "unavailable": {"reason": "out_of_stock"},
}


def messages(tables: Tables) -> Iterator[Message]:
    """The messages of the data set, sorted by time."""
    return OLIST.with_clocks(sorted_by_arrival(_timed_messages(tables)))


def _timed_messages(tables: Tables) -> Iterator[TimedMessage]:
    for order in marketplace_orders(tables):
        for convert in (_receipts, _placed, _paid, _sent, _claimed, _reviewed):
            yield from convert(order)


def _receipts(order: MarketplaceOrder) -> Iterator[TimedMessage]:
    """Receipts of stock just before its first use, not at the start.

    The reason: an out-of-stock cancel closes a SKU until new stock is received.
    """
    needs = [at for at in (order.approved, order.handed_over, order.delivered) if at is not None]
    left = order.handed_over or order.delivered
    if not needs or (order.row["order_status"] == "unavailable" and not left):
        return
    for seller, items in order.sellers.items():
        for sku, pieces in Counter(item["product_id"] for item in items).items():
            yield from OLIST.receipts(seller, min(needs), order.id, sku, pieces)


def _placed(order: MarketplaceOrder) -> Iterator[TimedMessage]:
    promise = OLIST.at(order.row["order_estimated_delivery_date"])
    destination: Message = {"country": "BR"}
    if order.customer:
        destination["zone"] = cleaned(order.customer["customer_state"])
        destination["postcode_area"] = cleaned(order.customer["customer_zip_code_prefix"])

    def data_of(seller: str) -> Message:
        items = order.sellers[seller]
        placed: Message = {"currency": OLIST.currency, "lines": _lines(items)}
        freight = sum((decimal(item["freight_value"]) for item in items), Decimal(0))
        placed["shipping_fee"] = max(0, OLIST.minor(freight))
        placed["destination"] = destination
        return placed if promise is None else {**placed, "promise_at": promise.isoformat()}

    yield from order.each("order-placed", order.placed, "", data_of)


def _lines(items: list[Row]) -> list[Message]:
    names = distinct_names(item["order_item_id"] for item in items)
    return [_line(name, item) for name, item in zip(names, items, strict=True)]


def _line(name: str, item: Row) -> Message:
    line: Message = {
        "line": name,
        "sku": item["product_id"],
        "pieces": 1,
        "unit_price": price(item["price"]),
    }
    limit = OLIST.at(item["shipping_limit_date"])
    # The data set's limit is the last second in time; `ship_by` is the first instant that is late.
    return line if limit is None else {**line, "ship_by": (limit + timedelta(seconds=1)).isoformat()}


def _paid(order: MarketplaceOrder) -> Iterator[TimedMessage]:
    """Payments, split among the sellers; with the approval the order is paid.

    An approval without a payment row becomes a payment of 0.
    """
    if order.approved is None:
        return
    weights = [
        sum(OLIST.minor(decimal(item["price"]) + decimal(item["freight_value"])) for item in items)
        for items in order.sellers.values()
    ]
    payments = sorted(order.payments, key=lambda row: whole_number(row["payment_sequential"]))
    names = distinct_names(row["payment_sequential"] for row in payments) or ["approval"]
    amounts = [OLIST.minor(decimal(row["payment_value"])) for row in payments] or [0]
    for name, amount in zip(names, amounts, strict=True):
        shares = dict(zip(order.sellers, shared(amount, weights), strict=True))

        def data_of(seller: str, name: str = name, shares: dict[str, int] = shares) -> Message:
            return {"payment_id": name, "amount": shares[seller], "in_full": True}

        yield from order.each("order-paid", order.approved, name, data_of)


def _sent(order: MarketplaceOrder) -> Iterator[TimedMessage]:
    """Dispatch and delivery.  If only the delivery is known, the dispatch is inferred at the same time."""
    left = order.handed_over or order.delivered
    if left is None:
        return
    inferred = order.handed_over is None
    yield from order.each("shipment-dispatched", left, "", _same({"shipment_id": "1"}), inferred=inferred)
    if order.delivered is not None:
        delivered: Message = {"shipment_id": "1", "status": "delivered"}
        yield from order.each("shipment-tracked", order.delivered, "", _same(delivered))


def _claimed(order: MarketplaceOrder) -> Iterator[TimedMessage]:
    status = cleaned(order.row["order_status"])
    yield from order.each("order-status-claimed", order.last, "", _same({"status": status}), inferred=True)
    cancel_reason = _CANCELS.get(status)
    if cancel_reason is not None:
        cancel: Message = {
            "cancellation_id": "1",
            "initiator": "channel",
            "channel_reason_code": status,
            **cancel_reason,
        }
        yield from order.each("order-cancelled", order.last, "", _same(cancel), inferred=True)


def _reviewed(order: MarketplaceOrder) -> Iterator[TimedMessage]:
    names = distinct_names(row["review_id"] for row in order.reviews)
    for name, row in zip(names, order.reviews, strict=True):
        at = OLIST.at(row["review_answer_timestamp"]) or OLIST.at(row.get("review_creation_date", ""))
        content: Message = {"review_id": name, "score": whole_number(row["review_score"])}
        words = (row.get("review_comment_title", ""), row.get("review_comment_message", ""))
        if text := long_cleaned("\n".join(part for part in words if part)):
            content["text"] = text
        yield from order.each("review-posted", at or order.last, name, _same(content))


def _same(data: Message) -> Data:
    """The same data for every seller."""
    return lambda _: data
