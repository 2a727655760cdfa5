"""Describes the tables of the read models: each column with its type, meaning and unit.

The database tables with their comments, docs/read-models.md and the headers of exports are generated from it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

Row = TypeVar("Row")
Kind = Literal["text", "whole", "flag", "json"]
Stored = tuple[Any, ...]
"""A row as a tuple of database values, columns in the order of its class."""
KINDS: Final[dict[object, Kind]] = {str: "text", int: "whole", bool: "flag", dict: "json"}

INSTANT: Final = "microseconds since 1970-01-01T00:00Z"
MICROS: Final = "millionths of the currency's major unit"
MINOR: Final = "minor units of the currency"
LOCAL_DATE: Final = "date in the seller's zone"


@dataclass(frozen=True, slots=True)
class Column:
    """The meaning and the unit of one column."""

    description: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """One column of a table."""

    name: str
    kind: Kind
    optional: bool
    description: str
    unit: str

    @property
    def comment(self) -> str:
        return f"{self.description}. Unit: {self.unit}." if self.unit else f"{self.description}."


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A table of a read model.  Rows with equal first `group` key columns belong to one group."""

    name: str
    row: type[Row]
    key: tuple[str, ...]
    group: int
    indexes: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def columns(self) -> tuple[Described, ...]:
        hints = get_type_hints(self.row, include_extras=True)
        return tuple(_described(f.name, hints[f.name]) for f in fields(self.row))  # type: ignore[arg-type]

    @cached_property
    def stored(self) -> Callable[[Row], Stored]:
        """Converts a row to its stored form.  Maps become JSON with sorted keys: equal rows, equal bytes."""
        names = [column.name for column in self.columns]
        take: Callable[[Any], Stored] = attrgetter(*names)
        maps = [index for index, column in enumerate(self.columns) if column.kind == "json"]
        if not maps:
            return take

        def with_maps(row: Row) -> Stored:
            values = list(take(row))
            for index in maps:
                values[index] = _json(values[index])
            return tuple(values)

        return with_maps

    @cached_property
    def read(self) -> Callable[[Sequence[Any]], Row]:
        """Converts the database values to a row."""
        casts: list[tuple[int, Callable[[Any], Any]]] = [
            (index, bool if column.kind == "flag" else json.loads)
            for index, column in enumerate(self.columns)
            if column.kind in ("flag", "json")
        ]

        def read(values: Sequence[Any]) -> Row:
            cast = list(values)
            for index, to in casts:
                cast[index] = to(cast[index])
            return self.row(*cast)

        return read

    def key_of(self, stored: Stored) -> Stored:
        """The key of a stored row: its first columns."""
        return stored[: len(self.key)]

    @cached_property
    def within(self) -> slice:
        """The rest of a row's key, which identifies it within its group."""
        return slice(self.group, len(self.key))


_encoded: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _json(value: Mapping[str, Any]) -> str:
    return _items(tuple(value.items())) if value else "{}"


@lru_cache(10_000)
def _items(items: tuple[tuple[str, Any], ...]) -> str:
    """Cached, because many rows have the same map, such as the contents of a parcel."""
    return _encoded(dict(items))


def _described(name: str, hint: Any) -> Described:
    assert get_origin(hint) is Annotated, name
    kind, column = get_args(hint)[:2]
    optional = NoneType in get_args(kind)
    bare = next(part for part in (get_args(kind) if optional else (kind,)) if part is not NoneType)
    bare = get_origin(bare) or bare
    return Described(name, KINDS[bare], optional, column.description, column.unit)


def markdown(tables: Iterable[Table[Any]]) -> str:
    """The text of docs/read-models.md: every table and column with its meaning and unit."""
    lines = ["# Read models", "", "Printed from the row classes in `projections/`; do not edit.", ""]
    for table in tables:
        lines += [f"## {table.name}", "", (table.row.__doc__ or "").strip(), ""]
        lines += [
            f"Key: {', '.join(table.key)}.",
            "",
            "| column | type | meaning | unit |",
            "|---|---|---|---|",
        ]
        for column in table.columns:
            kind = f"{column.kind} or none" if column.optional else column.kind
            lines.append(f"| {column.name} | {kind} | {column.description} | {column.unit} |")
        lines.append("")
    return "\n".join(lines)
