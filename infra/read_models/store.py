"""Stores the read models: folds a batch of events and writes rows and checkpoint in one transaction."""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import sqlalchemy as sa

from consumers.collector import without_collector
from infra.read_models import database
from infra.read_models.bulk_rebuild import Rebuild
from infra.read_models.checkpoint import move, position_of, positions_of
from infra.read_models.database import Tables, writing
from infra.read_models.schema_setup import check_current, claim, make
from infra.read_models.sizes import SIZES, Sizes
from infra.read_models.sql_rows import SqlRows
from infra.read_models.view_cache import ViewCache
from projections.fold import Group, Recorded, Rows
from projections.projection import Projection
from projections.read_models import TABLES
from projections.tables import Stored, Table
from projections.verify import Difference, digest, first_difference, in_batches, recount

SCHEMA: Final = "jumun_read"
Faults = Callable[[str], None]
"""Called at `read_models.before`, `.within` and `.after` a commit; a crash test raises or exits there."""


def _no_faults(_: str) -> None: ...


def opened(
    path_or_url: str, schema: str, *, sizes: Sizes = SIZES, read_only: bool = False
) -> tuple[sa.Engine, Tables]:
    """Opens a SQLite file or a PostgreSQL schema; the PostgreSQL driver is loaded only if needed."""
    if not path_or_url.startswith(("postgresql:", "postgres:")):
        engine = database.opened(path_or_url, read_only=read_only)
        return engine, Tables(engine.dialect, sizes)
    from infra.read_models import postgres  # noqa: PLC0415  without it the command line starts a fifth faster

    engine = postgres.opened(path_or_url, schema)
    return engine, postgres.PostgresTables(engine.dialect, schema)


class ReadModels:
    """The read models in a SQLite file, or in a schema of PostgreSQL.

    `read_only`: writes nothing, and creates no missing tables.

    Raises: SchemaMissing, when the tables are not those of this build and can't be created.
    """

    def __init__(
        self,
        path_or_url: str,
        schema: str = SCHEMA,
        *,
        faults: Faults = _no_faults,
        sizes: Sizes = SIZES,
        read_only: bool = False,
    ) -> None:
        self._engine, self._tables = opened(path_or_url, schema, sizes=sizes, read_only=read_only)
        self._faults = faults
        self._sizes = sizes
        self._writing: sa.Connection | None = None
        self._view_cache = ViewCache(self._load, sizes.views)
        try:
            if read_only:
                check_current(self._engine)
            else:
                make(self._engine, self._tables)
        except BaseException:
            self.close()
            raise

    def claim_for(self, ledger_id: str) -> None:
        """Records that the rows belong to this ledger.  Raises: OtherLedger, when they belong to another."""
        with writing(self._engine) as connection:
            claim(connection, ledger_id)

    def apply(self, recorded: Sequence[Recorded], *, partition: int = 0, after: int) -> None:
        """Folds the events after position `after`; events up to it are skipped, so repeats are harmless.

        Raises: CheckpointMismatch, when `after` is not the partition's checkpoint.
        """
        batch = [event for event in recorded if event.position > after]
        if not batch:
            return
        # After a failure the views may hold changes that were not stored, so they are kept only on success.
        projection = self._view_cache.take(partition, after)
        self._faults("read_models.before")
        with without_collector(), writing(self._engine) as connection:
            move(connection, partition, after, batch[-1].position)
            self._fold(connection, projection, batch)
            self._faults("read_models.within")
        self._faults("read_models.after")
        self._view_cache.keep(partition, batch[-1].position, projection)

    def position(self, partition: int = 0) -> int:
        """The position of the partition's last folded event; 0 if there is none."""
        with self.reading() as connection:
            return position_of(connection, partition)

    def positions(self) -> dict[int, int]:
        """The checkpoint of each partition that has one."""
        with self.reading() as connection:
            return positions_of(connection)

    def rebuild(self, events: Mapping[int, Iterable[Recorded]], *, ledger_id: str | None = None) -> None:
        """Rebuilds all rows from the ledger's events, by partition.  Until the end, readers see the old rows.

        `ledger_id`: the ledger to which the rows then belong, if it changes.

        Rows do not record their partition, so all are deleted: a partition that is left out starts again at
        0.  If the process is killed, the old rows and checkpoints stay.  A projector that wants to write
        meanwhile waits, and then fails because the checkpoint has changed.
        """
        self._view_cache.clear()
        positions: dict[int, int] = {}
        with without_collector(), writing(self._engine) as connection:
            self._tables.allow_long_transaction(connection)
            self._tables.empty(connection)
            rebuild = Rebuild(self._tables, connection, self._sizes)
            for partition, recorded in events.items():
                rebuild.next_partition()
                for batch in in_batches(recorded, self._sizes.rebuild_batch):
                    rebuild.fold(batch)
                    positions[partition] = batch[-1].position
                    self._tables.keep_alive(connection)
                    self._faults("read_models.within")
            rebuild.write()
            if ledger_id is not None:
                claim(connection, ledger_id, replace=True)
            for partition, last in sorted(positions.items()):
                move(connection, partition, 0, last)

    def digest(self, without: Collection[str] = ()) -> dict[str, str]:
        """The SHA-256 of each table's rows in key order; `without`: columns to leave out."""
        with self.reading() as connection:
            return self._digest(connection, without)

    def positions_and_digests(self) -> tuple[dict[int, int], dict[str, str]]:
        """The checkpoints, and the digests of the tables at these checkpoints."""
        with self.reading() as connection:
            return positions_of(connection), self._digest(connection)

    def _digest(self, connection: sa.Connection, without: Collection[str] = ()) -> dict[str, str]:
        self._tables.allow_long_transaction(connection)
        return {
            table.name: digest(_without(without, table, self._tables.rows(connection, table)))
            for table in TABLES
        }

    def verify(self, events: Iterable[Recorded]) -> list[Difference]:
        """The first row that differs from the fold of `events`, for each table that differs."""
        counted = recount(events)
        with self.reading() as connection:
            self._tables.allow_long_transaction(connection)
            differences = [
                first_difference(table, self._tables.rows(connection, table), counted.sorted(table))
                for table in TABLES
            ]
        return [difference for difference in differences if difference is not None]

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A read transaction with a consistent view of all tables: it does not see later commits."""
        return database.reading(self._engine)

    @contextmanager
    def snapshot(self) -> Generator[SqlRows]:
        """A consistent view of all tables, for queries."""
        with self.reading() as connection:
            yield SqlRows(connection)

    def close(self) -> None:
        self._engine.dispose()

    def _fold(self, connection: sa.Connection, projection: Projection, batch: Sequence[Recorded]) -> None:
        with self._loading(connection):
            self._tables.write(connection, projection.fold(batch))

    @contextmanager
    def _loading(self, connection: sa.Connection) -> Generator[None]:
        self._writing = connection
        try:
            yield
        finally:
            self._writing = None

    def _load(self, tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
        assert self._writing is not None
        return self._tables.load(self._writing, tables, groups)


def _without(names: Collection[str], table: Table[Any], rows: Iterable[Stored]) -> Iterable[Stored]:
    indexes = [index for index, column in enumerate(table.columns) if column.name not in names]
    return (tuple(row[index] for index in indexes) for row in rows) if names else rows
