"""The same facts in any order of arrival come to the same end.

Whole sellers are made up: two channels, two accounts, orders of the same number.  Facts grow line by line,
repeat, and come after what they cause.  Only who is first at scarce stock depends on the order, so there is
enough.
"""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import pytest

from projections.orders.rows import ORDER_FACTS, ORDER_STATUS
from tests.cases.shop import DAY, Shop, ordered

HISTORIES = 10_000 if os.environ.get("JUMUN_TORTURE") else 300
ORDERS = (("naver", "main", "O1"), ("naver", "second", "O1"), ("coupang", "main", "O1"))
SKUS = ("CHAIR", "DESK")
LEFT_OUT = {"position", "recorded_at", "refund_due_at"}
"""The first two are the ledger's order.  Each part of a refund is due by itself, once it is known."""


class Fact(NamedTuple):
    """A message of a channel, a warehouse or a carrier."""

    kind: str
    at: datetime
    data: dict[str, Any]


def facts_of(chance: Random, channel: str, account: str, order_id: str) -> Iterator[Fact]:
    """An order's placement, payment and hand-over, and some of what may go wrong with it."""
    head = {"channel": channel, "account": account, "order_id": order_id}
    placed = datetime.fromisoformat(f"{DAY}T08:00") + timedelta(minutes=chance.randrange(600))
    lines = [
        ordered(chance.randint(1, 3), line=str(number + 1), sku=SKUS[number])
        for number in range(chance.randint(1, 2))
    ]

    def fact(kind: str, **data: Any) -> Fact:
        at = placed + timedelta(minutes=chance.randrange(1, 10 * 24 * 60))
        return Fact(kind, at, {**head, **data})

    yield Fact("order-placed", placed, {**head, "currency": "KRW", "lines": lines})
    price = sum(line["pieces"] for line in lines) * 10_000
    left = {line["line"]: line["pieces"] for line in lines}
    for number in range(chance.randint(0, 2)):
        amount = chance.choice((price, price, price // 2, price - 1_000))
        if amount < price:  # a part that paid the rest stays a payment when the rest is cancelled, too
            left["1"] = lines[0]["pieces"] - 1
        in_full = chance.random() < 0.2
        yield fact("order-paid", payment_id=f"p{number}", amount=amount, in_full=in_full)
    if chance.random() < 0.2:  # after the payments: what is recorded as paid stays paid
        added = {**head, "amendment_id": "a", "lines": [ordered(1, line="3")]}
        yield Fact("order-amended", placed + timedelta(days=11), added)
    for number in range(1, chance.randint(0, 2) + 1):
        for part in parts(chance, left):
            yield fact("shipment-dispatched", shipment_id=f"s{number}", lines=part)
    for number in range(1, chance.randint(0, 2) + 1):
        reason = chance.choice(("out_of_stock", "customer_request"))
        for part in parts(chance, left):
            yield fact("order-cancelled", cancellation_id=f"c{number}", lines=part, reason=reason)
    for kind, number in chance.choices(tuple(MORE), weights=tuple(MORE.values()), k=chance.randint(0, 5)):
        yield fact(kind, **FIELDS[kind](chance, number))


def parts(chance: Random, left: dict[str, int]) -> list[list[dict[str, Any]]]:
    """Takes some pieces of what is left: the lines of one message, or of several under one id."""
    taken = {line: chance.randint(0, pieces) for line, pieces in left.items()}
    for line, pieces in taken.items():
        left[line] -= pieces
    lines = [{"line": line, "pieces": pieces} for line, pieces in taken.items() if pieces]
    if not lines:
        return []
    return [lines] if chance.random() < 0.7 else [[line] for line in lines]


def _scan(chance: Random, number: int) -> dict[str, Any]:
    statuses = ("in_transit", "delivered", "returned_to_sender", "lost", "unknown")
    return {"shipment_id": f"s{number}", "status": chance.choice(statuses)}


def _refund(chance: Random, number: int) -> dict[str, Any]:
    return {"refund_id": f"r{number}", "amount": chance.choice((10_000, 20_000)), "cause": "cancel"}


def _reversal(chance: Random, number: int) -> dict[str, Any]:
    del chance
    return {"reversal_id": f"v{number}", "amount": 10_000}


def _claim(chance: Random, number: int) -> dict[str, Any]:
    del number
    return {"status": chance.choice(("paid", "shipped", "done"))}


FIELDS = {
    "shipment-tracked": _scan,
    "order-refunded": _refund,
    "payment-reversed": _reversal,
    "order-status-claimed": _claim,
}
MORE = {
    (kind, number): weight
    for kind, weight in {
        "shipment-tracked": 4,
        "order-refunded": 1,
        "payment-reversed": 1,
        "order-status-claimed": 1,
    }.items()
    for number in (1, 2)
}


def history(seed: int) -> list[Fact]:
    chance = Random(seed)
    orders = chance.sample(ORDERS, chance.randint(1, len(ORDERS)))
    facts = [fact for order in orders for fact in facts_of(chance, *order)]
    return sorted(facts, key=lambda fact: fact.at)


def end_of(facts: list[Fact]) -> dict[Any, Any]:
    """The rows of all orders by table, key and column, once all facts have arrived in this order."""
    shop = Shop()
    for sku in SKUS:
        shop.receive(sku, 100)
    for fact in facts:
        shop.send(fact.kind, fact.at.isoformat(timespec="minutes"), **fact.data)
    assert shop.broken_invariants() == []
    return {
        (table.name, *(getattr(row, name) for name in table.key), column): getattr(row, column)
        for table in (ORDER_STATUS, ORDER_FACTS)
        for row in shop.rows(table.name)
        for column in (one.name for one in table.columns)
        if column not in LEFT_OUT
    }


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_same_facts_in_any_order_come_to_the_same_end(seed: int) -> None:
    facts = history(seed)
    in_order = end_of(facts)
    mixed = Random(seed).sample(facts, len(facts))
    if seed % 3 == 0:  # some facts twice
        mixed += mixed[: seed % 5]
    other = end_of(mixed)
    assert {key: (value, other.get(key)) for key, value in in_order.items() if other.get(key) != value} == {}
