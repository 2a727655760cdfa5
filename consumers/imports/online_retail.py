"""Invoice lines of a UK wholesaler as messages.

An invoice is one outside fact told in parts: among the messages marked (p) exactly one is its part 1, so
`facts` of the activity are invoices and `events` are messages.

| lines of an invoice                | message                                                          |
|------------------------------------|------------------------------------------------------------------|
| plain, quantity > 0                | order-placed, order-amended (p) by up to 500 lines and one time; |
|                                    | order-paid, inferred: the invoice's sum, rounded once, or nothing |
|                                    | where it is below 0; shipment-dispatched                         |
| plain, quantity < 0                | stock-adjusted (p): a write-off, its description the reason      |
| plain, quantity 0                  | value-adjusted (p) of no pieces                                  |
| `C...`, quantity < 0               | return-recorded (p): no sale is named, so a return of its own     |
| `C...`, quantity > 0               | as a plain one, on the channel `online-retail-credit`: pieces that |
|                                    | a credit note charges again have left again                      |
| `C...`, quantity 0                 | stock-adjusted (p) by 0                                          |
| `A...`                             | value-adjusted (p): a value, no goods                            |

A price may be negative wherever it stands: values are exact sums with their sign.  Stock codes are exact
text.  Ids are made of the invoice and the number of the line in it, so identical lines stay apart, and
parts of the set do not get into each other's way.  Times are the wall's in London without an offset; they
are written as UTC, so that days are the file's days, and every duration is within one invoice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from sys import intern
from typing import Final, NamedTuple

from consumers.imports.messages import Market, Message, Part, Row, Tables, TimedMessage
from consumers.imports.texts import cleaned, price, whole
from domain.values import MAX_LINES

RETAIL: Final = Market("online-retail", "UTC", UTC, "GBP")
SELLER: Final = "online-retail"
SALES: Final = "online-retail"
CREDITS: Final = "online-retail-credit"
TABLES: Final = {
    "lines": frozenset({"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"})
}
MOST_LETTERS: Final = 40_000
"""Of stock codes in one message: far below 256 KB whatever letters they are made of."""


class _Line(NamedTuple):
    number: int
    """Counted from 1 in its invoice."""
    at: datetime
    code: str
    quantity: int
    price: str
    reason: str


def messages(tables: Tables) -> Iterator[Message]:
    """The messages of the set: invoice after invoice, by the time of their first lines."""
    return RETAIL.clocked(_told(_invoices(tables["lines"])))


def _invoices(rows: Iterable[Row]) -> dict[str, list[_Line]]:
    """Lines by invoice: those of one invoice need not stand together in the file."""
    invoices: dict[str, list[_Line]] = {}
    for row in rows:
        at = RETAIL.must_be_at(row["InvoiceDate"])
        lines = invoices.setdefault(row["InvoiceNo"], [])
        quantity = whole(row["Quantity"])
        reason = intern(cleaned(row["Description"])) if quantity <= 0 or row["InvoiceNo"][:1] == "A" else ""
        code, each = intern(row["StockCode"] or "unknown"), intern(price(row["UnitPrice"]))
        lines.append(_Line(len(lines) + 1, at, code, quantity, each, reason))
    return invoices


def _told(invoices: dict[str, list[_Line]]) -> Iterator[TimedMessage]:
    begins = sorted((min(line.at for line in lines), name) for name, lines in invoices.items())
    if begins:
        yield from _opening(invoices, RETAIL.midnight(begins[0][0]))
    for at, name in begins:
        yield from _invoice(name, invoices[name], at)


def _opening(invoices: dict[str, list[_Line]], at: datetime) -> Iterator[TimedMessage]:
    """Once for each SKU: all that ever leaves.  What comes back lies in quarantine."""
    needs = Counter[str]()
    for name, lines in invoices.items():
        for line in lines:
            if name[:1] != "A" and (line.quantity > 0 or name[:1] != "C"):
                needs[line.code] += abs(line.quantity)
    for code, pieces in sorted(needs.items()):
        yield from RETAIL.receipts(SELLER, at, f"{at.date()}", code, pieces)


def _invoice(name: str, lines: list[_Line], at: datetime) -> Iterator[TimedMessage]:
    """The parts of the invoice, numbered, and what follows when it is an order."""
    if name[:1] == "A":
        yield from _numbered([_adjusted(name, line) for line in lines], at)
        return
    credit = name[:1] == "C"
    sold = [line for line in lines if line.quantity > 0]
    gone = [line for line in lines if line.quantity < 0]
    nothing = [line for line in lines if line.quantity == 0]
    order: Message = {"channel": CREDITS if credit else SALES, "order_id": name}
    chunks = list(_chunks(sold))
    placed = [_placed(order, chunk, number) for number, chunk in enumerate(chunks, 1)]
    if credit:
        parts = [_returned(name, line) for line in gone] + placed + [_written(name, line) for line in nothing]
    else:
        parts = placed + [_written(name, line) for line in gone] + [_adjusted(name, line) for line in nothing]
    yield from _numbered(parts, at)
    if sold:
        yield from _sent(order, chunks, at)


_TimedMessage = tuple[str, datetime, str, Message]
"""(kind, at, name, data) of a part."""


def _numbered(parts: list[_TimedMessage], arrives_at: datetime) -> Iterator[TimedMessage]:
    for number, (kind, at, name, data) in enumerate(parts, 1):
        yield RETAIL.tell(kind, SELLER, at, name, data, part=(number, len(parts)), arrives_at=arrives_at)


def _chunks(lines: list[_Line]) -> Iterator[list[_Line]]:
    """Lines of one message: of the same time, at most 500, and not too long."""
    chunk: list[_Line] = []
    letters = 0
    for line in lines:
        letters += len(line.code)
        if chunk and (len(chunk) == MAX_LINES or letters > MOST_LETTERS or line.at != chunk[0].at):
            yield chunk
            chunk, letters = [], len(line.code)
        chunk.append(line)
    if chunk:
        yield chunk


def _placed(order: Message, chunk: list[_Line], number: int) -> _TimedMessage:
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
    paid = {**order, "payment_id": "1", "amount": max(0, RETAIL.minor(value))}
    yield RETAIL.tell("order-paid", SELLER, at, invoice, paid, inferred=True, arrives_at=arrives_at)
    for number, chunk in enumerate(chunks, 1):
        lines = [{"line": str(line.number), "pieces": line.quantity} for line in chunk]
        left = {**order, "shipment_id": str(number), "lines": lines}
        part: Part = (number, len(chunks))
        name = f"{invoice}/{number}"
        yield RETAIL.tell("shipment-dispatched", SELLER, at, name, left, part=part, arrives_at=arrives_at)


def _returned(invoice: str, line: _Line) -> _TimedMessage:
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


def _written(invoice: str, line: _Line) -> _TimedMessage:
    name = f"{invoice}/{line.number}"
    adjusted: Message = {
        "adjustment_id": RETAIL.id_of("stock-adjusted", name),
        "sku": line.code,
        "delta": line.quantity,
        "reason": line.reason,
        "unit_price": line.price,
    }
    return "stock-adjusted", line.at, name, adjusted


def _adjusted(invoice: str, line: _Line) -> _TimedMessage:
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
