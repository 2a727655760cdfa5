"""The entry of a question: all that HTTP and the command line need to ask it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from domain.values import InputChannel, Instant
from projections.questions.rows import RowReader

FIRST_YEAR, LAST_YEAR = 1970, 9998


class Parameters(BaseModel):
    """The filters of a question, with their bounds.  One that is not known is refused, not ignored.

    `seller`, `min_position`, `limit` and `cursor` are taken by HTTP, for every question.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Option:
    """How the command line shows a parameter."""

    help: str
    short: str = ""
    """A second name, such as `-c`."""
    argument: str = ""
    """Its name, if it is given by its place and not as an option."""


def _day(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        msg = f"a day must lie in the years {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(msg)
    return value


Day = Annotated[date, AfterValidator(_day)]
CHANNEL: Final = Option("Only this channel.", short="-c")
Channel = Annotated[InputChannel | None, CHANNEL]
Since = Annotated[Day | None, Option("From this day on (the seller's).")]
Until = Annotated[Day | None, Option("Up to, not including, this day.")]
AsOfInstant = Annotated[
    Instant | None,
    Option("The instant to judge by; a day means its end in UTC. Default: the end of the last day known."),
]
Filters = TypeVar("Filters", bound=Parameters)


@dataclass(frozen=True, kw_only=True)
class Question(Generic[Filters]):
    """One question.  A new one is a module with its entry, and a line in the catalogue."""

    name: str
    """Of its path and its command."""
    help: str
    """What it answers, in a sentence or two."""
    http_help: str = ""
    """The same in OpenAPI, where it is not the same."""
    example: str
    """A command that asks it."""
    parameters: type[Filters]
    answer: type[Any]
    """A dataclass: one row of the answer."""
    row_help: str = ""
    """What OpenAPI tells of a row to which the seller is added, because the answer does not name him."""
    scope: Literal["each seller", "all sellers"]
    """Whether it is asked of one seller after the other, or of all together, unless one is named."""
    ask: Callable[[RowReader, str | None, Filters], Iterable[Any]]
    """`seller`: None for all together."""
    refuses_unknown_seller: bool = True
    """On the command line; else a seller who is not known has zeros."""
    published: bool = True
    """Whether its route and its command are made from this entry."""
