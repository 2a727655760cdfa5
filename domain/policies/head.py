"""The common fields of all policy documents, and the bounded types of their values."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from domain.policies.calendar import NAMES
from domain.values import InputChannel, Text


def _date_only(value: Any) -> Any:
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    if is_day or (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
        return value
    msg = "a day is a date like 2026-03-09"
    raise ValueError(msg)


def _existing_zone(name: str) -> str:
    if name in {"UTC", "Asia/Seoul"}:
        return name  # used by the defaults, whose import must not read zone files from disk
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        msg = "unknown time zone"
        raise ValueError(msg) from error
    return name


def _published_calendar(name: str) -> str:
    if name not in NAMES:
        msg = f"unknown calendar; use one of: {', '.join(sorted(NAMES))}"
        raise ValueError(msg)
    return name


Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
AnyChannel = Literal["*"] | InputChannel
Confidence = Literal["high", "medium", "low"]
Payer = Literal["seller", "customer"]
Day = Annotated[date, BeforeValidator(_date_only), Field(ge=date(1970, 1, 1), le=date(9998, 12, 31))]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""Local time of day; 24:00 is the end of the day.  Text order is time order."""
# Region/City.  The pattern excludes `localtime`, which depends on the machine.
ZoneName = Annotated[
    str,
    Field(max_length=60, pattern=r"^(UTC|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+){1,2})$"),
    AfterValidator(_existing_zone),
]
CalendarId = Annotated[str, Field(max_length=60), AfterValidator(_published_calendar)]
Days = Annotated[int, Field(strict=True, ge=0, le=3_650)]
LeadDays = Annotated[int, Field(strict=True, ge=0, le=60)]
Units = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6)]


class Part(BaseModel):
    """A part of a policy document.  An unknown field is an error, so a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Document(Part):
    """The common fields of a policy.

    A policy applies to a seller from the event of its adoption until the next adoption of its kind.  So it is
    not adopted before `valid_from`, nor with a `valid_to` (`domain/adoption.py`).  `region`: whose law it
    must keep.
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
