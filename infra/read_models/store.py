"""Read models in a database: a batch of events, its rows and its place in one transaction."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from consumers.collector import without_collector
from infra.read_models.database import Tables, opened, writing
from infra.read_models.schema import METADATA, PLACES, SHAPE, made_of
from projections.fold import Group, Recorded, Rows
from projections.projection import TABLES, Projection
from projections.tables import Table
from projections.verify import Difference, digest, first_difference, in_batches, recount

MOST_VIEWS: Final = 50_000
Faults = Callable[[str], None]
"""Called at `read_models.before`, `.within` and `.after` a commit; a crash test raises or exits there."""


class OutOfPlace(Exception):
    """The events do not follow on what is stored: another projector has moved on, or some are missing."""

    def __init__(self, partition: int, after: int, place: int) -> None:
        super().__init__(f"partition {partition} stands at {place}, not at {after}")
        self.partition, self.after, self.place = partition, after, place


def _no_faults(point: str) -> None:
    del point


class ReadModels:
    """The read models at a SQLite path or a database URL."""

    def __init__(
        self, path_or_url: str, *, faults: Faults = _no_faults, most_views: int = MOST_VIEWS
    ) -> None:
        self._engine = opened(path_or_url)
        self._tables = Tables(self._engine.dialect)
        self._faults = faults
        self._most_views = most_views
        self._writing: sa.Connection | None = None
        self._projection = self._empty()
        self._seen: dict[int, int] = {}
        """Up to where the kept views know each partition."""
        with writing(self._engine) as connection:
            self._make(connection)

    def _make(self, connection: sa.Connection) -> None:
        """The tables, if they are not there; anew, if they or the folds were others when they were made."""
        METADATA.create_all(connection, tables=[SHAPE])
        now = made_of(self._engine.dialect)
        if connection.execute(sa.select(SHAPE)).scalar() != now:
            METADATA.drop_all(connection)
            METADATA.create_all(connection)
            connection.execute(sa.insert(SHAPE).values(made_of=now))

    def apply(self, recorded: Sequence[Recorded], *, partition: int = 0, after: int) -> None:
        """Folds what lies beyond the place; says again what was said before, and nothing happens.

        Raises: OutOfPlace, when `after` is not where the partition stands.
        """
        batch = [event for event in recorded if event.position > after]
        if not batch:
            return
        if self._seen.get(partition) != after:
            self._projection = self._empty()  # somebody else may have written rows that are kept here
        self._faults("read_models.before")
        with self._or_forget(), without_collector(), writing(self._engine) as connection:
            _move(connection, partition, after, batch[-1].position)
            self._fold(connection, batch)
            self._faults("read_models.within")
        self._seen[partition] = batch[-1].position
        with self._or_forget():
            self._faults("read_models.after")

    def place(self, partition: int = 0) -> int:
        """Position of the last event of the partition that was folded in."""
        with self.reading() as connection:
            return _place(connection, partition)

    def rebuild(self, events: Mapping[int, Iterable[Recorded]]) -> None:
        """All rows anew from the ledger's events by partition.  Until it is done, readers see the old ones.

        Rows do not say which partition they came from, so all go: a partition that is left out stands at
        the beginning again.  Killed in the middle, it leaves the old rows at their old places.
        """
        self._projection = self._empty()
        self._seen.clear()
        places: dict[int, int] = {}
        with self._or_forget(), without_collector(), writing(self._engine) as connection:
            self._tables.clear(connection)
            for partition, told in events.items():
                for batch in in_batches(told):
                    self._fold(connection, batch)
                    places[partition] = batch[-1].position
                    self._faults("read_models.within")
            for partition, last in places.items():
                _move(connection, partition, 0, last)
        self._seen.update(places)

    def digest(self) -> dict[str, str]:
        """sha256 of every table's rows in key order."""
        with self.reading() as connection:
            return {table.name: digest(self._tables.rows(connection, table)) for table in TABLES}

    def verify(self, events: Iterable[Recorded]) -> list[Difference]:
        """For each table that is not what the events make it, the first row that differs."""
        counted = recount(events)
        with self.reading() as connection:
            found = [
                first_difference(table, self._tables.rows(connection, table), counted.sorted(table))
                for table in TABLES
            ]
        return [difference for difference in found if difference is not None]

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """One consistent view of all tables: nothing that is committed meanwhile shows."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    def _fold(self, connection: sa.Connection, batch: Sequence[Recorded]) -> None:
        self._writing = connection
        try:
            self._tables.write(connection, self._projection.fold(batch))
        finally:
            self._writing = None

    def _load(self, tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Any:
        assert self._writing is not None
        found: dict[Group, Rows] = dict(self._tables.load(self._writing, tables, groups))
        return found

    def _empty(self) -> Projection:
        return Projection(self._load, self._most_views)

    @contextmanager
    def _or_forget(self) -> Generator[None]:
        """After any failure the kept views may say what was never stored."""
        try:
            yield
        except BaseException:
            self._projection = self._empty()
            self._seen.clear()
            raise


def _place(connection: sa.Connection, partition: int) -> int:
    asked = sa.select(PLACES.c.position).where(PLACES.c.partition == partition)
    return connection.execute(asked).scalar() or 0


def _move(connection: sa.Connection, partition: int, after: int, to: int) -> None:
    """Compare-and-set: of two projectors at the same place, one moves it and the other fails."""
    known = PLACES.c.partition == partition
    if after == 0 and connection.execute(sa.select(PLACES).where(known)).first() is None:
        connection.execute(sa.insert(PLACES).values(partition=partition, position=to))
        return
    moved = connection.execute(sa.update(PLACES).where(known, PLACES.c.position == after).values(position=to))
    if moved.rowcount != 1:
        raise OutOfPlace(partition, after, _place(connection, partition))
