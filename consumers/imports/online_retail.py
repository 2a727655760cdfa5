"""Converts invoice lines of a UK wholesaler to messages.

An invoice is one fact of the source, but it becomes several messages.  One of them is numbered part 1: the
first message of a kind marked (p).  So `facts` of the activity report counts invoices, and `events` messages.

| lines of an invoice   | messages                                                                        |
|-----------------------|---------------------------------------------------------------------------------|
| plain, quantity > 0   | 1. order-placed (p)                                                             |
|                       | 2. order-amended (p): each adds at most 500 lines, all with the same time       |
|                       | 3. order-paid, inferred: the invoice's sum, rounded once; 0 if it is negative   |
|                       | 4. shipment-dispatched                                                          |
| plain, quantity < 0   | stock-adjusted (p): a write-off; the description is the reason                  |
| plain, quantity 0     | value-adjusted (p) with 0 pieces                                                |
| `C...`, quantity < 0  | return-recorded (p), without an order, because the file does not name the sale  |
| `C...`, quantity > 0  | like a plain line, on the channel `online-retail-credit`: a charge on a credit  |
|                       | note counts as a new sale                                                       |
| `C...`, quantity 0    | stock-adjusted (p) by 0                                                         |
| `A...`                | value-adjusted (p): a value without goods                                       |

Any price may be negative: values are exact sums with their sign.  Stock codes are kept as exact text.  An id
is the invoice number and the line's number in the invoice, so identical lines have different ids, even in
different files of the data set.  Times in the file are London times without an offset.  They are written as
if they were UTC, so days are those of the file.  No duration becomes wrong, because every duration lies
within one invoice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from sys import intern
from typing import Final, NamedTuple

from consumers.imports.messages import Market, Message, Part, Row, Tables, TimedMessage
from consumers.imports.texts import cleaned, price, whole_number
from domain.values import MAX_LINES

RETAIL: Final = Market("online-retail", "UTC", UTC, "GBP")
SELLER: Final = "online-retail"
SALES: Final = "online-retail"
CREDITS: Final = "online-retail-credit"
TABLES: Final = {
    "lines": frozenset({"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"})
}
MAX_CODE_LETTERS: Final = 40_000
"""Characters of stock codes in one message: far below 256 KB in any encoding of the characters."""


class _Line(NamedTuple):
    number: int
    """Line number in the invoice, from 1."""
    at: datetime
    code: str
    quantity: int
    price: str
    reason: str


def messages(tables: Tables) -> Iterator[Message]:
    """The messages of the data set: one invoice after the other, sorted by the time of their first line."""
    return RETAIL.with_clocks(_timed_messages(_invoices(tables["lines"])))


def _invoices(rows: Iterable[Row]) -> dict[str, list[_Line]]:
    """The lines by invoice; in the file the lines of an invoice may be apart."""
    invoices: dict[str, list[_Line]] = {}
    for row in rows:
        at = RETAIL.must_be_at(row["InvoiceDate"])
        lines = invoices.setdefault(row["InvoiceNo"], [])
        quantity = whole_number(row["Quantity"])
        reason = intern(cleaned(row["Description"])) if quantity <= 0 or row["InvoiceNo"][:1] == "A" else ""
        code, each = intern(_sku(row["StockCode"])), intern(price(row["UnitPrice"]))
        lines.append(_Line(len(lines) + 1, at, code, quantity, each, reason))
    return invoices


def _sku(code: str) -> str:
    """A code with a blank at its end is another code of the set; a message's SKU cannot end with one."""
    return code.rstrip() + "·" * (len(code) - len(code.rstrip())) if code.strip() else "unknown"


def _timed_messages(invoices: dict[str, list[_Line]]) -> Iterator[TimedMessage]:
    starts = sorted((min(line.at for line in lines), name) for name, lines in invoices.items())
    if starts:
        yield from _opening(invoices, RETAIL.midnight(starts[0][0]))
    for at, name in starts:
        yield from _invoice(name, invoices[name], at)


def _opening(invoices: dict[str, list[_Line]], at: datetime) -> Iterator[TimedMessage]:
    """Opening stock for each SKU: all pieces that ever leave.

    Returned pieces go to quarantine, not to stock.
    """
    needs = Counter[str]()
    for name, lines in invoices.items():
        for line in lines:
            if name[:1] != "A" and (line.quantity > 0 or name[:1] != "C"):
                needs[line.code] += abs(line.quantity)
    for code, pieces in sorted(needs.items()):
        yield from RETAIL.receipts(SELLER, at, f"{at.date()}", code, pieces)


