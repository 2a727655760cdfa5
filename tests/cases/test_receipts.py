"""A receipt counts once for each SKU, whoever reports it."""

from typing import Any

import pytest

from tests.cases.shop import DAY, Shop
from tests.messages import message

GRN = {"receipt_id": "GRN-7", "sku": "CHAIR", "pieces": 5}


def receive(shop: Shop, data: dict[str, Any], source: str = "wms/a", name: str = "GRN-7") -> str:
    at = f"{DAY}T10:00:00+09:00"
    return shop.send_raw(message("stock-received", data, id=name, source=source, at=at)).state


def on_hand(shop: Shop) -> dict[str, int]:
    return {row.sku: row.on_hand for row in shop.rows("stock_levels")}


@pytest.mark.parametrize(("source", "name"), [("wms/a", "GRN-7"), ("wms/b", "GRN-7"), ("wms/a", "m-8")])
def test_a_receipt_that_is_reported_again_counts_once(source: str, name: str) -> None:
    shop = Shop()
    assert receive(shop, GRN) == "accepted"
    assert receive(shop, GRN, source, name) == "duplicate"
    assert on_hand(shop) == {"CHAIR": 5}


@pytest.mark.parametrize("source", ["wms/a", "wms/b"])
def test_a_receipt_that_is_reported_again_with_other_pieces_is_a_conflict(source: str) -> None:
    shop = Shop()
    receive(shop, GRN)
    assert receive(shop, {**GRN, "pieces": 6}, source) == "conflict"
    assert on_hand(shop) == {"CHAIR": 5}


@pytest.mark.parametrize("name", ["GRN-7", "GRN-7/2"])
def test_a_receipt_may_hold_several_skus(name: str) -> None:
    shop = Shop()
    receive(shop, GRN)
    assert receive(shop, {**GRN, "sku": "DESK", "pieces": 2}, name=name) == "accepted"
    assert on_hand(shop) == {"CHAIR": 5, "DESK": 2}


def test_a_count_and_a_receipt_of_the_same_number_are_two_facts() -> None:
    shop = Shop()
    receive(shop, GRN)
    shop.send("stock-counted", f"{DAY}T11:00", message_id="GRN-7", count_id="GRN-7", sku="CHAIR", counted=4)
    assert on_hand(shop) == {"CHAIR": 4}
