"""Until when goods may come back: by the reason, and by the day on which each line arrived."""

import pytest

from tests.cases.shop import O1, Shop, ordered


def arrived() -> Shop:
    """Line 1 arrives on 2 March, so that its seven days end with the 9th; line 2 arrives on the 20th."""
    shop = Shop()
    shop.receive("CHAIR", 2)
    shop.place(ordered(1, "1"), ordered(1, "2"), at="2026-03-01T10:00")
    for line, day in (("1", "02"), ("2", "20")):
        parcel = {"shipment_id": f"s{line}", "lines": [{"line": line, "pieces": 1}]}
        shop.send("shipment-dispatched", "2026-03-01T12:00", **O1, **parcel)
        shop.send(
            "shipment-tracked", f"2026-03-{day}T12:00", **O1, shipment_id=f"s{line}", status="delivered"
        )
    return shop


def ask_back(shop: Shop, at: str, *lines: str, reason: str = "changed_mind", return_id: str = "r1") -> str:
    """The state of the wish: accepted or refused."""
    wish = {"lines": [{"line": line, "pieces": 1} for line in lines], "reason": reason}
    return shop.send("return-requested", at, **O1, return_id=return_id, **wish).state


@pytest.mark.parametrize("reason", ["defect", "damaged", "not_as_described", "wrong_item", "parts_missing"])
def test_goods_that_differ_from_the_contract_come_back_for_three_months(reason: str) -> None:
    """Line 1 arrived on 2 March: 90 days end with 31 May."""
    assert ask_back(arrived(), "2026-03-12T10:00", "1", reason=reason) == "accepted"
    assert ask_back(arrived(), "2026-05-31T23:59", "1", reason=reason) == "accepted"
    assert ask_back(arrived(), "2026-06-01T00:00", "1", reason=reason) == "refused"
