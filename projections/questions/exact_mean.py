"""Computes means and shares as exact decimals."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Final

EXACT: Final = Decimal("1e-12")


def mean(total: int, count: int, unit: int = 1) -> Decimal | None:
    """`total / (count * unit)` with 12 decimal places; None if `count` is 0."""
    return None if count == 0 else decimal(Fraction(total, count * unit))


def decimal(value: Fraction) -> Decimal:
    whole, rest = divmod(value.numerator, value.denominator)
    return (Decimal(whole) + Decimal(rest) / Decimal(value.denominator)).quantize(EXACT, ROUND_HALF_EVEN)
