"""What the converters read from the columns of a row: instants, numbers, prices, texts."""

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
    """A row says what no message can carry."""


@lru_cache(maxsize=10_000)
def instant(text: str, clock: timezone) -> datetime | None:
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text[:40]!r} is not a time"
        raise Unusable(msg) from None
    return read.astimezone(clock) if read.tzinfo else read.replace(tzinfo=clock)


def decimal(text: str) -> Decimal:
    """An exact number; nothing is nought."""
    try:
        read = Decimal(text.strip() or "0")
    except InvalidOperation:
        read = Decimal("nan")
    if not read.is_finite():
        msg = f"{text[:40]!r} is not a number"
        raise Unusable(msg)
    return read


def price(text: str) -> str:
    """An exact unit price as the contract writes it."""
    return text if _PRICE.fullmatch(text) else format(decimal(text), "f")


def whole(text: str) -> int:
    """A whole number, however it is written (`12`, `12.0`)."""
    try:
        return int(text)
    except ValueError:
        read = decimal(text)
    if read != read.to_integral_value():
        msg = f"{text[:40]!r} is not a whole number"
        raise Unusable(msg)
    return int(read)


def cleaned(text: str) -> str:
    """One line of at most 200 characters; `unknown` when nothing is left."""
    return _CONTROL.sub(" ", text).strip()[:LONGEST].strip() or "unknown"


def long_cleaned(text: str) -> str:
    return _CONTROL_IN_LONG.sub(" ", text).strip()[:_LONGEST_TEXT]


def bounded(name: str) -> str:
    """`name`, or where it is longer than an id may be, its beginning and a hash of the whole."""
    if len(name) <= LONGEST:
        return name
    mark = blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{name[: LONGEST - len(mark) - 1]}~{mark}"


def shared(amount: int, weights: list[int]) -> list[int]:
    """`amount` in whole minor units by weight; the shares add up to it exactly."""
    total = sum(weights)
    if not total:
        return [amount, *(0 for _ in weights[1:])]
    shares: list[int] = []
    reached = given = 0
    for weight in weights:
        reached += weight
        shares.append(amount * reached // total - given)
        given += shares[-1]
    return shares


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names, each once: the second of two that are alike becomes `name~2`."""
    seen = Counter[str]()
    result: list[str] = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return result
