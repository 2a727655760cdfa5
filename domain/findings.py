"""What an audit of a history finds wrong, and the message that corrects it.

A ledger keeps every decision, those of earlier builds with their mistakes, too.  Such a finding is no damage:
nothing was lost or changed.  A message corrects it; what cannot be undone is recorded, and then is settled.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from domain.streams import StreamId


class Correction(NamedTuple):
    """The message that corrects a finding: its type and its data.  None: to be filled in by a person."""

    type: str
    data: Mapping[str, Any]
    advice: str


class Finding(NamedTuple):
    """A broken invariant.  `settled`: it was looked into since, and nothing has changed after that."""

    rule: str
    stream: StreamId
    what: str
    correction: Correction | None = None
    settled: bool = False

    def __str__(self) -> str:
        return f"{self.rule} {self.stream}: {self.what}"


_CHECK: Final = "send it as it is: the order is decided again by the rules of today"
_COUNT: Final = "count the pieces at every location, and fill in each count"


def check_order(order: StreamId) -> Correction:
    channel, account, order_id = order.key.split(":", 2)
    data = {"channel": channel, "account": account, "order_id": order_id}
    return Correction("jumun.inbound.order-check-requested.v1", data, _CHECK)


def count_stock(stock: StreamId, location: str | None = None) -> Correction:
    data = {"sku": stock.key, "count_id": None, "location": location, "counted": None}
    return Correction("jumun.inbound.stock-counted.v1", data, _COUNT)


def quarantine(stock: StreamId, location: str, pieces: int) -> Correction:
    data = {"sku": stock.key, "quarantine_id": None, "location": location, "pieces": pieces, "reason": None}
    return Correction("jumun.inbound.stock-quarantined.v1", data, "fill in an id and a reason")


def pay_rest(order: StreamId, amount: int) -> Correction:
    advice = "fill in the payment's id; if the channel settled the order with less, add in_full: true"
    data = {**check_order(order).data, "payment_id": None, "amount": amount}
    return Correction("jumun.inbound.order-paid.v1", data, advice)
