"""The query parameters that routes take besides the filters of a question.  Unknown parameters are
refused."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from domain.values import InputSellerId
from infra.http.problems import Problem

MOST_ROWS: Final = 10_000
_CURSOR: Final = re.compile(r"(\d{1,8}):([A-Za-z0-9._:-]{0,80})")


Position = Annotated[
    int, Field(ge=0, le=(1 << 63) - 1, description="Wait until the read models include this position.")
]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="The most rows of one page.")]
Cursor = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._:-]{1,100}$", description="`next` of the previous page.")
]


class QuestionParameters(BaseModel):
    """The parameters of every question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None
    min_position: Position | None = None
    limit: Limit = 1_000
    cursor: Cursor | None = None


class OrderParameters(BaseModel):
    """The parameters of GET /orders/{order_id}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None
    min_position: Position | None = None


class ParkedParameters(BaseModel):
    """The parameters of GET /parked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None
    limit: Limit = 1_000
    cursor: Cursor | None = None


class OutcomesParameters(BaseModel):
    """The parameters of GET /outcomes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId | None = None


class MessageParameters(BaseModel):
    """The parameters of GET /messages/{source}/{id}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId


class HourParameters(BaseModel):
    """The parameters of GET /messages: a seller and an hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: InputSellerId
    hour: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}Z?$", examples=["2026-03-12T10"])]
    """The hour, in UTC."""
    limit: Limit = 1_000
    cursor: Annotated[str, Field(pattern=r"^\d{1,18}$")] | None = None

    def span(self) -> tuple[datetime, datetime]:
        """The start and the end of the hour.  Raises: Problem."""
        try:
            begins = datetime.strptime(self.hour.rstrip("Z"), "%Y-%m-%dT%H").replace(tzinfo=UTC)
            return begins, begins + timedelta(hours=1)
        except (ValueError, OverflowError):
            detail = "There is no such hour."
            raise Problem(422, detail, "Write the hour as 2026-03-12T10, in UTC.") from None


def cursor_of(index: int, name: str) -> str:
    return f"{index}:{name}"


def after_cursor(cursor: str | None) -> tuple[int, str]:
    """The index and the name in a cursor, as `cursor_of` took them.  Raises: Problem."""
    if cursor is None:
        return 0, ""
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        detail = "This cursor does not come from an answer of this server."
        raise Problem(422, detail, "Begin without a cursor; then use `next` of each page.")
    return int(match[1]), match[2]
