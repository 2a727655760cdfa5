"""Implements the rows port over the database: it runs every filter, sort and aggregate as SQL."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from infra.read_models.schema import CHECKPOINTS, SQL
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
from projections.tables import Table

Row = TypeVar("Row")


class SqlRows:
    """Reads rows in the current transaction of its connection, on SQLite and PostgreSQL alike."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def position(self) -> int:
        return self._connection.execute(sa.select(sa.func.max(CHECKPOINTS.c.position))).scalar() or 0

    def get(self, table: Table[Row], key: tuple[str, ...]) -> Row | None:
        stored = SQL[table.name]
        is_key = (stored.c[name] == value for name, value in zip(table.key, key, strict=True))
        row = self._connection.execute(sa.select(stored).where(*is_key)).first()
        return None if row is None else table.read(row)

    def select(
        self,
        table: Table[Row],
        where: Conditions = (),
        *,
        order: Sequence[str] | None = None,
        after: tuple[Any, ...] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        stored, names = SQL[table.name], order or table.key
        statement = sa.select(stored).where(*_conditions(stored, where)).order_by(*_sorted_by(table, names))
        if after is not None:
            statement = statement.where(_comes_after(stored, names, after))
        if limit is not None:
            statement = statement.limit(limit)
        for row in self._connection.execute(statement):
            yield table.read(row)

    def columns(
        self, table: Table[Any], names: Sequence[str], where: Conditions = ()
    ) -> Iterator[tuple[Any, ...]]:
        stored = SQL[table.name]
        statement = sa.select(*(stored.c[name] for name in names)).where(*_conditions(stored, where))
        kinds = {column.name: column.kind for column in table.columns}
        casts = [(index, _CASTS[kinds[name]]) for index, name in enumerate(names) if kinds[name] in _CASTS]
        for row in self._connection.execute(statement):
            if not casts:
                yield tuple(row)
                continue
            values = list(row)
            for index, cast in casts:
                values[index] = cast(values[index])
            yield tuple(values)

    def aggregate(
        self, table: Table[Any], measures: Sequence[Measure], where: Conditions = (), by: Sequence[str] = ()
    ) -> list[tuple[Any, ...]]:
        stored = SQL[table.name]
        groups = [stored.c[name] for name in by]
        statement = sa.select(*groups, *(_measured(stored, measure) for measure in measures))
        statement = statement.select_from(stored).where(*_conditions(stored, where))
        if by:
            statement = statement.group_by(*groups).order_by(*_sorted_by(table, by))
        rows = self._connection.execute(statement)
        width = len(groups)
        return [
            (*row[:width], *map(_converted, measures, row[width:])) for row in (tuple(row) for row in rows)
        ]


def _map(text: str) -> dict[str, Any]:
    return {} if text == "{}" else json.loads(text)


_CASTS: dict[str, Callable[[Any], Any]] = {"flag": bool, "json": _map}


def _conditions(stored: sa.Table, where: Conditions) -> list[sa.ColumnElement[bool]]:
    return [_condition(stored, condition) for condition in where]


def _condition(stored: sa.Table, condition: Condition) -> sa.ColumnElement[bool]:
    column: sa.ColumnElement[Any] = stored.c[condition.column]
    match condition:
        case Equal(value=value):
            return column == value
        case AtLeast(value=value):
            return column >= value
        case Below(value=value):
            return column < value
        case StartsWith(prefix=prefix):
            # LIKE ignores case on SQLite, but not on PostgreSQL.
            return sa.func.substr(column, 1, len(prefix)) == prefix
        case OneOf(values=values):
            return column.in_(values)
        case IsNone():
            return column.is_(None)
        case IsNotNone():
            return column.is_not(None)


def _measured(stored: sa.Table, measure: Measure) -> sa.ColumnElement[Any]:
    aggregate = _over_all(stored, measure)
    return aggregate.filter(*_conditions(stored, measure.where)) if measure.where else aggregate


def _over_all(stored: sa.Table, measure: Measure) -> sa.Function[Any]:
    if measure.kind == "count":
        return sa.func.count()
    column = stored.c[measure.column]
    match measure.kind:
        case "sum":
            return sa.func.sum(column)
        case "distinct":
            return sa.func.count(column.distinct())
        case "smallest":
            return sa.func.min(column)
        case "greatest":
            return sa.func.max(column)


def _converted(measure: Measure, value: Any) -> Any:
    """Converts a sum to int: PostgreSQL returns a decimal, and the sum of no rows is NULL."""
    return int(value or 0) if measure.kind == "sum" else value


def _sorted_by(table: Table[Any], names: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    optional = {column.name for column in table.columns if column.optional}
    columns: list[sa.ColumnElement[Any]] = []
    for name in names:
        column = SQL[table.name].c[name.removeprefix("-")]
        down = name.startswith("-")
        by = column.desc() if down else column.asc()
        if column.name in optional:  # PostgreSQL would sort NULL as the greatest value
            by = by.nulls_last() if down else by.nulls_first()
        columns.append(by)
    return columns


def _comes_after(stored: sa.Table, names: Sequence[str], last: tuple[Any, ...]) -> sa.ColumnElement[bool]:
    """SQL for rows that sort after `last`: the first column that differs has a later value."""
    pairs: list[tuple[str, sa.ColumnElement[Any], Any]] = [
        (name, stored.c[name.removeprefix("-")], value) for name, value in zip(names, last, strict=True)
    ]
    return sa.or_(
        *(
            sa.and_(
                *(earlier == equal_to for _, earlier, equal_to in pairs[:index]),
                _later(column, value, down=name.startswith("-")),
            )
            for index, (name, column, value) in enumerate(pairs)
        )
    )


def _later(column: sa.ColumnElement[Any], value: object, *, down: bool) -> sa.ColumnElement[bool]:
    """SQL for a column that sorts after `value`; NULL sorts before all other values."""
    match value, down:
        case None, True:
            return sa.false()
        case None, False:
            return column.is_not(None)
        case _, True:
            return sa.or_(column < value, column.is_(None))
        case _:
            return column > value
