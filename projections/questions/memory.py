"""A `RowReader` over rows in memory, folded from events without a database."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, TypeVar

from projections.fold import Recorded
from projections.questions.rows import (
    AtLeast,
    Below,
    Condition,
    Conditions,
    Equal,
    IsNone,
    IsNotNone,
    Measure,
    OneOf,
    StartsWith,
)
from projections.read_models import TABLES
from projections.tables import Table
from projections.verify import recount

Row = TypeVar("Row")
Rows = list[Any]


class MemoryRows:
    """Reads rows in memory.  Each query scans the whole table."""

    def __init__(self, rows: Mapping[str, Iterable[Any]], position: int) -> None:
        """`rows`: the rows of each table, by table name, in any order."""
        self._rows = {
            table.name: {_values(row, table.key): row for row in rows.get(table.name, ())} for table in TABLES
        }
        self._position = position

    def position(self) -> int:
        return self._position

    def get(self, table: Table[Row], key: tuple[str, ...]) -> Row | None:
        return self._rows[table.name].get(key)

    def select(
        self,
        table: Table[Row],
        where: Conditions = (),
        *,
        order: Sequence[str] | None = None,
        after: tuple[Any, ...] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        rows = self._where(table, where)
        names = order or table.key
        for name in reversed(names):
            rows.sort(key=_by(name), reverse=name.startswith("-"))
        if after is not None:
            rows = [row for row in rows if _comes_after(row, names, after)]
        return islice(rows, limit)

    def columns(
        self, table: Table[Any], names: Sequence[str], where: Conditions = ()
    ) -> Iterator[tuple[Any, ...]]:
        return (_values(row, names) for row in self._where(table, where))

    def aggregate(
        self, table: Table[Any], measures: Sequence[Measure], where: Conditions = (), by: Sequence[str] = ()
    ) -> list[tuple[Any, ...]]:
        rows = self._where(table, where)
        if not by:
            return [tuple(_measured(measure, rows) for measure in measures)]

        def group(row: Any) -> list[tuple[bool, Any]]:
            return [_sortable(getattr(row, name)) for name in by]

        return [
            (*_values(members[0], by), *(_measured(measure, members) for measure in measures))
            for members in (list(group_rows) for _, group_rows in groupby(sorted(rows, key=group), group))
        ]

    def _where(self, table: Table[Any], where: Conditions) -> Rows:
        return [row for row in self._rows[table.name].values() if _all_hold(row, where)]


def folded(events: Iterable[Recorded]) -> MemoryRows:
    """Folds the events into all read models in memory."""
    last = 0

    def tracked() -> Iterator[Recorded]:
        nonlocal last
        for event in events:
            last = max(last, event.position)
            yield event

    result = recount(tracked())
    rows = {table.name: [table.read(stored) for stored in result.sorted(table)] for table in TABLES}
    return MemoryRows(rows, last)


def _values(row: Any, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def _sortable(value: Any) -> tuple[bool, Any]:
    """A sort key that puts None before all other values."""
    return value is not None, value


def _by(name: str) -> Callable[[Any], tuple[bool, Any]]:
    value_of = attrgetter(name.removeprefix("-"))
    return lambda row: _sortable(value_of(row))


def _comes_after(row: Any, names: Sequence[str], last: tuple[Any, ...]) -> bool:
    for name, value in zip(names, last, strict=True):
        own, other = _by(name)(row), _sortable(value)
        if own != other:
            return own < other if name.startswith("-") else own > other
    return False


def _all_hold(row: Any, where: Conditions) -> bool:
    return all(_holds(row, condition) for condition in where)


def _holds(row: Any, condition: Condition) -> bool:
    value = getattr(row, condition.column)
    match condition:
        case IsNone():
            return value is None
        case IsNotNone():
            return value is not None
        case _ if value is None:
            return False
        case Equal(value=expected):
            return bool(value == expected)
        case AtLeast(value=bound):
            return bool(value >= bound)
        case Below(value=bound):
            return bool(value < bound)
        case StartsWith(prefix=prefix):
            return str(value).startswith(prefix)
        case OneOf(values=values):
            return value in values


def _measured(measure: Measure, rows: Rows) -> Any:
    matching = [row for row in rows if _all_hold(row, measure.where)] if measure.where else rows
    if measure.kind == "count":
        return len(matching)
    values = [value for row in matching if (value := getattr(row, measure.column)) is not None]
    match measure.kind:
        case "sum":
            return sum(values)
        case "distinct":
            return len(set(values))
        case "smallest":
            return min(values, default=None)
        case "greatest":
            return max(values, default=None)
