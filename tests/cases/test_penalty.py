"""Penalty points: whose rules, whose account, what is given and what is only certain."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.policies.penalty_stages import Assessment
from projections.questions.penalty import PenaltyAnswer, penalties, penalty
from tests.cases.shop import SELLER, Shop, ordered

MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)
MORNING = "2026-03-09T10:00"


def sell(shop: Shop, name: str, account: str = "main", channel: str = "naver", at: str = MORNING) -> None:
    key = {"channel": channel, "account": account, "order_id": name}
    shop.send("order-placed", at, **key, currency="KRW", lines=[ordered(1)])
    shop.send("order-paid", at, **key, payment_id="p1", amount=10_000)


def sold_out(shop: Shop, name: str, account: str = "main", channel: str = "naver") -> None:
    key = {"channel": channel, "account": account, "order_id": name}
    cancel: dict[str, Any] = {"cancellation_id": "c1", "lines": [{"line": "1", "pieces": 1}]}
    shop.send("cancellation-requested", "2026-03-09T11:00", **key, **cancel, reason="out_of_stock")


def sent(shop: Shop, name: str, at: str, account: str = "main") -> None:
    shop.send(
        "shipment-dispatched", at, channel="naver", account=account, order_id=name, shipment_id=f"s-{name}"
    )


def with_cancels(cancels: int, paid: int, account: str = "main", shop: Shop | None = None) -> Shop:
    shop = shop or Shop()
    for number in range(paid):
        name = f"{account}-{number}"
        sell(shop, name, account)
        if number < cancels:
            sold_out(shop, name, account)
        else:
            sent(shop, name, "2026-03-09T15:00", account)
    return shop


def of(shop: Shop, as_of: date | datetime | None = None, **where: str) -> PenaltyAnswer:
    return penalty(shop.reader(), SELLER, as_of=as_of, **where)


def now(answer: PenaltyAnswer) -> Assessment:
    assert answer.now is not None
    return answer.now


def test_what_is_certain_today_and_given_tomorrow_leaves_no_cancel_today() -> None:
    answer = of(with_cancels(5, 25))
    assert (now(answer).points, answer.to_come, answer.more_until_trigger) == (0, {TUESDAY: 10}, 0)
    assert answer.stage is None


def test_the_stage_is_reached_on_the_day_on_which_the_points_are_given() -> None:
    answer = of(with_cancels(5, 25), TUESDAY)
    assert (now(answer).points, answer.to_come, answer.more_until_trigger) == (10, {}, 0)
    assert answer.stage is not None
    assert answer.stage.on == TUESDAY


def test_with_four_cancels_one_is_left_today_and_tomorrow() -> None:
    shop = with_cancels(4, 25)
    assert of(shop).more_until_trigger == of(shop, TUESDAY).more_until_trigger == 1


def test_an_order_that_misses_its_limit_tonight_costs_its_point_tomorrow() -> None:
    shop = Shop()
    sell(shop, "O1")  # due on Thursday, 24:00
    thursday, friday = date(2026, 3, 12), date(2026, 3, 13)
    before = of(shop, datetime.fromisoformat("2026-03-12T23:59:59+09:00"))
    assert (before.to_come, before.at_risk_lines, before.overdue_lines) == ({}, 1, 0)
    at_midnight = of(shop, thursday)
    assert (at_midnight.to_come, at_midnight.at_risk_lines, at_midnight.overdue_lines) == ({friday: 1}, 0, 1)
    assert (of(shop, friday).to_come, now(of(shop, friday)).points) == ({}, 1)


def test_points_of_a_friday_come_on_monday() -> None:
    shop = Shop()
    sell(shop, "O1", at="2026-03-10T10:00")  # due on Friday, 24:00
    friday, monday = date(2026, 3, 13), date(2026, 3, 16)
    assert of(shop, friday).to_come == of(shop, date(2026, 3, 15)).to_come == {monday: 1}


def test_a_line_that_is_cancelled_after_its_limit_was_late_all_the_same() -> None:
    shop = Shop()
    sell(shop, "O1")
    cancel = {"cancellation_id": "c", "reason": "customer_request", "initiator": "customer"}
    shop.send("order-cancelled", "2026-03-13T09:00", channel="naver", order_id="O1", **cancel)
    answer = of(shop, date(2026, 3, 13))
    assert (now(answer).points, answer.overdue_lines) == (1, 0)


def test_the_points_of_naver_are_navers_alone() -> None:
    shop = Shop()
    sell(shop, "C1", channel="coupang")
    sold_out(shop, "C1", channel="coupang")
    answer = of(shop, TUESDAY, channel="coupang")
    assert (answer.rules, answer.now, answer.stage, answer.cases) == (None, None, None, [])
    assert [line.metric for line in answer.score] == [
        "order_fulfilment",
        "on_time_shipment",
        "on_time_delivery",
    ]
    assert answer.score[0].rate == 0
    assert now(of(shop, TUESDAY)).points == 0, "on Naver"


def test_a_channel_without_rules_and_without_a_score_has_neither() -> None:
    shop = Shop()
    sell(shop, "S1", channel="shopify")
    answer = of(shop, channel="shopify")
    assert (answer.rules, answer.now, answer.score) == (None, None, [])


def test_without_a_channel_each_channel_answers_by_its_own_rules() -> None:
    shop = Shop()
    sell(shop, "N1")
    sell(shop, "C1", channel="coupang")
    answers = penalties(shop.reader(), SELLER)
    assert [(answer.channel, answer.rules is None, len(answer.score)) for answer in answers] == [
        ("naver", False, 0),
        ("coupang", True, 3),
    ]


def test_two_accounts_of_one_channel_have_points_and_ratios_of_their_own() -> None:
    shop = with_cancels(5, 5, "a", with_cancels(0, 25, "b"))
    first, second = penalties(shop.reader(), SELLER, "naver", as_of=TUESDAY)
    assert (first.account, now(first).points, now(first).paid_orders) == ("a", 10, 5)
    assert (first.stage and first.stage.stage.name, first.more_until_trigger) == ("주의", 0)
    assert (second.account, now(second).points, now(second).paid_orders) == ("b", 0, 25)
    assert (second.stage, second.more_until_trigger) == (None, 5)


def test_two_accounts_of_one_channel_have_scores_of_their_own() -> None:
    shop = Shop()
    for account in ("a", "b"):
        sell(shop, "O1", account, "coupang")
    sold_out(shop, "O1", "a", "coupang")
    first, second = penalties(shop.reader(), SELLER, "coupang")
    assert [answer.score[0].rate for answer in (first, second)] == [Decimal(0), Decimal(1)]


def test_two_shops_may_use_the_same_order_number() -> None:
    shop = Shop()
    for account in ("a", "b"):
        sell(shop, "O1", account)
    sold_out(shop, "O1", "b")
    first, second = penalties(shop.reader(), SELLER, "naver", as_of=TUESDAY)
    assert (now(first).points, now(second).points) == (0, 2)
