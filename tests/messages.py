"""Builds messages of a shop, a warehouse and a carrier, for the tests of consumers and infra."""

import json
from collections.abc import Iterable
from typing import Any

AT = "2026-03-09T10:00:00+09:00"


def message(
    kind: str,
    data: dict[str, Any],
    *,
    id: str,  # noqa: A002  the attribute's name
    seller: str = "acme",
    at: str = AT,
    **attributes: Any,
) -> bytes:
    """One inbound CloudEvent as a line of JSON."""
    head = {"specversion": "1.0", "id": id, "source": "shop", "type": f"jumun.inbound.{kind}.v1", "time": at}
    whole = {**head, "sellerid": seller, **attributes, "data": data}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def tick(to: str, seller: str | None = None) -> bytes:
    return message("time-passed", {"to": to}, id=f"tick {to}", seller=seller, at=to)  # type: ignore[arg-type]


def receipt(number: int, sku: str = "CHAIR", pieces: int = 100, seller: str = "acme") -> bytes:
    data = {"receipt_id": f"in-{seller}-{number}", "sku": sku, "pieces": pieces}
    return message("stock-received", data, id=data["receipt_id"], seller=seller)  # type: ignore[arg-type]


def key(order: str) -> dict[str, Any]:
    return {"channel": "naver", "order_id": order}


def placed(order: str, sku: str = "CHAIR", pieces: int = 2, seller: str = "acme") -> bytes:
    lines = [{"line": "1", "sku": sku, "pieces": pieces, "unit_price": "1000"}]
    data = {**key(order), "currency": "KRW", "lines": lines}
    return message("order-placed", data, id=f"placed-{order}", seller=seller)


def paid(order: str, amount: int = 2000, seller: str = "acme") -> bytes:
    data = {**key(order), "payment_id": f"pay-{order}", "amount": amount}
    return message("order-paid", data, id=f"paid-{order}", seller=seller)


def packed(order: str, pieces: int = 2, seller: str = "acme") -> bytes:
    data = {
        **key(order),
        "shipment_id": "s1",
        "lines": [{"line": "1", "pieces": pieces}],
        "quality_check": {"passed": True, "by": "choi"},
    }
    return message("pack-requested", data, id=f"pack-{order}", seller=seller, actor="choi")


def dispatched(order: str, seller: str = "acme") -> bytes:
    data = {**key(order), "shipment_id": "s1", "carrier": "CJGLS", "tracking_number": "1"}
    return message("dispatch-requested", data, id=f"leave-{order}", seller=seller, actor="choi")


def delivered(order: str, seller: str = "acme") -> bytes:
    data = {**key(order), "shipment_id": "s1", "status": "delivered"}
    at = "2026-03-11T10:00:00+09:00"
    return message("shipment-tracked", data, id=f"came-{order}", seller=seller, at=at)


def life_cycle(order: str, seller: str = "acme") -> list[bytes]:
    """The messages of an order from its placement to its delivery."""
    return [step(order, seller=seller) for step in (placed, paid, packed, dispatched, delivered)]


def life_cycles(orders: Iterable[str], seller: str = "acme") -> list[bytes]:
    return [receipt(1, seller=seller), *(line for order in orders for line in life_cycle(order, seller))]
