"""Opens the database of the read models, and reads and writes rows in bulk."""

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

GROUPS_PER_QUERY: Final = 200
"""Groups read by one statement: below every database's limit on parameters."""
_STATEMENTS: Final = 500
_BUSY_TIMEOUT_MS: Final = 30_000
_CACHE: Final = "PRAGMA cache_size=-65536"
_STREAMED: Final = {"stream_results": True, "max_row_buffer": 2_000}
"""A whole table is streamed in small chunks, so it need not fit into memory."""


def opened(path: str, *, read_only: bool = False) -> sa.Engine:
    """Opens a SQLite file; with `read_only` it is not created if it is missing."""
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
    connection.isolation_level = None  # we begin transactions ourselves: the driver begins them too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()
    connection.execute(_CACHE).close()


def _open_to_read(path: str) -> sqlite3.Connection:
    connection = open_read_only(path, _BUSY_TIMEOUT_MS / 1_000)
    connection.execute(_CACHE).close()
    return connection


def _begin(connection: sa.Connection) -> None:
    """Begins a transaction.  A writer takes its lock at once: taking it later could fail in the middle."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Tables:
    """Reads and writes stored rows, one statement execution per row, in its caller's transaction."""

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
        rows_by_group: dict[Group, dict[str, list[Any]]] = {}
        for table in tables:
            read, width = table.read, table.group
            for row in self._stored(connection, table.name, groups):
                rows = rows_by_group.setdefault(tuple(row[:width]), {}).setdefault(table.name, [])
                rows.append(read(row))
        return rows_by_group

    def _stored(self, connection: sa.Connection, name: str, groups: Sequence[Group]) -> Iterator[Any]:
        for start in range(0, len(groups), GROUPS_PER_QUERY):
            padded = list(groups[start : start + GROUPS_PER_QUERY])
            count = 1 if len(padded) == 1 else GROUPS_PER_QUERY  # only two statements, each compiled once
            padded += [padded[-1]] * (count - len(padded))
            values = tuple(value for group in padded for value in group)
            yield from connection.exec_driver_sql(self._select(name, count), values)

    def write(self, connection: sa.Connection, changes: Changes) -> None:
        for name, keys in changes.deleted.items():
            connection.exec_driver_sql(self.by_name[name].delete, keys)
        for name, rows in changes.written.items():
            connection.exec_driver_sql(self.by_name[name].upsert, rows)
        for name, pairs in changes.changed.items():
            self._change(connection, name, pairs)

    def _change(self, connection: sa.Connection, name: str, pairs: Iterable[tuple[Stored, Stored]]) -> None:
        """Writes only the changed columns: passing values to the driver costs more than writing them."""
        rows_by_columns: dict[tuple[int, ...], list[Stored]] = {}
        columns = range(len(self.by_name[name].table.columns))
        for before, after in pairs:
            changed = tuple(compress(columns, map(is_not, before, after)))
            rows_by_columns.setdefault(changed, []).append(after)
        whole_rows: list[Stored] = []
        for changed, rows in rows_by_columns.items():
            if len(rows) < self._few_rows:
                whole_rows += rows
                continue
            statement, take = self._update(name, changed)
            connection.exec_driver_sql(statement, [take(row) for row in rows])
        if whole_rows:
            connection.exec_driver_sql(self.by_name[name].upsert, whole_rows)

    def _updating(self, name: str, changed: tuple[int, ...]) -> tuple[str, Callable[[Stored], Stored]]:
        """The statement that updates these columns, and a function that takes its parameters from a row."""
        statements = self.by_name[name]
        columns, keys = statements.table.columns, len(statements.table.key)
        return statements.update([columns[index].name for index in changed]), itemgetter(
            *changed, *range(keys)
        )

    def fill(self, connection: sa.Connection, rows: Mapping[str, Sequence[Stored]]) -> None:
        """Writes rows into empty tables."""
        self.write(connection, Changes(written={name: list(table_rows) for name, table_rows in rows.items()}))

    def rows(self, connection: sa.Connection, table: Table[Any]) -> Iterator[Stored]:
        """All rows in key order."""
        statement = self.by_name[table.name].sorted
        with connection.exec_driver_sql(statement, execution_options=_STREAMED) as result:
            yield from (tuple(row) for row in result)

    def lock_schema(self, connection: sa.Connection) -> None:
        """Lets nobody else create tables until the transaction ends; SQLite has only one writer anyway."""

    def allow_long_transaction(self, connection: sa.Connection) -> None:
        """Raises the time limits of this transaction: it computes for a long time between two statements."""

    def empty(self, connection: sa.Connection) -> None:
        """Empties all tables; until the transaction ends, no other projector can write."""
        for table in (CHECKPOINTS, *SQL.values()):
            connection.execute(sa.delete(table))

    def keep_alive(self, connection: sa.Connection) -> None:
        """Keeps a long transaction from being cancelled as idle."""


@contextmanager
def writing(engine: sa.Engine) -> Generator[sa.Connection]:
    """A write transaction."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Generator[sa.Connection]:
    """A read transaction with a consistent view of all tables: it does not see later commits."""
    options: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":  # on SQLite every transaction has a consistent view
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection
