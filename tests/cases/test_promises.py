"""Until when an order must leave, by its channel, its kind of dispatch and its seller's country."""

from typing import Any

import pytest

from projections.instants import instant
from tests.cases.shop import O1, Shop, ordered

MONDAY = "2026-03-09"


def due(shop: Shop, line: str = "1") -> str | None:
    """The limit of a line, in UTC."""
    (row,) = (row for row in shop.rows("order_facts") if row.line == line)
    return None if row.ship_by is None else instant(row.ship_by).isoformat(timespec="minutes")[:16]


def paid_order(at: str, channel: str = "naver", line: dict[str, Any] | None = None, **fields: Any) -> Shop:
    shop = Shop()
    key = {"channel": channel, "order_id": "O1"}
    shop.send("order-placed", at, **key, currency="KRW", lines=[line or ordered(1)], **fields)
    shop.send("order-paid", at, **key, payment_id="p1", amount=10_000)
    return shop


@pytest.mark.parametrize(
    ("paid", "limit"),
    [
        (f"{MONDAY}T10:00", f"{MONDAY}T15:00"),  # Monday 24:00 in Seoul
        (f"{MONDAY}T12:59", f"{MONDAY}T15:00"),
        (f"{MONDAY}T13:00", "2026-03-10T15:00"),  # after the set time: one business day later
        ("2026-03-13T13:00", "2026-03-16T15:00"),  # Friday: Monday
        ("2026-03-14T10:00", "2026-03-16T15:00"),  # Saturday: Monday
    ],
)
def test_todays_dispatch_on_naver_is_due_today_if_paid_before_the_set_time(paid: str, limit: str) -> None:
    assert due(paid_order(paid, dispatch_type="same_day")) == limit


def test_a_normal_order_of_naver_is_due_three_business_days_later() -> None:
    assert due(paid_order(f"{MONDAY}T10:00")) == "2026-03-12T15:00"


@pytest.mark.parametrize("channel", ["naver", "coupang"])
@pytest.mark.parametrize("kind", ["preorder", "made_to_order"])
def test_what_must_first_come_in_or_be_made_is_due_when_its_channel_says(channel: str, kind: str) -> None:
    agreed = ordered(1, ship_by="2026-04-01T00:00:00+09:00")
    assert due(paid_order(f"{MONDAY}T10:00", channel, agreed, dispatch_type=kind)) == "2026-03-31T15:00"
    without = paid_order(f"{MONDAY}T10:00", channel, dispatch_type=kind)
    assert due(without) is None
    without.pass_time("2026-04-30T10:00")
    assert without.rows("penalty_risk") == []


def test_the_set_time_is_the_sellers_own_once_adopted() -> None:
    shop = Shop()
    policy = {
        "kind": "promise_policy", "id": "naver-same-day", "version": 2, "valid_from": "2026-03-01",
        "region": "KR", "source": "seller centre", "confidence": "high", "channel": "naver",
        "dispatch_type": "same_day", "zone": "Asia/Seoul", "calendar": "kr-public@2026a",
        "cut_off": "16:00", "handover": "24:00", "lead_business_days": 0,
    }  # fmt: skip
    shop.send("policy-adoption-requested", "2026-03-01T09:00", policy=policy)
    shop.send("order-placed", **O1, currency="KRW", lines=[ordered(1)], dispatch_type="same_day")
    shop.send("order-paid", f"{MONDAY}T15:59", **O1, payment_id="p1", amount=10_000)
    assert due(shop) == f"{MONDAY}T15:00"


def abroad(channel: str) -> Shop:
    shop = Shop()
    shop.send("seller-open-requested", "2026-03-01T09:00", zone="Europe/Rome", currency="EUR", mode="live")
    key = {"channel": channel, "order_id": "O1"}
    shop.send("order-placed", **key, currency="EUR", lines=[ordered(1)])
    shop.send("order-paid", **key, payment_id="p1", amount=1_000_000)
    return shop


def test_an_italian_shop_has_no_korean_cut_off_and_the_payment_names_the_gap() -> None:
    shop = abroad("shopify")
    assert due(shop) is None
    assert shop.events("OrderPaid")[0].policy == "no policy adopted"


