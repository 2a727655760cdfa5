"""A marketplace order of Olist with all that belongs to it, and how a fact of it is told."""

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
"""What a fact says to one of the order's sellers."""


@dataclass(slots=True)
class Whole:
    """A marketplace order with all that belongs to it."""

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
        known = [at for at in times if at is not None]
        if not known:
            msg = f"order {self.id} has no time at all"
            raise Unusable(msg)
        self.placed, self.last = times[0] or min(known), max(known)

    def each(
        self, kind: str, at: datetime, name: str, data: Data, *, inferred: bool = False
    ) -> Iterator[TimedMessage]:
        """One fact, told to each seller."""
        for part, seller in enumerate(self.sellers, 1):
            said = {"channel": OLIST.name, "order_id": self.id, **data(seller)}
            named = f"{self.id}/{seller}/{name}" if name else f"{self.id}/{seller}"
            told = (part, len(self.sellers))
            yield OLIST.tell(kind, seller, at, named, said, inferred=inferred, part=told)


def wholes(tables: Tables) -> Iterator[Whole]:
    """The orders in the order of their file, each once; the items of each by seller."""
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
        yield Whole(
            row,
            sellers or {UNASSIGNED: []},
            payments.get(name, []),
            reviews.get(name, []),
            customers.get(row["customer_id"], {}),
        )


def _by_order(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(row)
    return found
