"""Parses the columns of a row: instants, numbers, prices, texts."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import blake2b
from typing import Final

LONGEST: Final = 200
_LONGEST_TEXT: Final = 4_000
_PRICE: Final = re.compile(r"-?\d{1,12}(\.\d{1,6})?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROL_IN_LONG: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]+")


class Unusable(Exception):
    """A row contains a value that no message can hold."""


@lru_cache(maxsize=10_000)
def instant(text: str, clock: timezone) -> datetime | None:
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text[:40]!r} is not a time"
        raise Unusable(msg) from None
    return parsed.astimezone(clock) if parsed.tzinfo else parsed.replace(tzinfo=clock)


def decimal(text: str) -> Decimal:
    """An exact number; an empty text is 0."""
    try:
        parsed = Decimal(text.strip() or "0")
    except InvalidOperation:
        parsed = Decimal("nan")
    if not parsed.is_finite():
        msg = f"{text[:40]!r} is not a number"
        raise Unusable(msg)
    return parsed


def price(text: str) -> str:
    """An exact unit price in the format of the message contract."""
    return text if _PRICE.fullmatch(text) else format(decimal(text), "f")


def whole_number(text: str) -> int:
    """A whole number, written as `12` or `12.0`."""
    try:
        return int(text)
    except ValueError:
        parsed = decimal(text)
    if parsed != parsed.to_integral_value():
        msg = f"{text[:40]!r} is not a whole number"
        raise Unusable(msg)
    return int(parsed)


def cleaned(text: str) -> str:
    """The text as one line of at most 200 characters without control characters; `unknown` if it is empty."""
    return _CONTROL.sub(" ", text).strip()[:LONGEST].strip() or "unknown"


def long_cleaned(text: str) -> str:
    return _CONTROL_IN_LONG.sub(" ", text).strip()[:_LONGEST_TEXT]


def bounded(name: str) -> str:
    """`name`, or if it is too long for an id, its beginning and a hash of the whole name."""
    if len(name) <= LONGEST:
        return name
    digest = blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{name[: LONGEST - len(digest) - 1]}~{digest}"


def shared(amount: int, weights: list[int]) -> list[int]:
    """Splits `amount` by weight into whole minor units; the shares add up to it exactly."""
    total = sum(weights)
    if not total:
        return [amount, *(0 for _ in weights[1:])]
    shares: list[int] = []
    cumulated = distributed = 0
    for weight in weights:
        cumulated += weight
        shares.append(amount * cumulated // total - distributed)
        distributed += shares[-1]
    return shares


def distinct_names(names: Iterable[str]) -> list[str]:
    """Makes repeated names unique: the second `name` becomes `name~2`."""
    seen = Counter[str]()
    result: list[str] = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return result
