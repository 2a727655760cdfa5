"""Amounts of money in minor units, by ISO 4217."""

from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.values import InputCurrency, decimals, minor_units


@pytest.mark.parametrize(
    ("currency", "places"),
    [("KRW", 0), ("JPY", 0), ("PYG", 0), ("XPF", 0), ("EUR", 2), ("TWD", 2), ("KWD", 3), ("CLF", 4)],
)
def test_each_currency_has_the_decimal_places_of_the_standard(currency: str, places: int) -> None:
    assert decimals(currency) == places
    assert minor_units(Decimal("12"), currency) == 12 * 10**places


def test_half_a_minor_unit_is_rounded_up() -> None:
    amounts = [minor_units(Decimal(text), "KWD") for text in ("1.2344", "1.2345", "-1.2345")]
    assert amounts == [1234, 1235, -1235]


def test_a_code_that_is_no_longer_listed_has_two_places_in_old_events() -> None:
    assert decimals("HRK") == 2


@pytest.mark.parametrize("code", ["KRX", "WON", "XXX", "XAU", "krw", "HRK"])
def test_a_code_that_is_no_currency_is_refused_at_the_door(code: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a currency of ISO 4217|match pattern"):
        TypeAdapter(InputCurrency).validate_python(code)
