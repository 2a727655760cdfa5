"""Converts delivery lines of a health supply chain to messages: each line is an order of its own.

| columns                   | message                                                                   |
|---------------------------|---------------------------------------------------------------------------|
| PO Sent to Vendor Date    | order-placed; inferred where it is no date or lies after the schedule or   |
|                           | the delivery: then the first of the quotation, the schedule, the delivery  |
| Scheduled Delivery Date   | its promise: kept on that day                                             |
| Delivered to Client Date  | shipment-tracked; before it, inferred at the same instant, the payment (by |
|                           | the purchase order of that number) and the dispatch                       |
| Delivery Recorded Date    | `reportedat` of the delivery, and the arrival time of its message         |

The price is per pack, the unit of the quantity.  Dates become midnights in UTC.  A text such as `Date Not
Captured` counts as no date.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from consumers.imports.messages import Market, Message, Row, Tables, TimedMessage, sorted_by_arrival
from consumers.imports.texts import Unusable, cleaned, decimal, price, whole_number

SCMS: Final = Market("scms", "UTC", UTC, "USD")
SELLER: Final = "scms"
TABLES: Final = {
    "lines": frozenset({
        "ID", "PO / SO #", "ASN/DN #", "Country", "Shipment Mode", "PQ First Sent to Client Date",
        "PO Sent to Vendor Date", "Scheduled Delivery Date", "Delivered to Client Date",
        "Delivery Recorded Date", "Item Description", "Line Item Quantity", "Pack Price",
    })
}  # fmt: skip

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_NAMED: Final = re.compile(r"(\d{1,2})-([A-Za-z]{3})[a-z]*-(\d{4}|\d{2})")
_NUMBERED: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})")
_CENTURY: Final = 2000


def messages(tables: Tables) -> Iterator[Message]:
    """The messages of the data set, sorted by arrival time."""
    return SCMS.with_clocks(sorted_by_arrival(timed for row in tables["lines"] for timed in _line(row)))


def day(text: str) -> datetime | None:
    """The midnight of a date such as `2-Jun-06` or `6/2/06` (month first); None if the text is no date."""
    text = text.strip()
    if named := _NAMED.fullmatch(text):
        date, month, year = int(named[1]), _MONTHS.get(named[2].lower(), 0), int(named[3])
    elif numbered := _NUMBERED.fullmatch(text):
        month, date, year = int(numbered[1]), int(numbered[2]), int(numbered[3])
    else:
        return None
    try:
        return datetime(year if year >= _CENTURY else year + _CENTURY, month, date, tzinfo=UTC)
    except ValueError:
        return None


def _line(row: Row) -> Iterator[TimedMessage]:
    order: Message = {"channel": SCMS.name, "order_id": row["ID"].strip()}
    name = order["order_id"]
    promised, delivered = day(row["Scheduled Delivery Date"]), day(row["Delivered to Client Date"])
    at, inferred = _placed_at(row, [date for date in (promised, delivered) if date is not None])
    placed = _placed(order, row)
    if promised is not None:
        placed["promise_at"] = promised.isoformat()
    yield SCMS.timed_message("order-placed", SELLER, at, name, placed, inferred=inferred)
    if delivered is not None:
        yield from _sent(order, row, placed["lines"], delivered)


def _placed_at(row: Row, later: list[datetime]) -> tuple[datetime, bool]:
    """The time of the order, and whether it is inferred."""
    ordered = day(row["PO Sent to Vendor Date"])
    if ordered is not None and all(ordered <= date for date in later):
        return ordered, False
    quoted = day(row["PQ First Sent to Client Date"])
    dates = [date for date in (ordered, quoted, *later) if date is not None]
    if not dates:
        msg = f"line {row['ID']} has no date at all"
        raise Unusable(msg)
    return min(dates), True


def _placed(order: Message, row: Row) -> dict[str, Any]:
    """The order's data.  A row without pieces becomes an order without lines."""
    pieces = whole_number(row["Line Item Quantity"])
    line: Message = {
        "line": "1",
        "sku": cleaned(row["Item Description"]),
        "pieces": pieces,
        "unit_price": price(row["Pack Price"]),
    }
    return {
        **order,
        "currency": SCMS.currency,
        "lines": [line] if pieces > 0 else [],
        "destination": {"zone": cleaned(row["Country"])},
    }


def _sent(order: Message, row: Row, lines: list[Message], at: datetime) -> Iterator[TimedMessage]:
    """Stock, payment, dispatch and delivery; all these messages arrive when the delivery was recorded."""
    name = order["order_id"]
    recorded = day(row["Delivery Recorded Date"])
    arrives_at = max(at, recorded or at)
    for line in lines:
        yield from SCMS.receipts(SELLER, at, name, line["sku"], line["pieces"], arrives_at)
    value = sum((decimal(line["unit_price"]) * line["pieces"] for line in lines), Decimal(0))
    amount = max(0, SCMS.minor(value))
    paid = {**order, "payment_id": cleaned(row["PO / SO #"]), "amount": amount, "in_full": True}
    yield SCMS.timed_message("order-paid", SELLER, at, name, paid, inferred=True, arrives_at=arrives_at)
    left = {
        **order,
        "shipment_id": "1",
        "carrier": cleaned(row["Shipment Mode"]),
        "tracking_number": cleaned(row["ASN/DN #"]),
    }
    yield SCMS.timed_message(
        "shipment-dispatched", SELLER, at, name, left, inferred=True, arrives_at=arrives_at
    )
    delivered = {**order, "shipment_id": "1", "status": "delivered"}
    yield SCMS.timed_message(
        "shipment-tracked", SELLER, at, name, delivered, arrives_at=arrives_at, reported=recorded
    )
