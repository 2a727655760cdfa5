"""The shared parts of the converters: ticks, receipts, shares, texts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.imports.messages import Market, TimedMessage
from consumers.imports.texts import (
    Unusable,
    bounded,
    cleaned,
    decimal,
    long_cleaned,
    price,
    shared,
    whole_number,
)

MARKET = Market("market", "Etc/GMT+3", timezone(timedelta(hours=-3)), "BRL")


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2017, 3, day, hour, tzinfo=UTC)


def noted(seller: str, when: datetime) -> TimedMessage:
    return MARKET.timed_message("order-noted", seller, when, when.isoformat(), {})


def test_a_seller_gets_a_tick_before_a_message_of_a_later_day_and_at_the_end() -> None:
    lines = [
        noted("a", at(1)),
        noted("a", at(1, 13)),
        noted("b", at(2)),
        noted("a", at(5, 2)),
        noted("a", at(5, 4)),
    ]
    moved = [
        (message["sellerid"], message["data"].get("to", message["data"].get("mode", "")))
        for message in MARKET.with_clocks(lines)
    ]
    assert moved == [
        ("a", "history"),
        ("a", ""),
        ("a", ""),
        ("b", "history"),
        ("b", ""),
        ("a", "2017-03-04T00:00:00-03:00"),
        ("a", ""),
        ("a", "2017-03-05T00:00:00-03:00"),
        ("a", ""),
        ("a", "2017-03-06T00:00:00-03:00"),
        ("b", "2017-03-06T00:00:00-03:00"),
    ]


def test_more_pieces_than_a_message_allows_are_received_in_parts() -> None:
    receipts = list(MARKET.receipts("a", at(1), "opening", "chair", 250_000_000))
    assert [one.message["data"]["pieces"] for one in receipts] == [100_000_000, 100_000_000, 50_000_000]
    assert all(one.message["id"] == one.message["data"]["receipt_id"] for one in receipts)
    assert len({one.message["id"] for one in receipts}) == 3


@given(amount=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_shares_add_up(amount: int, weights: list[int]) -> None:
    shares = shared(amount, weights)
    assert sum(shares) == amount
    assert all(share >= 0 for share in shares)
    assert len(shares) == len(weights)


def test_prices_are_written_as_the_contract_writes_them() -> None:
    assert [price(text) for text in ("6.95", "-53594.36", "1e2", ".5", "")] == [
        "6.95",
        "-53594.36",
        "100",
        "0.5",
        "0",
    ]


def test_invalid_numbers_are_refused() -> None:
    assert whole_number(" 12.0 ") == 12
    for text in ("twelve", "1.5", "nan"):
        with pytest.raises(Unusable):
            whole_number(text)
    with pytest.raises(Unusable):
        decimal("inf")


def test_texts_fit_the_contract() -> None:
    assert cleaned(" a\x00\tb\u2028 ") == "a b"
    assert cleaned("\x01") == "unknown"
    assert len(cleaned("x" * 300)) == 200
    assert long_cleaned("a\nb\x00c\r\n") == "a\nb c"
    assert len(bounded("x" * 300)) == 200
    assert bounded("x" * 300) != bounded("x" * 301)
