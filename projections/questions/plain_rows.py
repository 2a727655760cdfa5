"""Converts answers to flat rows of plain values, for JSON and CSV."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def as_rows(answers: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """One dict per answer.  Instants are RFC 3339 texts, decimals are texts."""
    for answer in answers:
        yield {name: plain(value) for name, value in asdict(answer).items()}


def plain(value: Any) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case {}:
            return {str(plain(name)): plain(item) for name, item in value.items()}
        case [*items]:
            return [plain(item) for item in items]
        case _:
            return value
