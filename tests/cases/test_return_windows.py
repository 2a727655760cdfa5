"""Until when goods may come back: by the reason, and by the day on which each line arrived."""

import pytest

from tests.cases.shop import O1, Shop, ordered


def arrived(**opened: str) -> Shop:
    """Line 1 arrives on 2 March, so that its seven days end with the 9th; line 2 arrives on the 20th."""
    shop = Shop()
    if opened:
        shop.send("seller-open-requested", "2026-03-01T09:00", **opened)
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
    """Line 1 arrived on 2 March: three months end with 2 June."""
    assert ask_back(arrived(), "2026-03-12T10:00", "1", reason=reason) == "accepted"
    assert ask_back(arrived(), "2026-06-02T23:59", "1", reason=reason) == "accepted"
    assert ask_back(arrived(), "2026-06-03T00:00", "1", reason=reason) == "refused"


def test_a_line_that_came_too_long_ago_is_not_saved_by_one_that_came_later() -> None:
    shop = arrived()
    assert ask_back(shop, "2026-03-24T10:00", "1") == "refused"
    assert ask_back(shop, "2026-03-24T10:05", "1", "2") == "refused"
    assert shop.outcomes[-1].data["lines"] == ["1"]
    assert ask_back(shop, "2026-03-24T10:10", "2") == "accepted"
    assert ask_back(shop, "2026-03-24T10:15", "1", reason="defect", return_id="r2") == "accepted"


def test_the_window_of_a_line_ends_with_its_own_seventh_day() -> None:
    assert ask_back(arrived(), "2026-03-09T23:59", "1") == "accepted"
    assert ask_back(arrived(), "2026-03-10T00:00", "1") == "refused"


def test_the_seller_takes_late_lines_back_if_he_wishes() -> None:
    shop = arrived()
    wish = {"lines": [{"line": line, "pieces": 1} for line in ("1", "2")], "reason": "changed_mind"}
    taken = shop.send("return-requested", "2026-03-24T10:00", **O1, return_id="r1", origin="seller", **wish)
    assert taken.state == "accepted"


def test_a_line_stated_later_is_judged_by_its_own_day_too() -> None:
    shop = arrived()
    assert ask_back(shop, "2026-03-24T10:00", "2") == "accepted"
    assert ask_back(shop, "2026-03-24T10:01", "1") == "refused"
    (row,) = shop.rows("return_status")
    assert row.pieces == 1


def test_where_the_last_item_counts_it_counts_for_every_line() -> None:
    """In the EU fourteen days begin with the last delivery: 20 March, so they end with 3 April."""
    shop = arrived(zone="Europe/Rome", currency="EUR", mode="live")
    assert ask_back(shop, "2026-03-24T10:00", "1") == "accepted"
    assert ask_back(shop, "2026-04-04T10:00", "2", return_id="r2") == "refused"
