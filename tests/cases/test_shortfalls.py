"""Pieces that are promised and turn out not to be there."""

from typing import Any

import pytest

from tests.cases.shop import Shop, ordered


def promised(pieces: int, of: int) -> Shop:
    """So many of the chairs in stock are promised to O1."""
    shop = Shop()
    shop.receive("CHAIR", of)
    shop.place(ordered(pieces))
    return shop


def lose(shop: Shop, kind: str, pieces: int) -> None:
    fields: dict[str, dict[str, Any]] = {
        "stock-adjusted": {"adjustment_id": "x1", "delta": -pieces, "reason": "damaged"},
        "stock-quarantined": {"quarantine_id": "x1", "pieces": pieces, "reason": "wet"},
    }
    name = fields[kind].get("adjustment_id") or fields[kind]["quarantine_id"]
    shop.send(kind, message_id=name, sku="CHAIR", **fields[kind])


@pytest.mark.parametrize("kind", ["stock-adjusted", "stock-quarantined"])
def test_pieces_lost_below_what_is_promised_are_a_discrepancy(kind: str) -> None:
    shop = promised(5, of=5)
    lose(shop, kind, 2)
    assert (shop.on_hand("CHAIR"), shop.stock("CHAIR").available) == (3, -2)
    assert shop.discrepancies() == ["reservation_shortfall"]
    assert shop.broken_invariants() == []


@pytest.mark.parametrize("kind", ["stock-adjusted", "stock-quarantined"])
def test_pieces_lost_that_nobody_was_promised_are_none(kind: str) -> None:
    shop = promised(3, of=5)
    lose(shop, kind, 2)
    assert (shop.stock("CHAIR").available, shop.discrepancies()) == (0, [])


def test_a_piece_written_up_is_no_shortfall_though_some_are_still_missing() -> None:
    shop = promised(5, of=5)
    lose(shop, "stock-adjusted", 2)
    shop.send("stock-adjusted", message_id="x2", sku="CHAIR", adjustment_id="x2", delta=1, reason="found")
    assert shop.discrepancies() == ["reservation_shortfall"]


@pytest.mark.parametrize("kind", ["stock-adjusted", "stock-quarantined", "stock-counted"])
def test_the_orders_at_risk_are_listed_the_most_urgent_first(kind: str) -> None:
    """O2 was paid on Monday, O1 on Tuesday; O3's chairs are in another warehouse."""
    shop = Shop()
    shop.receive("CHAIR", 5)
    shop.place(ordered(2), order_id="O2")
    shop.place(ordered(3), order_id="O1", at="2026-03-10T10:00")
    shop.send("stock-received", receipt_id="in-2", sku="CHAIR", pieces=1, location="BUS")
    shop.place(ordered(1), order_id="O3")
    if kind == "stock-counted":
        shop.send(kind, "2026-03-10T12:00", count_id="n1", sku="CHAIR", counted=3)
    else:
        lose(shop, kind, 2)
    (shortfall,) = shop.events("StockDiscrepancyDetected")
    assert (shortfall.expected, shortfall.observed, shortfall.at_risk_lines) == (5, 3, 2)
    listed = [(one.order, one.pieces) for one in shortfall.at_risk]
    assert listed == [("naver:main:O2", 2), ("naver:main:O1", 3)]
