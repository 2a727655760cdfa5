"""Penalty, rates and stock of small made-up histories equal a slow recount of their messages."""

import os
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from projections.questions.kpi import kpi
from projections.questions.penalty import penalty
from tests.cases import recount
from tests.cases.shop import SELLER, Shop, ordered

HISTORIES = 1_000 if os.environ.get("JUMUN_TORTURE") else 50
LAST_DAY = date(2026, 4, 5)
RECEIVED = 100
ENDS = ("sent", "sent", "sold_out", "buyer_cancelled", "")


def history(seed: int) -> recount.Messages:
    chance = Random(seed)
    messages: recount.Messages = []
    for number in range(chance.randint(1, 9)):
        order = f"O{number}"
        paid = datetime.fromisoformat("2026-03-02") + timedelta(minutes=chance.randrange(20 * 24 * 60))
        messages.append({"kind": "placed", "at": paid, "order": order})
        if chance.random() < 0.9:
            messages.append({"kind": "paid", "at": paid, "order": order})
            if kind := chance.choice(ENDS):
                later = timedelta(minutes=chance.randrange(12 * 24 * 60))
                midnight = chance.random() < 0.3  # the very limit, often enough
                at = paid + later
                at = at.replace(hour=0, minute=0) + timedelta(days=1) if midnight else at
                messages.append({"kind": kind, "at": at, "order": order})
    return sorted(messages, key=lambda message: (message["at"], message["order"]))


def shop_of(messages: recount.Messages) -> Shop:
    shop = Shop()
    shop.send("stock-received", "2026-03-01T09:00", receipt_id="in", sku="CHAIR", pieces=RECEIVED)
    whole: dict[str, Any] = {"cancellation_id": "c", "lines": [{"line": "1", "pieces": 1}]}
    sends: dict[str, tuple[str, dict[str, Any]]] = {
        "placed": ("order-placed", {"currency": "KRW", "lines": [ordered(1)]}),
        "paid": ("order-paid", {"payment_id": "p", "amount": 10_000}),
        "sent": ("shipment-dispatched", {"shipment_id": "s"}),
        "sold_out": ("cancellation-requested", {**whole, "reason": "out_of_stock"}),
        "buyer_cancelled": ("order-cancelled", {**whole, "reason": "customer_request"}),
    }
    for message in messages:
        kind, fields = sends[message["kind"]]
        at = message["at"].isoformat(timespec="minutes")
        shop.send(kind, at, channel="naver", order_id=message["order"], **fields)
    return shop


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_answers_are_those_of_a_slow_recount(seed: int) -> None:
    messages = history(seed)
    shop = shop_of(messages)
    reader = shop.reader()

    def rate(name: str) -> tuple[int, int]:
        answer = kpi(reader, name, seller=SELLER, as_of=LAST_DAY)
        return answer.numerator, answer.denominator

    now = penalty(reader, SELLER, as_of=LAST_DAY).now
    assert now is not None
    assert now.points == recount.points(messages, LAST_DAY)
    assert now.paid_orders == recount.paid_orders(messages, LAST_DAY)
    assert rate("on_time_shipment") == recount.on_time_shipment(messages)
    assert rate("unit_fill_rate") == recount.fill_rate(messages)
    assert shop.on_hand("CHAIR") == recount.on_hand(messages, RECEIVED)
    assert shop.broken_invariants() == []
