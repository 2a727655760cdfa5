"""How much is refunded, and when the refund is due."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policies.calendar import calendar
from domain.policies.defaults import KR_DEFAULT
from domain.policies.refunds import (
    ShippingTerms,
    cancel_refund,
    claw_back,
    late_interest,
    pro_rata,
    refund_due,
)
from domain.values import Fault

TERMS = ShippingTerms(free_from_minor=30_000, fee_minor=3_000)


def test_a_line_returned_piece_by_piece_gives_the_rounding_to_the_last() -> None:
    assert [pro_rata(10_000, 3, already, 1) for already in range(3)] == [3_333, 3_333, 3_334]


@given(st.integers(0, 10**15), st.lists(st.integers(1, 1_000), min_size=1, max_size=20))
def test_the_parts_of_a_line_add_up_to_it(total: int, parts: list[int]) -> None:
    shares = [pro_rata(total, sum(parts), sum(parts[:i]), part) for i, part in enumerate(parts)]
    assert sum(shares) == total
    assert min(shares) >= 0


def test_more_units_than_the_line_has_are_a_bug() -> None:
    with pytest.raises(AssertionError):
        pro_rata(10_000, 3, 2, 2)


@pytest.mark.parametrize(
    ("fault", "refund"), [("customer", 7_000), ("seller", 10_000), ("carrier", 10_000), ("platform", 10_000)]
)
def test_only_the_customers_own_cancel_brings_the_shipping_fee_back(fault: Fault, refund: int) -> None:
    assert cancel_refund(TERMS, 30_000, 10_000, fault) == refund


def test_the_fee_comes_back_once() -> None:
    assert claw_back(TERMS, 20_000, 10_000, "customer") == 0


def test_an_order_that_stays_above_the_limit_ships_free() -> None:
    assert claw_back(TERMS, 40_000, 10_000, "customer") == 0


def test_where_nothing_is_left_there_is_no_shipping_to_pay() -> None:
    assert cancel_refund(TERMS, 30_000, 30_000, "customer") == 30_000


def test_the_fee_never_exceeds_the_refund() -> None:
    assert cancel_refund(TERMS, 30_000, 1_000, "customer") == 0


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