def _invoice(name: str, lines: list[_Line], at: datetime) -> Iterator[TimedMessage]:
    """The numbered parts of the invoice; if it is an order, also its payment and its shipments."""
    if name[:1] == "A":
        yield from _numbered([_value_adjusted(name, line) for line in lines], at)
        return
    credit = name[:1] == "C"
    positive = [line for line in lines if line.quantity > 0]
    negative = [line for line in lines if line.quantity < 0]
    zero = [line for line in lines if line.quantity == 0]
    order: Message = {"channel": CREDITS if credit else SALES, "order_id": name}
    chunks = list(_chunks(positive))
    placed = [_placed(order, chunk, number) for number, chunk in enumerate(chunks, 1)]
    if credit:
        parts = (
            [_returned(name, line) for line in negative]
            + placed
            + [_stock_adjusted(name, line) for line in zero]
        )
    else:
        parts = (
            placed
            + [_stock_adjusted(name, line) for line in negative]
            + [_value_adjusted(name, line) for line in zero]
        )
    yield from _numbered(parts, at)
    if positive:
        yield from _sent(order, chunks, at)


PartOfInvoice = tuple[str, datetime, str, Message]
"""(kind, at, name, data) of a part."""


def _numbered(parts: list[PartOfInvoice], arrives_at: datetime) -> Iterator[TimedMessage]:
    for number, (kind, at, name, data) in enumerate(parts, 1):
        yield RETAIL.timed_message(
            kind, SELLER, at, name, data, part=(number, len(parts)), arrives_at=arrives_at
        )


def _chunks(lines: list[_Line]) -> Iterator[list[_Line]]:
    """Splits lines into messages: each has lines of the same time, at most 500, and is not too long."""
    chunk: list[_Line] = []
    letters = 0
    for line in lines:
        letters += len(line.code)
        if chunk and (len(chunk) == MAX_LINES or letters > MAX_CODE_LETTERS or line.at != chunk[0].at):
            yield chunk
            chunk, letters = [], len(line.code)
        chunk.append(line)
    if chunk:
        yield chunk


def _placed(order: Message, chunk: list[_Line], number: int) -> PartOfInvoice:
    lines = [
        {"line": str(line.number), "sku": line.code, "pieces": line.quantity, "unit_price": line.price}
        for line in chunk
    ]
    at, invoice = chunk[0].at, order["order_id"]
    if number == 1:
        return "order-placed", at, invoice, {**order, "currency": RETAIL.currency, "lines": lines}
    amended = {**order, "amendment_id": str(number), "lines": lines}
    return "order-amended", at, f"{invoice}/{number}", amended


def _sent(order: Message, chunks: list[list[_Line]], arrives_at: datetime) -> Iterator[TimedMessage]:
    invoice, at = order["order_id"], max(chunk[0].at for chunk in chunks)
    value = sum((Decimal(line.price) * line.quantity for chunk in chunks for line in chunk), Decimal(0))
    paid = {**order, "payment_id": "1", "amount": max(0, RETAIL.minor(value)), "in_full": True}
    yield RETAIL.timed_message("order-paid", SELLER, at, invoice, paid, inferred=True, arrives_at=arrives_at)
    for number, chunk in enumerate(chunks, 1):
        lines = [{"line": str(line.number), "pieces": line.quantity} for line in chunk]
        left = {**order, "shipment_id": str(number), "lines": lines}
        part: Part = (number, len(chunks))
        name = f"{invoice}/{number}"
        yield RETAIL.timed_message(
            "shipment-dispatched", SELLER, at, name, left, part=part, arrives_at=arrives_at
        )


def _returned(invoice: str, line: _Line) -> PartOfInvoice:
    returned: Message = {
        "return_id": f"{invoice}-{line.number}",
        "channel": SALES,
        "sku": line.code,
        "pieces": -line.quantity,
        "unit_price": line.price,
        "currency": RETAIL.currency,
        "reference": invoice,
    }
    return "return-recorded", line.at, f"{invoice}/{line.number}", returned


def _stock_adjusted(invoice: str, line: _Line) -> PartOfInvoice:
    name = f"{invoice}/{line.number}"
    adjusted: Message = {
        "adjustment_id": RETAIL.id_of("stock-adjusted", name),
        "sku": line.code,
        "delta": line.quantity,
        "reason": line.reason,
        "unit_price": line.price,
    }
    return "stock-adjusted", line.at, name, adjusted


def _value_adjusted(invoice: str, line: _Line) -> PartOfInvoice:
    name = f"{invoice}/{line.number}"
    adjusted: Message = {
        "adjustment_id": RETAIL.id_of("value-adjusted", name),
        "channel": SALES,
        "code": line.code,
        "pieces": line.quantity,
        "unit_price": line.price,
        "currency": RETAIL.currency,
        "reason": line.reason,
    }
    return "value-adjusted", line.at, name, adjusted
