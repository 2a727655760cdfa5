"""Read models on PostgreSQL: whole batches as arrays, one statement a table; rebuilt by COPY."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from infra.event_store.postgres.recorder import session
from infra.event_store.postgres.url import checked
from infra.read_models.database import Tables
from infra.read_models.schema import CHECKPOINTS, SQL, Statements
from projections.changes import Changes
from projections.fold import Group
from projections.read_models import TABLES
from projections.tables import Stored

LEISURE: Final = {"statement_timeout": "30min", "idle_in_transaction_session_timeout": "2min"}
"""Limits of a rebuild and of a verification."""


def opened(url: str, schema: str) -> sa.Engine:
    """The schema of the database at `url`, over sessions with the ledger's limits.

    The engine never sees the URL, so that no error of its can print a password; nor do they print values.

    Raises: NoUrl.
    """
    said = session(checked(url), schema)

    def connect() -> psycopg.Connection[Any]:
        # Never prepared: a plan made while the tables were small would be kept when they no longer are.
        return psycopg.connect(**said, prepare_threshold=None)

    return sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        paramstyle="format",
        pool_pre_ping=True,
        hide_parameters=True,
    )


class OverArrays:
    """The statements of one table, each taking one array for every column.

    Four to five times the rows a second of psycopg's `executemany` (`benchmarks/read_models.py`).  Tried as
    well: arrays as text and JSON were slower; COPY into a temporary table was now faster, now slower, and
    needs the right to make one.  To write only the columns that changed would take a statement for each set
    of them.
    """

    def __init__(self, statements: Statements) -> None:
        self._table = statements.table
        self._dialect = statements.dialect
        self._made = SQL[statements.table.name]

    @cached_property
    def upsert(self) -> str:
        """Whole rows: those that change are written in one statement with those that are new."""
        names = [column.name for column in self._made.columns]
        statement = postgresql.insert(self._made).from_select(names, sa.select(*self._given(names).c))
        rest = {c.name: statement.excluded[c.name] for c in self._made.columns if not c.primary_key}
        return self._compiled(statement.on_conflict_do_update(index_elements=self._table.key, set_=rest))

    @cached_property
    def delete(self) -> str:
        return self._compiled(sa.delete(self._made).where(self._same(self._table.key)))

    @cached_property
    def select(self) -> str:
        names = self._table.key[: self._table.group]
        return self._compiled(sa.select(self._made).where(self._same(names)))

    def _given(self, names: Sequence[str]) -> sa.TableValuedAlias:
        columns = [self._made.c[name] for name in names]
        arrays = (sa.bindparam(column.name, type_=sa.ARRAY(_plain(column.type))) for column in columns)
        made = sa.func.unnest(*arrays).table_valued(
            *(sa.column(column.name, column.type) for column in columns)
        )
        return made.render_derived()

    def _same(self, names: Sequence[str]) -> sa.ColumnElement[bool]:
        given = self._given(names)
        return sa.and_(*(self._made.c[name] == given.c[name] for name in names))

    def _compiled(self, statement: sa.ClauseElement) -> str:
        """Arrays go as binary: to write them as text costs twice as much."""
        return str(statement.compile(dialect=self._dialect)).replace("%s", "%b")


def _plain(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """An array has no collation; the column that its values are compared with brings it."""
    return sa.Text() if isinstance(kind, sa.Text) else kind


class PostgresTables(Tables):
    """Rows by key order, so that two writers could never wait for each other in a circle."""

    def __init__(self, dialect: sa.Dialect, schema: str) -> None:
        super().__init__(dialect)
        self._schema = schema
        self._over = {name: OverArrays(statements) for name, statements in self.by_name.items()}
        self._keys = {table.name: len(table.key) for table in TABLES}

    def _stored(self, connection: sa.Connection, name: str, groups: Sequence[Group]) -> Iterator[Any]:
        if groups:
            yield from connection.exec_driver_sql(self._over[name].select, _columns(groups))

    def write(self, connection: sa.Connection, changes: Changes) -> None:
        for name, keys in changes.deleted.items():
            connection.exec_driver_sql(self._over[name].delete, _columns(sorted(keys)))
        rows: dict[str, dict[Stored, Stored]] = {}
        for name, row in changes.rows():
            rows.setdefault(name, {})[row[: self._keys[name]]] = row
        for name, by_key in rows.items():
            in_order = [by_key[key] for key in sorted(by_key)]
            connection.exec_driver_sql(self._over[name].upsert, _columns(in_order))

    def fill(self, connection: sa.Connection, rows: Mapping[str, Sequence[Stored]]) -> None:
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        with driver.cursor() as cursor:
            for name, some in rows.items():
                with cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
                    for row in some:
                        copy.write_row(row)

    def alone(self, connection: sa.Connection) -> None:
        """Until the transaction ends nobody else makes this schema or its tables."""
        named = {"schema": self._schema}
        connection.execute(_LOCK, named)
        if connection.execute(_KNOWN, named).first() is None:  # IF NOT EXISTS would ask for the right first
            connection.execute(sa.schema.CreateSchema(self._schema))

    def at_leisure(self, connection: sa.Connection) -> None:
        for name, limit in LEISURE.items():
            connection.execute(sa.select(sa.func.set_config(name, limit, True)))

    def empty(self, connection: sa.Connection) -> None:
        """Whoever folds begins by moving a place, and waits; readers go on with the old rows."""
        connection.exec_driver_sql(f"LOCK TABLE {CHECKPOINTS.name} IN SHARE ROW EXCLUSIVE MODE")
        super().empty(connection)

    def stay(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SELECT")


_LOCK: Final = sa.text("SELECT pg_advisory_xact_lock(hashtext('jumun read models'), hashtext(:schema))")
_KNOWN: Final = sa.text("SELECT FROM pg_namespace WHERE nspname = :schema")


def _columns(rows: Iterable[Stored]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))