def test_an_italian_seller_on_naver_has_the_due_dates_of_naver() -> None:
    assert due(abroad("naver")) == "2026-03-12T15:00"


def amended(shop: Shop, at: str, **line: Any) -> None:
    extra = ordered(1, "2", "DESK", **line)
    shop.send("order-amended", at, **O1, amendment_id="a1", lines=[extra])


def test_a_line_added_after_the_limit_of_its_order_has_its_own_limit() -> None:
    shop = paid_order("2026-03-02T10:00")
    amended(shop, "2026-03-06T12:00")  # Friday; three business days: Wednesday, 24:00
    assert (due(shop), due(shop, "2")) == ("2026-03-05T15:00", "2026-03-11T15:00")
    shop.send(
        "shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1", lines=[{"line": "1", "pieces": 1}]
    )
    shop.send(
        "shipment-dispatched", "2026-03-10T10:00", **O1, shipment_id="s2", lines=[{"line": "2", "pieces": 1}]
    )
    assert shop.rows("penalty_risk") == []


def test_the_limit_is_the_same_if_the_payment_is_recorded_after_the_addition() -> None:
    shop = Shop()
    shop.send("order-placed", "2026-03-02T10:00", **O1, currency="KRW", lines=[ordered(1)])
    amended(shop, "2026-03-06T12:00")
    shop.send("order-paid", "2026-03-02T10:00", **O1, payment_id="p1", amount=10_000)
    assert (due(shop), due(shop, "2")) == ("2026-03-05T15:00", "2026-03-11T15:00")


def test_a_line_added_before_the_payment_shares_the_limit_of_its_order() -> None:
    shop = Shop()
    shop.send("order-placed", "2026-03-02T10:00", **O1, currency="KRW", lines=[ordered(1)])
    amended(shop, "2026-03-03T12:00")
    shop.send("order-paid", "2026-03-04T10:00", **O1, payment_id="p1", amount=20_000)
    assert (due(shop), due(shop, "2")) == ("2026-03-09T15:00", "2026-03-09T15:00")


def test_an_added_line_that_is_not_sent_is_late_after_its_own_limit_only() -> None:
    shop = paid_order("2026-03-02T10:00")
    shop.send("shipment-dispatched", "2026-03-03T10:00", **O1, shipment_id="s1")
    amended(shop, "2026-03-06T12:00")
    shop.pass_time("2026-03-11T23:00")
    assert shop.events("ShipByMissed") == []
    shop.pass_time("2026-03-12T00:00")
    assert [event.lines for event in shop.events("ShipByMissed")] == [["2"]]


def test_a_date_of_the_channel_holds_for_an_added_line_too() -> None:
    shop = paid_order("2026-03-02T10:00")
    amended(shop, "2026-03-06T12:00", ship_by="2026-03-20T00:00:00+09:00")
    assert due(shop, "2") == "2026-03-19T15:00"


def promised(*arrival: str, **fields: Any) -> tuple[str, str | None]:
    """The promise of a Coupang order to a remote place, with whole payments that arrive in this order."""
    shop = Shop()
    key = {"channel": "coupang", "order_id": "O1"}
    placed = {"currency": "KRW", "lines": [ordered(1)], "destination": {"country": "KR", "zone": "remote"}}
    shop.send("order-placed", f"{MONDAY}T09:00", **key, **placed, **fields)
    for at in arrival:
        shop.send("order-paid", at, **key, payment_id=at, amount=10_000)
    (row,) = shop.rows("order_status")
    return instant(row.promise_at).isoformat(timespec="minutes")[:16], row.promised_day


def test_an_earlier_payment_that_arrives_later_moves_the_promise_with_it() -> None:
    early, late = f"{MONDAY}T10:00", f"{MONDAY}T13:00"
    assert promised(late) == ("2026-03-13T15:00", "2026-03-13")
    assert promised(early, late) == promised(late, early) == ("2026-03-12T15:00", "2026-03-12")


@pytest.mark.parametrize("time", ["2026-03-20T00:00:00+09:00", "2026-03-20T18:00:00+09:00"])
def test_no_payment_moves_the_promise_of_a_channel(time: str) -> None:
    assert promised(f"{MONDAY}T13:00", f"{MONDAY}T10:00", promise_at=time)[1] == "2026-03-20"
