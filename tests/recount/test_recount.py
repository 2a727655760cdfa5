"""Penalty, score, rates, refunds and stock of made-up histories equal a slow recount of their messages."""

import math
import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from projections.questions.kpi import kpi, stored_kpis
from projections.questions.penalty import penalty
from projections.questions.refunds import refunds
from projections.questions.rows import RowReader
from projections.questions.stock import stock
from tests.cases.shop import SELLER, Shop
from tests.messages import message
from tests.recount import answers
from tests.recount.messages import ACCOUNTS, history, last_day
from tests.recount.seller import Seller, clock

HISTORIES = 1_000 if os.environ.get("JUMUN_TORTURE") else 50
MISTAKES = (
    "payment_again_differently",
    "dispatch_again_differently",
    "cancel_again_differently",
    "refunded_more_than_captured",
    "claimed_from_the_future",
    "reservation_shortfall",
    "less_on_hand_than_taken",
    "inspected_more_than_received",
    "damaged_restocked",
)
"""The contradictions that the recount looks for."""


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_answers_are_those_of_a_slow_recount(seed: int) -> None:
    messages = history(seed)
    shop, seller = Shop(), Seller()
    for one in messages:
        send(shop, one)
        seller.take(one)
    chance, reader = Random(seed), shop.reader()
    on = last_day(messages) + timedelta(days=chance.choice((0, 0, 4, 40)))
    assert refused(shop) == sorted(seller.refused)
    assert contradictions(shop) == seller.contradictions
    assert shop.broken_invariants() == []
    same_stock(reader, seller)
    same_rates(reader, seller, on, chance)
    same_penalty(reader, seller, on)
    same_score(reader, seller, on)
    owed = {(one.channel, str(one.account), str(one.order_id)): one.amount for one in refunds(reader, SELLER)}
    assert {key: amount for key, amount in owed.items() if amount} == answers.refunds_due(seller)


def send(shop: Shop, one: dict[str, Any]) -> None:
    attributes = {name: one[name] for name in ("actor", "reportedat") if name in one}
    shop.send_raw(message(one["type"], one["data"], id=one["id"], at=one["time"], **attributes))
    assert shop.outcomes[-1].state in {"accepted", "refused", "parked", "duplicate"}, one


def refused(shop: Shop) -> list[str]:
    return sorted(str(one.message_id) for one in shop.outcomes if one.state == "refused")


def contradictions(shop: Shop) -> set[tuple[str, str]]:
    kinds = ("OrderDiscrepancyDetected", "ReturnDiscrepancyDetected", "StockDiscrepancyDetected")
    events = [event for kind in kinds for event in shop.events(kind)]
    return {(event.kind, event.subject) for event in events if event.kind in MISTAKES}


def same_stock(reader: RowReader, seller: Seller) -> None:
    rows = {row.sku: row for row in stock(reader, SELLER, shops=("coupang", "naver"))}
    for name, sku in seller.skus.items():
        row = rows[name]
        (level,) = row.locations
        assert level.location == sku.place
        stored = level.on_hand, level.reserved, level.quarantine
        assert stored == (sku.on_hand, sku.reserved.total(), sku.quarantine), name
        assert row.waiting == len(sku.queue), name
        assert row.closed == sku.closed, name
        assert row.sellable == {
            channel: answers.sellable(seller, name, channel) for channel in ("coupang", "naver")
        }, name


def same_rates(reader: RowReader, seller: Seller, on: date, chance: Random) -> None:
    as_of = clock(on, 24)
    since, until = sorted(on - timedelta(days=chance.randrange(-30, 70)) for _ in range(2))
    for channel, account in ACCOUNTS:
        shares = list(answers.shares(seller, channel, account))
        for first, last in ((date(2026, 1, 1), date(2027, 1, 1)), (since, until)):
            for name in answers.KPIS:
                where = {"seller": SELLER, "channel": channel, "account": account}
                answer = kpi(reader, name, **where, since=first, until=last, as_of=on)
                expected = answers.rate(shares, name, first, last, as_of)
                assert (answer.numerator, answer.denominator, answer.open, answer.measured) == expected[:4], (
                    name,
                    channel,
                    account,
                )
                if answer.measured:
                    assert math.isclose(float(answer.mean or 0) * answer.measured, expected.total), name


def same_penalty(reader: RowReader, seller: Seller, on: date) -> None:
    for channel, account in ACCOUNTS:
        answer = penalty(reader, SELLER, channel, on, account)
        if channel == "coupang":
            assert answer.now is None
            waiting = answers.coupang_waiting(seller, clock(on, 24))
            assert (answer.at_risk_lines, answer.overdue_lines) == waiting
            continue
        expected = answers.naver_penalty(seller, account, clock(on, 24))
        now = answer.now
        if now is None:
            assert expected.paid_orders == 0, account
        else:
            assert (now.points, now.paid_orders) == expected[:2], account
        assert answer.to_come == expected.to_come
        assert answer.expiring == expected.expiring
        assert (answer.at_risk_lines, answer.overdue_lines) == (expected.at_risk, expected.overdue)


def same_score(reader: RowReader, seller: Seller, on: date) -> None:
    """Coupang's score is of the last 7 days; the mark for deliveries in time is 99 %."""
    shares = list(answers.shares(seller, "coupang", "main"))
    since, until = on - timedelta(days=6), on + timedelta(days=1)
    lines = {line.metric: line for line in penalty(reader, SELLER, "coupang", on).score}
    for name in ("order_fulfilment", "on_time_shipment", "on_time_delivery"):
        numerator, denominator, *_ = answers.rate(shares, name, since, until, clock(on, 24))
        exact = None if not denominator else round(Decimal(numerator) / denominator, 6)
        assert lines[name].rate == exact, name
    numerator, denominator, *_ = answers.rate(shares, "on_time_delivery", since, until, clock(on, 24))
    state = "not enough data" if not denominator else "pass" if numerator >= 0.99 * denominator else "fail"
    assert lines["on_time_delivery"].state == state


def test_every_kpi_is_counted_again() -> None:
    stored: set[str] = set()
    for seed in range(40):
        shop = Shop()
        for one in history(seed):
            send(shop, one)
        stored |= set(stored_kpis(shop.reader()))
    assert stored == set(answers.KPIS)


def test_the_recount_imports_nothing_of_ours() -> None:
    for name in ("messages", "seller", "answers"):
        source = (Path(__file__).parent / f"{name}.py").read_text("utf-8")
        lines = [line for line in source.splitlines() if line.startswith(("from ", "import "))]
        rooms = {line.split()[1].partition(".")[0] for line in lines}
        assert not rooms & {"domain", "projections", "consumers", "infra"}
