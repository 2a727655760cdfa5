"""What every policy document says of itself, and the bounded values they are made of."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from domain.policies.calendar import NAMES
from domain.values import InputChannel, Text


def _a_day(value: Any) -> Any:
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    if is_day or (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
        return value
    msg = "a day is a date like 2026-03-09"
    raise ValueError(msg)


def _a_known_zone(name: str) -> str:
    if name in {"UTC", "Asia/Seoul"}:
        return name  # those of the defaults: to import them must not touch the disk
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        msg = "unknown time zone"
        raise ValueError(msg) from error
    return name


def _a_known_calendar(name: str) -> str:
    if name not in NAMES:
        msg = f"unknown calendar; known: {', '.join(sorted(NAMES))}"
        raise ValueError(msg)
    return name


Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
AnyChannel = Literal["*"] | InputChannel
Confidence = Literal["high", "medium", "low"]
Payer = Literal["seller", "customer"]
Day = Annotated[date, BeforeValidator(_a_day), Field(ge=date(1970, 1, 1), le=date(9998, 12, 31))]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""Local time of day; 24:00 is the end of the day.  Sorts as text."""
# Region/City: keeps out `localtime`, which differs from machine to machine.
ZoneName = Annotated[
    str,
    Field(max_length=60, pattern=r"^(UTC|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+){1,2})$"),
    AfterValidator(_a_known_zone),
]
CalendarId = Annotated[str, Field(max_length=60), AfterValidator(_a_known_calendar)]
Days = Annotated[int, Field(strict=True, ge=0, le=3_650)]
LeadDays = Annotated[int, Field(strict=True, ge=0, le=60)]
Units = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6)]


class Part(BaseModel):
    """A piece of a document: a misspelt field is an error and not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Document(Part):
    """`valid_from` and `valid_to` say for which time its source speaks.

    What a seller goes by, he has adopted by an event; no date changes that.
    """

    id: Key
    version: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    valid_from: Day
    valid_to: Day | None = None
    region: Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
    source: Text
    confidence: Confidence

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            msg = "valid_to lies before valid_from"
            raise ValueError(msg)
        return self
