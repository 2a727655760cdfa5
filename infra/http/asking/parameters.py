"""What can be asked for beside the filters of a question.  A parameter that is not known is refused."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from domain.values import InputSellerId
from infra.http.problems import Problem

MOST_ROWS: Final = 10_000
_CURSOR: Final = re.compile(r"(\d{1,8}):([A-Za-z0-9._:-]{0,80})")


Position = Annotated[int, Field(ge=0, le=(1 << 63) - 1, description="Wait until this much is known.")]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows of one page.")]
Cursor = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,100}$", description="`next` of the page before.")]


class QuestionParameters(BaseModel):
    """What every question of the read models takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None
    min_position: Position | None = None
    limit: Limit = 1_000
    cursor: Cursor | None = None


class OrderParameters(BaseModel):
    """One order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None
    min_position: Position | None = None


class ParkedParameters(BaseModel):
    """Messages that wait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None
    limit: Limit = 1_000
    cursor: Cursor | None = None


class OutcomesParameters(BaseModel):
    """What became of all messages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None


class MessageParameters(BaseModel):
    """Whose message it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId


class HourParameters(BaseModel):
    """Which hour, of whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId
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
