"""The port through which questions read the read models, stored in a database or folded in memory.

A question gets one reader; all results of a reader are from the same snapshot.  There are no joins.  Counts
and sums over many rows use `aggregate`, which the database computes.
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
    """The text in `column` starts with `prefix`.  Case-sensitive."""

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


Condition = Equal | AtLeast | Below | StartsWith | OneOf | IsNone | IsNotNone
"""As in SQL, a comparison with None never holds."""
Conditions = Sequence[Condition]
"""All of them must hold."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate over the rows that match `where`.  None values are skipped.

    Sums are of integers; the smallest and the greatest value also of texts.
    """

    kind: Literal["count", "distinct", "sum", "smallest", "greatest"]
    column: str = ""
    where: tuple[Condition, ...] = ()


def count(*where: Condition) -> Measure:
    return Measure("count", where=where)


def total(column: str, *where: Condition) -> Measure:
    """The sum of the values; 0 without rows."""
    return Measure("sum", column, where)


def distinct(column: str) -> Measure:
    """The number of distinct values."""
    return Measure("distinct", column)


def smallest(column: str) -> Measure:
    """The smallest value; None without rows."""
    return Measure("smallest", column)


def greatest(column: str) -> Measure:
    """The greatest value; None without rows."""
    return Measure("greatest", column)


class RowReader(Protocol):
    """Reads the rows of one snapshot.

    `order`: columns to sort by, with a leading `-` descending; default: the key.  None sorts before all other
    values, and texts sort by code point.  Rows with equal values are in no particular order.
    `after`: the values of these columns in the last row of the previous page.
    """

    def position(self) -> int:
        """The ledger position of the last event that was folded into the rows; 0 if there is none."""
        ...

    def get(self, table: Table[Row], key: tuple[str, ...]) -> Row | None:
        """The row with this key; None if there is none."""
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
        """One page of complete rows."""
        ...

    def columns(
        self, table: Table[Any], names: Sequence[str], where: Conditions = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Some columns of each row, in no particular order.  Faster than `select` for many rows."""
        ...

    def aggregate(
        self, table: Table[Any], measures: Sequence[Measure], where: Conditions = (), by: Sequence[str] = ()
    ) -> list[tuple[Any, ...]]:
        """One tuple per group: its values of `by`, then its measures; sorted by `by`.

        Without `by` all rows are one group, even if there are none.  Without measures it lists the groups.
        """
        ...


def equal(**values: Any) -> list[Condition]:
    """An `Equal` condition for each value that is not None: None is a filter that is not set."""
    return [Equal(column, value) for column, value in values.items() if value is not None]


def has_passed(column: str, now: datetime) -> Condition:
    """As `domain.punctuality.has_passed`: at the limit it is too late."""
    return Below(column, micros_of(now) + 1)


def between(column: str, since: Any, until: Any) -> list[Condition]:
    """`since` is included, `until` is excluded; None is no bound.  Instants are converted to microseconds."""
    since, until = (micros_of(bound) if isinstance(bound, datetime) else bound for bound in (since, until))
    conditions: list[Condition] = []
    if since is not None:
        conditions.append(AtLeast(column, since))
    if until is not None:
        conditions.append(Below(column, until))
    return conditions
