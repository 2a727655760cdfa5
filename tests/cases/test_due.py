"""What is due, and from when on."""

from tests.cases.shop import O1, Shop, ordered


def placed() -> Shop:
    """The channel gave a limit with the order: the day after, at six in the evening."""
    shop = Shop()
    limit = "2026-03-10T18:00:00+09:00"
    shop.place(ordered(1, ship_by=limit), at="2026-03-09T10:00", paid=False)
    return shop


def kinds(shop: Shop) -> list[str]:
    return [row.kind for row in shop.rows("penalty_risk")]


def names(shop: Shop) -> set[str]:
    return {row.kpi for row in shop.rows("fulfilment_kpis")}


def test_an_order_that_was_never_paid_is_never_late() -> None:
    shop = placed()
    shop.pass_time("2026-03-12T00:00")
    assert kinds(shop) == []
    assert "on_time_shipment" not in names(shop)


def test_an_order_paid_after_its_limit_is_late() -> None:
    shop = placed()
    shop.send("order-paid", "2026-03-11T10:00", **O1, payment_id="p1", amount=10_000)
    assert kinds(shop) == ["late_dispatch"]
    assert "on_time_shipment" in names(shop)


def test_an_order_that_left_before_it_was_paid_has_its_limit() -> None:
    shop = placed()
    shop.send("shipment-dispatched", "2026-03-11T10:00", **O1, shipment_id="s1")
    assert kinds(shop) == ["late_dispatch"]
