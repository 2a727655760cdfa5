"""One database that holds read models: how it is opened, and how rows are read and written in bulk."""

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import compress
from operator import is_not, itemgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from infra.read_models.schema import CHECKPOINTS, SQL, Statements
from infra.read_models.sizes import SIZES, Sizes
from infra.sqlite_files import open_read_only
from projections.changes import Changes
from projections.fold import Group, Rows
from projections.read_models import TABLES
from projections.tables import Stored, Table

AT_ONCE: Final = 200
"""Groups asked for by one statement: few enough for every database's limit on parameters."""
_STATEMENTS: Final = 500
_WAITS_MS: Final = 30_000
_CACHE: Final = "PRAGMA cache_size=-65536"
_STREAMED: Final = {"stream_results": True, "max_row_buffer": 2_000}
"""Rows of a whole table come a few at a time, so that no table need fit into memory."""


def opened(path: str, *, read_only: bool = False) -> sa.Engine:
    """The SQLite file of that name; read only, it is not even made."""
    if read_only:
        engine = sa.create_engine("sqlite://", creator=lambda: _open_to_read(path), poolclass=sa.QueuePool)
        event.listen(engine, "begin", _begin)
        return engine
    url = path if path.startswith("sqlite://") else f"sqlite:///{path}"
    engine = sa.create_engine(url, connect_args={"cached_statements": _STATEMENTS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves: the driver's own guess is too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_WAITS_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()
    connection.execute(_CACHE).close()


def _open_to_read(path: str) -> sqlite3.Connection:
    connection = open_read_only(path, _WAITS_MS / 1_000)
    connection.execute(_CACHE).close()
    return connection


def _begin(connection: sa.Connection) -> None:
    """A writer takes its lock at once: taken late, it could fail in the middle."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Tables:
    """Reads and writes stored rows, each by a statement of its own.  The transaction is its caller's."""

    def __init__(self, dialect: sa.Dialect, sizes: Sizes = SIZES) -> None:
        self._few_rows = sizes.few_rows
        self.by_name: Final = {table.name: Statements(table, dialect) for table in TABLES}
        self._select = cache(self._compiled)
        self._update = lru_cache(_STATEMENTS)(self._updating)

    def _compiled(self, table: str, groups: int) -> str:
        return self.by_name[table].select(groups)

    def load(
        self, connection: sa.Connection, tables: tuple[Table[Any], ...], groups: Sequence[Group]
    ) -> Mapping[Group, Rows]:
        """The rows of these tables by group; a group without rows is left out."""
        found: dict[Group, dict[str, list[Any]]] = {}
        for table in tables:
            read, width = table.read, table.group
            for row in self._stored(connection, table.name, groups):
                kept = found.setdefault(tuple(row[:width]), {}).setdefault(table.name, [])
                kept.append(read(row))
        return found

    def _stored(self, connection: sa.Connection, name: str, groups: Sequence[Group]) -> Iterator[Any]:
        for start in range(0, len(groups), AT_ONCE):
            some = list(groups[start : start + AT_ONCE])
            asked = 1 if len(some) == 1 else AT_ONCE  # two shapes of statement, each compiled once
            some += [some[-1]] * (asked - len(some))
            values = tuple(value for group in some for value in group)
            yield from connection.exec_driver_sql(self._select(name, asked), values)

    def write(self, connection: sa.Connection, changes: Changes) -> None:
        for name, keys in changes.deleted.items():
            connection.exec_driver_sql(self.by_name[name].delete, keys)
        for name, rows in changes.written.items():
            connection.exec_driver_sql(self.by_name[name].upsert, rows)
        for name, pairs in changes.changed.items():
            self._change(connection, name, pairs)

    def _change(self, connection: sa.Connection, name: str, pairs: Iterable[tuple[Stored, Stored]]) -> None:
        """Writes only the columns that were given a value: to hand a row over costs more than to write it."""
        alike: dict[tuple[int, ...], list[Stored]] = {}
        columns = range(len(self.by_name[name].table.columns))
        for before, after in pairs:
            given = tuple(compress(columns, map(is_not, before, after)))
            alike.setdefault(given, []).append(after)
        whole: list[Stored] = []
        for given, rows in alike.items():
            if len(rows) < self._few_rows:
                whole += rows
                continue
            statement, take = self._update(name, given)
            connection.exec_driver_sql(statement, [take(row) for row in rows])
        if whole:
            connection.exec_driver_sql(self.by_name[name].upsert, whole)

    def _updating(self, name: str, given: tuple[int, ...]) -> tuple[str, Callable[[Stored], Stored]]:
        """The statement for rows of which these columns were given a value, and what it takes of a row."""
        statements = self.by_name[name]
        columns, keys = statements.table.columns, len(statements.table.key)
        return statements.update([columns[index].name for index in given]), itemgetter(*given, *range(keys))

    def fill(self, connection: sa.Connection, rows: Mapping[str, Sequence[Stored]]) -> None:
        """Writes rows into tables that are empty."""
        self.write(connection, Changes(written={name: list(some) for name, some in rows.items()}))

    def rows(self, connection: sa.Connection, table: Table[Any]) -> Iterator[Stored]:
        """All rows in key order."""
        asked = self.by_name[table.name].sorted
        with connection.exec_driver_sql(asked, execution_options=_STREAMED) as result:
            yield from (tuple(row) for row in result)

    def alone(self, connection: sa.Connection) -> None:
        """Until the transaction ends nobody else makes tables: on SQLite, whoever writes is alone."""

    def at_leisure(self, connection: sa.Connection) -> None:
        """This transaction may take longer than others: much is worked out between two statements."""

    def empty(self, connection: sa.Connection) -> None:
        """All tables are empty, and until the transaction ends nobody else folds."""
        for made in (CHECKPOINTS, *SQL.values()):
            connection.execute(sa.delete(made))

    def stay(self, connection: sa.Connection) -> None:
        """Shows the database that a long transaction still goes on."""


@contextmanager
def writing(engine: sa.Engine) -> Generator[sa.Connection]:
    """One transaction that writes: all of it, or nothing."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Generator[sa.Connection]:
    """One consistent view of all tables: nothing that is committed meanwhile shows."""
    how: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":  # SQLite sees a transaction's beginning in any case
        how = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**how) as connection, connection.begin():
        yield connection
