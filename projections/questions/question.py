"""Describes a question: everything that HTTP and the command line need to offer it.

A day in a question is always a day of the seller's time zone.  Over several sellers, each order counts on the
day of its own seller; only the instant `as_of` is then a day in UTC.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from domain.values import InputAccount, InputChannel, Instant
from projections.questions.rows import RowReader

FIRST_YEAR, LAST_YEAR = 1970, 9998


class Parameters(BaseModel):
    """The filters of a question, with their bounds.  An unknown filter is an error.

    HTTP adds `seller`, `min_position`, `limit` and `cursor` to every question.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Option:
    """How the command line shows a parameter."""

    help: str
    short: str = ""
    """A short name, such as `-c`."""
    argument: str = ""
    """The name of the positional argument; empty if it is an option."""


def _day(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        msg = f"a day must lie in the years {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(msg)
    return value


Day = Annotated[date, AfterValidator(_day)]
CHANNEL: Final = Option("Only this channel.", short="-c")
Channel = Annotated[InputChannel | None, CHANNEL]
Since = Annotated[Day | None, Option("From this day on (in the seller's time zone).")]
Until = Annotated[Day | None, Option("Until this day (excluded; in the seller's time zone).")]
ACCOUNT: Final = Option("Only this account of the seller on the channel.")
Account = Annotated[InputAccount | None, ACCOUNT]
AsOfMoment = Annotated[
    Instant | Day | None,
    Option(
        "The instant to evaluate; a day means its end (in the seller's time zone; of all sellers: in UTC). "
        "Default: the last day with events."
    ),
]
Filters = TypeVar("Filters", bound=Parameters)


@dataclass(frozen=True, kw_only=True)
class Question(Generic[Filters]):
    """One question.  To add one, write a module with a `QUESTION` and add it to the catalogue."""

    name: str
    """The name of its HTTP path and of its command."""
    help: str
    """What it answers, in one or two sentences."""
    http_help: str = ""
    """The description in OpenAPI, if it differs from `help`."""
    example: str
    """An example command."""
    parameters: type[Filters]
    answer: type[Any]
    """The dataclass of one row of the answer."""
    row_help: str = ""
    """The OpenAPI description of a row, if HTTP adds the seller because the answer does not contain it."""
    scope: Literal["each seller", "all sellers"]
    """Without a seller filter: whether it is evaluated for each seller or once for all of them."""
    ask: Callable[[RowReader, str | None, Filters], Iterable[Any]]
    """The query.  Its parameters: reader, seller id (None for all sellers), filters."""
    refuses_unknown_seller: bool = True
    """Whether the command line rejects an unknown seller.  If not, such a seller has zeros."""
    published: bool = True
    """Whether its route and its command are generated from this description."""
