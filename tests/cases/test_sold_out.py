"""A SKU that turns out to be sold out: who is promised its pieces, and who is told."""

from typing import Any

from tests.cases.shop import DAY, O1, Shop, ordered


def of(order_id: str) -> dict[str, Any]:
    return {"channel": "naver", "order_id": order_id}


def closed_with_one_waiting() -> Shop:
    """Three chairs are promised to O1, O2 and O3, and O4 waits.  Then O1 is cancelled as out of stock."""
    shop = Shop()
    shop.receive("CHAIR", 3)
    for name in ("O1", "O2", "O3", "O4"):
        shop.place(ordered(1), order_id=name)
    cancel = {"cancellation_id": "c1", "lines": [{"line": "1", "pieces": 1}], "reason": "out_of_stock"}
    shop.send("cancellation-requested", f"{DAY}T11:00", **O1, **cancel)
    return shop


def count(shop: Shop, counted: int, at: str = f"{DAY}T12:00") -> None:
    shop.send("stock-counted", at, message_id="n1", sku="CHAIR", count_id="n1", counted=counted)


def cancel_by_buyer(shop: Shop, order_id: str) -> None:
    fields = {"cancellation_id": "c2", "reason": "customer_request", "initiator": "customer"}
    shop.send("order-cancelled", f"{DAY}T13:00", **of(order_id), **fields)


def test_after_a_count_a_piece_that_falls_free_goes_to_the_order_that_waits() -> None:
    shop = closed_with_one_waiting()
    count(shop, 2)
    cancel_by_buyer(shop, "O2")
    assert shop.units(order_id="O4") == {"allocated": 1}
    assert shop.stock("CHAIR").closed
    assert shop.broken_invariants() == []


def test_before_a_count_a_piece_that_falls_free_is_promised_to_nobody() -> None:
    shop = closed_with_one_waiting()
    cancel_by_buyer(shop, "O2")
    assert shop.units(order_id="O4") == {"backordered": 1}
    count(shop, 2)
    assert shop.units(order_id="O4") == {"allocated": 1}
    assert shop.broken_invariants() == []


def test_the_next_cancel_for_want_of_stock_makes_the_book_doubtful_again() -> None:
    shop = closed_with_one_waiting()
    count(shop, 2)
    cancel = {"cancellation_id": "c3", "lines": [{"line": "1", "pieces": 1}], "reason": "out_of_stock"}
    shop.send("cancellation-requested", f"{DAY}T12:30", **of("O3"), **cancel)
    cancel_by_buyer(shop, "O2")
    assert shop.units(order_id="O4") == {"backordered": 1}


def test_an_order_paid_after_the_count_gets_the_piece_that_is_left() -> None:
    shop = closed_with_one_waiting()
    cancel_by_buyer(shop, "O4")
    policy = {
        "kind": "stock_policy", "id": "careful", "version": 1, "valid_from": "2026-03-01", "region": "KR",
        "source": "test", "confidence": "high", "safety_stock": 3,
    }  # fmt: skip
    shop.send("policy-adoption-requested", f"{DAY}T11:30", policy=policy)
    count(shop, 3)
    shop.place(ordered(1), order_id="O5", at=f"{DAY}T14:00")
    assert (shop.units(order_id="O5"), shop.stock("CHAIR").closed) == ({"allocated": 1}, True)


def without_low_stock() -> Shop:
    shop = Shop()
    policy = {
        "kind": "stock_policy", "id": "plain", "version": 1, "valid_from": "2026-03-01", "region": "KR",
        "source": "test", "confidence": "high", "safety_stock": 0,
    }  # fmt: skip
    shop.send("policy-adoption-requested", "2026-03-01T09:00", policy=policy)
    return shop


def alerts(shop: Shop) -> list[str]:
    kinds = ("SoldOutDetected", "LowStockDetected", "StockRecovered")
    return [name for name in shop.event_names() if name in kinds]


def test_sold_out_is_reported_once_without_a_limit_for_low_stock() -> None:
    shop = without_low_stock()
    shop.receive("CHAIR", 1)
    shop.place(ordered(1))
    shop.place(ordered(1), order_id="O2")
    assert alerts(shop) == ["SoldOutDetected"]


def test_sold_out_is_reported_again_after_a_receipt() -> None:
    shop = without_low_stock()
    shop.receive("CHAIR", 1)
    shop.place(ordered(1))
    shop.send("stock-received", receipt_id="in-2", sku="CHAIR", pieces=1)
    shop.place(ordered(1), order_id="O2")
    assert alerts(shop) == ["SoldOutDetected", "StockRecovered", "SoldOutDetected"]
