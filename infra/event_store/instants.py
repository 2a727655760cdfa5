"""Instants as the ledger stores them: microseconds since 1970, UTC."""

from datetime import UTC, datetime
from typing import Final

MICROS: Final = 1_000_000


def micros(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    since = at - datetime.fromtimestamp(0, UTC)
    return (since.days * 86_400 + since.seconds) * MICROS + since.microseconds


def instant(stored: int) -> datetime:
    seconds, rest = divmod(stored, MICROS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
