"""Value types that all aggregates share: ids, bounded texts and numbers, enumerations.

The `Input...` types carry the limits of the contract and belong to commands; events use the plain types.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from iso4217 import Currency
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

MAX_LINES: Final = 500
MAX_PIECES: Final = 100_000_000

_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"


def comparable(text: str) -> str:
    """`text` in NFC, without blanks around it and without invisible characters.

    Raises: ValueError, if nothing is left.
    """
    if text.isascii():
        clean = text.strip()
    else:
        visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
        clean = unicodedata.normalize("NFC", visible).strip()
    if not clean:
        msg = "a text must have a visible character"
        raise ValueError(msg)
    return clean


_DECIMALS: Final = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}


def _listed(code: str) -> str:
    if code not in _DECIMALS:
        msg = f"{code} is not a currency of ISO 4217"
        raise ValueError(msg)
    return code


# The pattern also rejects a lone surrogate, which UTF-8 cannot encode.
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=_NO_CONTROL), AfterValidator(comparable)]
"""An id or a short text, in a form in which equal ones compare equal.

It is in NFC, because macOS and some shops write Hangul in parts (NFD).  Blanks around it and characters that
nobody sees (zero width, direction marks) are dropped.
"""
LongText = Annotated[str, Field(max_length=4_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")]
InputSellerId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,80}$")]
InputChannel = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
InputAccount = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
InputShop = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}(:[A-Za-z0-9._-]{1,80})?$")]
"""A channel, or one account of it: `naver` or `naver:second`."""
InputCurrency = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(_listed)]
"""A currency of ISO 4217 that has a minor unit, so neither gold (XAU) nor "no currency" (XXX)."""
InputCountry = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
InputPieces = Annotated[int, Field(strict=True, gt=0, le=MAX_PIECES)]
InputPiecesOrNone = Annotated[int, Field(strict=True, ge=0, le=MAX_PIECES)]
InputChange = Annotated[int, Field(strict=True, ge=-MAX_PIECES, le=MAX_PIECES)]
InputMinor = Annotated[int, Field(strict=True, ge=0, le=10**15)]
"""Integer minor units of the order's currency."""
InputPrice = Annotated[str, Field(pattern=r"^-?\d{1,12}(\.\d{1,6})?$")]
"""An exact decimal as text.  Unit prices have up to 6 decimal places; only the paid amount is rounded."""


def _instant(value: datetime) -> datetime:
    if not 1970 <= value.year <= 9998:  # noqa: PLR2004
        msg = "an instant must lie in the years 1970 to 9998"
        raise ValueError(msg)
    return value.astimezone(UTC)


def _rfc_3339(value: object) -> datetime:
    """Python would also read digits, as seconds since 1970: `20260312` as a day of August 1970."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return datetime.fromisoformat(value)
    msg = "an instant must be RFC 3339 with an offset, for example 2026-03-12T10:00:00+09:00"
    raise ValueError(msg)


_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
Instant = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_instant)]
"""RFC 3339 with offset on the wire, UTC inside."""


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a field that may hold personal data.  The intake moves its text to the vault."""


PersonalText = Annotated[LongText, Personal()]
Token = str
"""Replaces a personal text in the ledger: a key into the vault, which has no text after the erasure."""

Fault = Literal["seller", "customer", "carrier", "platform"]
Initiator = Literal["seller", "customer", "channel", "operator"]
CancelReason = Literal[
    "out_of_stock", "price_error", "address_error", "fraud", "customer_request",
    "payment_declined", "delivery_delayed", "staff_error", "other",
]  # fmt: skip
Route = Literal["instant", "stop_shipment", "return"]
UnitState = Literal[
    "open", "backordered", "allocated", "packed", "in_transit",
    "delivered", "lost", "returned_to_sender", "cancelled",
]  # fmt: skip
Delivery = Literal["parcel", "pick_up", "digital", "service"]
"""How the pieces of a line reach the buyer.  Only goods in stock go by parcel or are picked up."""
TrackingStatus = Literal[
    "unknown", "label_created", "picked_up", "in_transit", "out_for_delivery", "available_for_pickup",
    "delivery_attempt_failed", "delivered", "return_to_sender", "exception", "lost", "cancelled",
]  # fmt: skip


def decimals(currency: str) -> int:
    """The decimal places of a currency's minor unit: 0 for KRW, 3 for KWD.

    2 for codes that ISO 4217 does not list (any more): old events may hold them.
    """
    return _DECIMALS.get(currency, 2)


def minor_units(amount: Decimal, currency: str) -> int:
    """`amount` in minor units; halves are rounded away from zero."""
    return int(amount.scaleb(decimals(currency)).quantize(Decimal(1), rounding="ROUND_HALF_UP"))


def micros(price: str, pieces: int) -> int:
    """The exact value of `pieces` at `price`, in millionths of the currency's major unit."""
    return int(Decimal(price).scaleb(6)) * pieces


def sums(parts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The sum of each name's numbers, in the order of the names' first occurrence."""
    result: dict[str, int] = {}
    for name, number in parts:
        result[name] = result.get(name, 0) + number
    return result


def without(pieces: Mapping[str, int], taken: Mapping[str, int]) -> dict[str, int]:
    """`pieces` by line less those of `taken`; lines of which none is left are left out."""
    left = {line: count - taken.get(line, 0) for line, count in pieces.items()}
    return {line: count for line, count in left.items() if count > 0}
