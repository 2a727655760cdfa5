"""A return goes forward, whichever of its facts is told first."""

from collections.abc import Callable, Iterator
from itertools import permutations

import pytest

from tests.cases.shop import O1, Shop, ordered


def paid() -> Shop:
    """O1 has two lines of a chair each."""
    shop = Shop()
    shop.receive("CHAIR", 2)
    shop.place(ordered(1, "1"), ordered(1, "2"), at="2026-03-02T10:00")
    return shop


def delivered() -> Shop:
    """Both lines of O1 have arrived."""
    shop = paid()
    shop.send("shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1")
    shop.send("shipment-tracked", "2026-03-04T10:00", **O1, shipment_id="s1", status="delivered")
    return shop


def ask_back(shop: Shop, return_id: str, line: str = "1") -> None:
    fields = {"return_id": return_id, "lines": [{"line": line, "pieces": 1}], "reason": "changed_mind"}
    shop.send("return-requested", "2026-03-05T10:00", **O1, **fields)


def refund(shop: Shop, return_id: str, at: str, amount: int = 10_000) -> None:
    fields = {"refund_id": "f1", "amount": amount, "cause": "return", "return_id": return_id}
    shop.send("refund-recorded", at, **O1, **fields)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = delivered()
    ask_back(shop, "r1")
    yield shop
    assert shop.broken_invariants() == []


def inspect(shop: Shop, name: str, at: str) -> None:
    units = [{"line": "1", "pieces": 1, "condition": "new", "disposition": "restock"}]
    shop.send("return-inspected", at, return_id="r1", inspection_id=name, units=units)


def test_a_refund_before_the_pieces_are_back_is_not_undone_by_their_receipt(shop: Shop) -> None:
    refund(shop, "r1", "2026-03-07T10:00")
    shop.send("return-collected", "2026-03-07T09:55", return_id="r1")
    shop.send("return-received", "2026-03-09T10:00", return_id="r1")
    inspect(shop, "i1", "2026-03-09T12:00")
    (row,) = shop.rows("return_status")
    assert (row.state, row.restocked, row.overdue) == ("refunded", 1, False)
    assert "refund_cycle_time" not in {cell.kpi for cell in shop.rows("fulfilment_kpis")}
    assert shop.on_hand("CHAIR") == 1


def test_a_second_inspection_of_nothing_leaves_the_return_refunded(shop: Shop) -> None:
    shop.send("return-received", "2026-03-06T10:00", return_id="r1")
    inspect(shop, "i1", "2026-03-06T11:00")
    refund(shop, "r1", "2026-03-06T12:00")
    inspect(shop, "i2", "2026-03-06T13:00")
    (row,) = shop.rows("return_status")
    assert (row.state, row.restocked) == ("refunded", 1)


def test_a_collection_told_after_the_receipt_has_its_time(shop: Shop) -> None:
    shop.send("return-received", "2026-03-07T10:00", return_id="r1")
    (risk,) = shop.rows("penalty_risk")
    received_at = risk.occurred_at
    shop.send("return-collected", "2026-03-06T10:00", return_id="r1")
    shop.send("return-collected", "2026-03-06T10:00", return_id="r1")
    (row,) = shop.rows("return_status")
    (risk,) = shop.rows("penalty_risk")
    assert (row.state, risk.kind) == ("received", "late_return")
    assert risk.occurred_at == row.collected_at == received_at - 24 * 3_600 * 1_000_000


STEPS: dict[str, Callable[[Shop], object]] = {
    "approved": lambda shop: shop.send(
        "return-decision-requested", "2026-03-05T11:00", return_id="r1", approve=True
    ),
    "collected": lambda shop: shop.send("return-collected", "2026-03-06T10:00", return_id="r1"),
    "received": lambda shop: shop.send("return-received", "2026-03-07T10:00", return_id="r1"),
    "refunded": lambda shop: refund(shop, "r1", "2026-03-08T10:00"),
}


@pytest.mark.parametrize("names", list(permutations(STEPS)), ids="-".join)
def test_the_steps_of_a_return_in_any_order_end_alike(names: tuple[str, ...]) -> None:
    shop = delivered()
    ask_back(shop, "r1")
    for name in names:
        STEPS[name](shop)
    (row,) = shop.rows("return_status")
    assert (row.state, row.received, row.refunded) == ("refunded", 1, 10_000)
    assert row.approved_at is not None
    assert row.collected_at is not None
    assert shop.broken_invariants() == []


def test_one_refund_that_pays_two_returns_refunds_both() -> None:
    shop = delivered()
    ask_back(shop, "r1", "1")
    ask_back(shop, "r2", "2")
    for return_id in ("r1", "r2", "r2"):
        refund(shop, return_id, "2026-03-06T12:00")
    assert shop.order().refunded == 20_000
    assert [(row.state, row.refunded) for row in shop.rows("return_status")] == [("refunded", 10_000)] * 2
    refund(shop, "r2", "2026-03-06T13:00", amount=9_000)
    assert (shop.order().refunded, shop.discrepancies()) == (20_000, ["refund_again_differently"])


def test_a_piece_that_never_arrived_is_no_return_of_the_buyer_who_keeps_the_other() -> None:
    shop = paid()
    for line, status in (("1", "delivered"), ("2", "return_to_sender")):
        parcel = {"shipment_id": f"s{line}", "lines": [{"line": line, "pieces": 1}]}
        shop.send("shipment-dispatched", "2026-03-04T10:00", **O1, **parcel)
        shop.send("shipment-tracked", "2026-03-05T10:00", **O1, shipment_id=f"s{line}", status=status)
    back = {"lines": [{"line": "2", "pieces": 1}], "reason": "never_delivered", "origin": "carrier"}
    shop.send("return-requested", "2026-03-09T10:00", **O1, return_id="r1", **back)
    shop.send("return-received", "2026-03-11T10:00", return_id="r1")
    units = [{"line": "2", "pieces": 1, "condition": "new", "disposition": "restock"}]
    shop.send("return-inspected", "2026-03-11T12:00", return_id="r1", inspection_id="i1", units=units)
    (row,) = shop.rows("order_status")
    rates = [
        (cell.kpi, cell.numerator, cell.denominator)
        for cell in shop.rows("fulfilment_kpis")
        if cell.kpi.startswith("return_rate")
    ]
    assert (row.status, rates) == ("delivered", [("return_rate", 0, 1)])
