"""Stream ids: `kind/seller/business key`.  A stream holds the events of one aggregate."""

from functools import lru_cache
from typing import Literal

Kind = Literal["seller", "order", "stock", "return"]


class StreamId(str):
    """A stream id, for example `order/acme/naver:main:2026031200017`.  The key may contain slashes."""

    __slots__ = ()

    @classmethod
    def of(cls, kind: Kind, seller_id: str, key: str) -> "StreamId":
        return cls(f"{kind}/{seller_id}/{key}")

    @property
    def parts(self) -> tuple[str, str, str]:
        """(kind, seller id, business key)."""
        kind, seller_id, key = self.split("/", 2)
        return kind, seller_id, key

    @property
    def kind(self) -> str:
        """The kind of aggregate."""
        return self[: self.index("/")]

    @property
    def seller(self) -> str:
        return self.parts[1]

    @property
    def key(self) -> str:
        return self.parts[2]


@lru_cache(maxsize=10_000)  # called for each message
def seller_stream(seller_id: str) -> StreamId:
    return StreamId(f"seller/{seller_id}/self")


def order_stream(seller_id: str, channel: str, account: str, order_id: str) -> StreamId:
    """The stream of an order, by the order id of its channel."""
    return StreamId(f"order/{seller_id}/{channel}:{account}:{order_id}")


def stock_stream(seller_id: str, sku: str) -> StreamId:
    return StreamId(f"stock/{seller_id}/{sku}")


def return_stream(seller_id: str, return_id: str) -> StreamId:
    """The stream of the first return with this id."""
    return StreamId(f"return/{seller_id}/{return_id}")


def later_return_stream(first: StreamId, owner: str) -> StreamId:
    """The stream of a later return with the same id.  `owner`: its channel and account."""
    kind, seller_id, key = first.parts
    return StreamId(f"{kind}/{seller_id}/{owner}:{key.removeprefix(f'{owner}:')}")


def owner_of(order: str) -> str:
    """The channel and account of an order, by the key of its stream."""
    return ":".join(order.split(":", 2)[:2])
