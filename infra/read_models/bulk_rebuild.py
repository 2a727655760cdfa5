"""Rebuilds all rows: folds the events in memory and writes the rows in bulk."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from infra.read_models.database import Tables
from infra.read_models.sizes import Sizes
from projections.changes import Changes
from projections.fold import Group, Recorded, Rows
from projections.projection import Projection
from projections.read_models import TABLES
from projections.tables import Stored, Table


class Rebuild:
    """Fills empty tables, in its caller's transaction.

    Rows are kept in memory until all events are folded.  So each row is written only once, on PostgreSQL by
    COPY.  If there are too many rows for the memory, they are written in several steps; from the second
    step on, rows are read and updated as in normal batches.
    """

    def __init__(self, tables: Tables, connection: sa.Connection, sizes: Sizes) -> None:
        self._tables = tables
        self._connection = connection
        self._sizes = sizes
        self._pending: dict[str, dict[Stored, Stored]] = {table.name: {} for table in TABLES}
        self._deleted: dict[str, dict[Stored, None]] = {table.name: {} for table in TABLES}
        self._has_rows = False
        """Whether the tables already hold rows."""
        self._projection = Projection(self._load)

    def next_partition(self) -> None:
        """Starts with an empty view cache, because partitions share no views."""
        self._projection = Projection(self._load)

    def fold(self, batch: Sequence[Recorded]) -> None:
        changes = self._projection.fold(batch)
        for name, keys in changes.deleted.items():
            for key in keys:
                self._pending[name].pop(key, None)
                self._deleted[name][key] = None
        for name, row in changes.rows():
            self._pending[name][row[: _KEYS[name]]] = row
        if sum(map(len, self._pending.values())) > self._sizes.rebuild_rows:
            self.write()
            self._projection.forget(self._sizes.views)

    def write(self) -> None:
        """Writes all pending rows."""
        rows = {name: list(pending.values()) for name, pending in self._pending.items() if pending}
        if self._has_rows:
            keys = {name: list(deleted_keys) for name, deleted_keys in self._deleted.items() if deleted_keys}
            self._tables.write(self._connection, Changes(written=rows, deleted=keys))
        else:
            self._tables.fill(self._connection, rows)
        self._has_rows = True
        for pending, deleted_keys in zip(self._pending.values(), self._deleted.values(), strict=True):
            pending.clear()
            deleted_keys.clear()

    def _load(self, tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
        """Loads stored rows.

        Views are only dropped after a write, so before the first write nothing is stored.
        """
        return self._tables.load(self._connection, tables, groups) if self._has_rows else {}


_KEYS: Final = {table.name: len(table.key) for table in TABLES}
