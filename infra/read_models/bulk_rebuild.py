"""All rows anew: folded in memory, handed over in bulk."""

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
    """Fills empty tables within its caller's transaction.

    Rows wait in memory until all events are folded, and are then written once, whatever happened to them on
    the way: on PostgreSQL by COPY.  A history too long for that is written in pieces: what was written
    before is from then on read and written as in a batch that follows the ledger.
    """

    def __init__(self, tables: Tables, connection: sa.Connection, sizes: Sizes) -> None:
        self._tables = tables
        self._connection = connection
        self._sizes = sizes
        self._waiting: dict[str, dict[Stored, Stored]] = {table.name: {} for table in TABLES}
        self._gone: dict[str, dict[Stored, None]] = {table.name: {} for table in TABLES}
        self._begun = False
        """Whether the tables hold rows already."""
        self._projection = Projection(self._load)

    def next_partition(self) -> None:
        """Partitions share no views."""
        self._projection = Projection(self._load)

    def fold(self, batch: Sequence[Recorded]) -> None:
        changes = self._projection.fold(batch)
        for name, keys in changes.deleted.items():
            for key in keys:
                self._waiting[name].pop(key, None)
                self._gone[name][key] = None
        for name, row in changes.rows():
            self._waiting[name][row[: _KEYS[name]]] = row
        if sum(map(len, self._waiting.values())) > self._sizes.rebuild_rows:
            self.write()
            self._projection.forget(self._sizes.views)

    def write(self) -> None:
        """Writes whatever waits."""
        rows = {name: list(waiting.values()) for name, waiting in self._waiting.items() if waiting}
        if self._begun:
            keys = {name: list(gone) for name, gone in self._gone.items() if gone}
            self._tables.write(self._connection, Changes(written=rows, deleted=keys))
        else:
            self._tables.fill(self._connection, rows)
        self._begun = True
        for waiting, gone in zip(self._waiting.values(), self._gone.values(), strict=True):
            waiting.clear()
            gone.clear()

    def _load(self, tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
        """Only what was written may be missing in memory: views are let go of just after."""
        return self._tables.load(self._connection, tables, groups) if self._begun else {}


_KEYS: Final = {table.name: len(table.key) for table in TABLES}
