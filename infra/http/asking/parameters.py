"""What can be asked for: parameters with their bounds.  One that is not known is refused, not ignored."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.values import AskedChannel, AskedSellerId, Instant, Text
from infra.http.problems import Problem

MOST_ROWS: Final = 10_000
_CURSOR: Final = re.compile(r"(\d{1,8}):([A-Za-z0-9._:-]{0,80})")


def _day(value: date) -> date:
    if not 1970 <= value.year <= 9998:  # noqa: PLR2004
        msg = "a day must lie in the years 1970 to 9998"
        raise ValueError(msg)
    return value


Day = Annotated[date, AfterValidator(_day)]
Position = Annotated[int, Field(ge=0, le=(1 << 63) - 1, description="Wait until this much is known.")]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows of one page.")]
Cursor = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,100}$", description="`next` of the page before.")]


class Asked(BaseModel):
    """What every question of the read models takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: AskedSellerId | None = None
    min_position: Position | None = None
    limit: Limit = 1_000
    cursor: Cursor | None = None


class AskedStock(Asked):
    """Stock."""

    channel: AskedChannel | None = None
    sku: Text | None = None


class AskedPenalty(Asked):
    """Penalty risk."""

    channel: AskedChannel = "naver"
    as_of: Instant | None = None


class AskedKpi(Asked):
    """KPIs; `since` is included, `until` not."""

    name: Annotated[list[Text], Field(max_length=50)] = []
    channel: AskedChannel | None = None
    since: Day | None = None
    until: Day | None = None


class AskedOrders(Asked):
    """Orders placed from `since` on and before `until`, days in UTC."""

    channel: AskedChannel | None = None
    claimed: Text | None = None
    status: Text | None = None
    since: Day | None = None
    until: Day | None = None


class AskedReturns(Asked):
    """Returns."""

    channel: AskedChannel | None = None
    state: Text | None = None


class AskedActivity(Asked):
    """Activity; `kind` may end in `*`."""

    kind: Text | None = None
    by_reason: bool = False
    since: Day | None = None
    until: Day | None = None


class AskedOrder(BaseModel):
    """One order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: AskedSellerId | None = None
    min_position: Position | None = None


class AskedWaiting(BaseModel):
    """Messages that wait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: AskedSellerId | None = None
    limit: Limit = 1_000
    cursor: Cursor | None = None


class AskedOutcomes(BaseModel):
    """What became of all messages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: AskedSellerId | None = None


class AskedMessage(BaseModel):
    """Whose message it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: AskedSellerId


class AskedHour(BaseModel):
    """Which hour, of whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: AskedSellerId
    hour: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}Z?$", examples=["2026-03-12T10"])]
    """An hour in UTC."""
    limit: Limit = 1_000
    cursor: Annotated[str, Field(pattern=r"^\d{1,18}$")] | None = None

    def span(self) -> tuple[datetime, datetime]:
        """Raises: Problem."""
        try:
            begins = datetime.strptime(self.hour.rstrip("Z"), "%Y-%m-%dT%H").replace(tzinfo=UTC)
            return begins, begins + timedelta(hours=1)
        except (ValueError, OverflowError):
            said = "There is no such hour."
            raise Problem(422, said, "Write it as 2026-03-12T10, in UTC.") from None


def midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)


def cursor_of(index: int, name: str) -> str:
    return f"{index}:{name}"


def after_cursor(cursor: str | None) -> tuple[int, str]:
    """Raises: Problem."""
    if cursor is None:
        return 0, ""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        said = "This cursor is not one that an answer gave."
        raise Problem(422, said, "Begin without a cursor; then use `next` of each page.")
    return int(found[1]), found[2]
