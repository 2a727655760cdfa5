"""How much is refunded, and when the refund is due."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policies.calendar import calendar
from domain.policies.defaults import KR_DEFAULT
from domain.policies.refunds import (
    ShippingTerms,
    claw_back,
    days_late,
    late_interest,
    refund_due,
    rest_value,
)
from domain.values import Fault

TERMS = ShippingTerms(free_from_minor=30_000, fee_minor=3_000)


def test_a_line_returned_piece_by_piece_gives_the_rounding_to_the_last() -> None:
    assert [rest_value(10_000, 3, gone) for gone in range(4)] == [10_000, 6_667, 3_334, 0]


@given(st.integers(0, 10**15), st.lists(st.integers(1, 1_000), min_size=1, max_size=20))
def test_the_parts_of_a_line_add_up_to_it(total: int, parts: list[int]) -> None:
    rests = [rest_value(total, sum(parts), sum(parts[:i])) for i in range(len(parts) + 1)]
    shares = [before - after for before, after in pairwise(rests)]
    assert sum(shares) == total
    assert min(shares) >= 0


@pytest.mark.parametrize(
    ("fault", "refund"), [("customer", 7_000), ("seller", 10_000), ("carrier", 10_000), ("platform", 10_000)]
)
def test_only_the_customers_own_cancel_brings_the_shipping_fee_back(fault: Fault, refund: int) -> None:
    assert 10_000 - claw_back(TERMS, 30_000, 10_000, fault) == refund


def test_the_fee_comes_back_once() -> None:
    assert claw_back(TERMS, 20_000, 10_000, "customer") == 0


def test_an_order_that_stays_above_the_limit_ships_free() -> None:
    assert claw_back(TERMS, 40_000, 10_000, "customer") == 0


def test_where_nothing_is_left_there_is_no_shipping_to_pay() -> None:
    assert claw_back(TERMS, 30_000, 30_000, "customer") == 0


def test_the_fee_never_exceeds_the_refund() -> None:
    assert claw_back(TERMS, 30_000, 1_000, "customer") == 1_000


def test_a_refund_ten_days_late_bears_411_won() -> None:
    assert late_interest(100_000, Decimal("0.15"), 10) == 411


@pytest.mark.parametrize(("amount", "interest"), [(364, 0), (365, 1), (1_094, 1), (1_095, 2)])
def test_halves_of_a_won_are_rounded_up(amount: int, interest: int) -> None:
    assert late_interest(amount, Decimal("0.5"), 1) == interest


def test_half_exactly_is_one() -> None:
    assert late_interest(730, Decimal("0.25"), 1) == 1  # 0.5
    assert late_interest(0, Decimal("0.15"), 10) == late_interest(100_000, Decimal("0.15"), 0) == 0


def test_a_refund_is_due_when_the_third_business_day_ends() -> None:
    received = datetime(2026, 2, 13, 1, tzinfo=UTC)  # Friday before Seollal, 10:00 in Seoul
    due = refund_due(KR_DEFAULT, calendar(KR_DEFAULT.calendar), received)
    assert due == datetime(2026, 2, 23, 15, tzinfo=UTC)  # Monday, 24:00


def test_the_first_day_after_the_due_day_is_one_day_late() -> None:
    seoul, due = calendar(KR_DEFAULT.calendar), datetime(2026, 2, 23, 15, tzinfo=UTC)
    late = [days_late(seoul, due, due + timedelta(hours=hours)) for hours in (-1, 0, 23, 24)]
    assert late == [0, 1, 1, 2]
