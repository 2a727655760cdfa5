"""Verifies the stored read models against a recount from the ledger: digests, or the first difference."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from projections.fold import Recorded
from projections.projection import Projection
from projections.read_models import TABLES
from projections.tables import Stored, Table

AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that differs between the store and the recount.  `stored`, `counted`: None if missing there."""

    table: str
    key: Stored
    stored: Mapping[str, Any] | None
    counted: Mapping[str, Any] | None

    @property
    def columns(self) -> list[str]:
        """The names of the columns that differ."""
        stored, counted = self.stored or {}, self.counted or {}
        return sorted(name for name in {*stored, *counted} if stored.get(name) != counted.get(name))


@dataclass(frozen=True, slots=True)
class Recount:
    """The rows of every table, computed from the events only and not from the stored rows."""

    rows: Mapping[str, Mapping[Stored, Stored]]

    @property
    def digests(self) -> dict[str, str]:
        return {table.name: digest(self.sorted(table)) for table in TABLES}

    def sorted(self, table: Table[Any]) -> Iterator[Stored]:
        rows = self.rows[table.name]
        return (rows[key] for key in sorted(rows))


def in_batches(events: Iterable[Recorded], size: int = AT_ONCE) -> Iterator[Sequence[Recorded]]:
    remaining = iter(events)
    while batch := list(islice(remaining, size)):
        yield batch


def recount(events: Iterable[Recorded]) -> Recount:
    """Computes all read models from the events."""
    rows: dict[str, dict[Stored, Stored]] = {table.name: {} for table in TABLES}
    keys = {table.name: len(table.key) for table in TABLES}
    projection = Projection()
    for batch in in_batches(events):
        changes = projection.fold(batch)
        for name, deleted in changes.deleted.items():
            for key in deleted:
                rows[name].pop(key, None)
        for name, row in changes.rows():
            rows[name][row[: keys[name]]] = row
    return Recount(rows)


def digest(rows: Iterable[Stored]) -> str:
    """The SHA-256 of all rows in key order, as hex."""
    sum_ = sha256()
    for row in rows:
        sum_.update(line_of(row))
    return sum_.hexdigest()


def line_of(row: Sequence[Any]) -> bytes:
    """One row as a line of JSON.  Booleans become 0 or 1, because databases return them differently."""
    plain = [int(value) if isinstance(value, bool) else value for value in row]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def first_difference(
    table: Table[Any], stored: Iterable[Stored], counted: Iterable[Stored]
) -> Difference | None:
    """The first row in key order that exists on one side only or differs; None if all are equal."""
    stored_rows, counted_rows = iter(stored), iter(counted)
    while True:
        one, other = next(stored_rows, None), next(counted_rows, None)
        if one is None and other is None:
            return None
        if one is not None and other is not None and line_of(one) == line_of(other):
            continue
        keys = sorted(table.key_of(tuple(row)) for row in (one, other) if row is not None)
        key = keys[0]
        return Difference(table.name, key, _named(table, one, key), _named(table, other, key))


def _named(table: Table[Any], row: Stored | None, key: Stored) -> dict[str, Any] | None:
    if row is None or table.key_of(tuple(row)) != key:
        return None
    return {column.name: value for column, value in zip(table.columns, row, strict=True)}
