"""The rows port: how a question reads read models, whether stored in a database or folded in memory.

A question gets one reader, and every answer of that reader comes from the same snapshot.  There are no
joins.  What counts or adds up many rows asks for an aggregate, which a database works out by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from projections.instants import micros_of
from projections.tables import Table

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Equal:
    column: str
    value: object


@dataclass(frozen=True, slots=True)
class AtLeast:
    column: str
    value: object


@dataclass(frozen=True, slots=True)
class Below:
    column: str
    value: object


@dataclass(frozen=True, slots=True)
class StartsWith:
    """Upper and lower case are told apart."""

    column: str
    prefix: str


@dataclass(frozen=True, slots=True)
class OneOf:
    column: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class IsNone:
    column: str


@dataclass(frozen=True, slots=True)
class IsNotNone:
    column: str


@dataclass(frozen=True, slots=True)
class GreaterThanColumn:
    """The value of `column` is greater than that of `other` in the same row."""

    column: str
    other: str


Condition = Equal | AtLeast | Below | StartsWith | OneOf | IsNone | IsNotNone | GreaterThanColumn
"""As in SQL, a comparison with None never holds."""
Conditions = Sequence[Condition]
"""All of them must hold."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure over many rows; `where`: over those of them for which it holds.  None is left out.

    Sums are of whole numbers; the smallest and the greatest also of texts.
    """

    kind: Literal["count", "distinct", "sum", "smallest", "greatest"]
    column: str = ""
    where: tuple[Condition, ...] = ()


def count(*where: Condition) -> Measure:
    return Measure("count", where=where)


def total(column: str, *where: Condition) -> Measure:
    """The sum; 0 of no rows."""
    return Measure("sum", column, where)


def distinct(column: str) -> Measure:
    """How many different values there are."""
    return Measure("distinct", column)


def smallest(column: str) -> Measure:
    """None of no rows."""
    return Measure("smallest", column)


def greatest(column: str) -> Measure:
    """None of no rows."""
    return Measure("greatest", column)


class RowReader(Protocol):
    """Reads the rows of one snapshot.

    `order`: columns to sort by, descending after a `-`; by default the key.  None comes before all other
    values, texts go by code point, and rows alike in these columns come in any order.
    `after`: the values of these columns in the last row of the page before.
    """

    def position(self) -> int:
        """Position of the last event that was folded into the rows; 0 if there is none."""
        ...

    def get(self, table: Table[Row], key: tuple[str, ...]) -> Row | None:
        """The row of that key."""
        ...

    def select(
        self,
        table: Table[Row],
        where: Conditions = (),
        *,
        order: Sequence[str] | None = None,
        after: tuple[Any, ...] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Whole rows, a page of them."""
        ...

    def columns(
        self, table: Table[Any], names: Sequence[str], where: Conditions = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Some columns of each row, in any order: cheaper where there are many rows."""
        ...

    def aggregate(
        self, table: Table[Any], measures: Sequence[Measure], where: Conditions = (), by: Sequence[str] = ()
    ) -> list[tuple[Any, ...]]:
        """For each group its values of `by` and then its measures, sorted by `by`.

        Without `by` all rows are one group, even if there are none.  Without measures it lists the groups.
        """
        ...


def equal(**values: Any) -> list[Condition]:
    """One condition for each value; none for None, which stands for a filter that is not set."""
    return [Equal(column, value) for column, value in values.items() if value is not None]


def between(column: str, since: Any, until: Any) -> list[Condition]:
    """`since` included, `until` not; None is no bound.  Instants become what rows hold."""
    since, until = (micros_of(bound) if isinstance(bound, datetime) else bound for bound in (since, until))
    conditions: list[Condition] = []
    if since is not None:
        conditions.append(AtLeast(column, since))
    if until is not None:
        conditions.append(Below(column, until))
    return conditions
