"""Joins the Olist tables into marketplace orders, and turns a fact into one message per seller."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from consumers.imports.messages import Market, Message, Row, Tables, TimedMessage
from consumers.imports.texts import Unusable

OLIST: Final = Market("olist", "Etc/GMT+3", timezone(timedelta(hours=-3)), "BRL")
UNASSIGNED: Final = "unassigned:olist"
Data = Callable[[str], Message]
"""Takes a seller and returns the data of its message."""


@dataclass(slots=True)
class MarketplaceOrder:
    """A marketplace order with its items by seller, payments, reviews and customer."""

    row: Row
    sellers: dict[str, list[Row]]
    payments: list[Row]
    reviews: list[Row]
    customer: Row
    id: str = field(init=False)
    placed: datetime = field(init=False)
    approved: datetime | None = field(init=False)
    handed_over: datetime | None = field(init=False)
    delivered: datetime | None = field(init=False)
    last: datetime = field(init=False)

    def __post_init__(self) -> None:
        row = self.row
        self.id = row["order_id"]
        self.approved = OLIST.at(row["order_approved_at"])
        self.handed_over = OLIST.at(row["order_delivered_carrier_date"])
        self.delivered = OLIST.at(row["order_delivered_customer_date"])
        times = (OLIST.at(row["order_purchase_timestamp"]), self.approved, self.handed_over, self.delivered)
        present = [at for at in times if at is not None]
        if not present:
            msg = f"order {self.id} has no time at all"
            raise Unusable(msg)
        self.placed, self.last = times[0] or min(present), max(present)

    def each(
        self, kind: str, at: datetime, name: str, data: Data, *, inferred: bool = False
    ) -> Iterator[TimedMessage]:
        """One fact as a message to each seller of the order."""
        for part, seller in enumerate(self.sellers, 1):
            content = {"channel": OLIST.name, "order_id": self.id, **data(seller)}
            message_name = f"{self.id}/{seller}/{name}" if name else f"{self.id}/{seller}"
            part_of = (part, len(self.sellers))
            yield OLIST.timed_message(
                kind, seller, at, message_name, content, inferred=inferred, part=part_of
            )


def marketplace_orders(tables: Tables) -> Iterator[MarketplaceOrder]:
    """The marketplace orders, without repeats, in the order of the file."""
    seen: set[str] = set()
    items = _by_order(tables["order_items"])
    payments = _by_order(tables.get("order_payments", ()))
    reviews = _by_order(tables.get("order_reviews", ()))
    customers = {row["customer_id"]: row for row in tables.get("customers", ())}
    for row in tables["orders"]:
        name = row["order_id"]
        if name in seen:
            continue
        seen.add(name)
        sellers: dict[str, list[Row]] = {}
        for item in sorted(items.get(name, ()), key=lambda item: item["seller_id"]):
            sellers.setdefault(item["seller_id"], []).append(item)
        yield MarketplaceOrder(
            row,
            sellers or {UNASSIGNED: []},
            payments.get(name, []),
            reviews.get(name, []),
            customers.get(row["customer_id"], {}),
        )


def _by_order(rows: Iterable[Row]) -> dict[str, list[Row]]:
    rows_by_order: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rows_by_order[row["order_id"]].append(row)
    return rows_by_order
