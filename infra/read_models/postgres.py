"""Read models on PostgreSQL: writes a batch with one statement per table, and rebuilds by COPY."""

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

LONG_LIMITS: Final = {"statement_timeout": "30min", "idle_in_transaction_session_timeout": "2min"}
"""Timeouts of a rebuild and of a verification."""


def opened(url: str, schema: str) -> sa.Engine:
    """Opens a schema of the database at `url`, with the same session timeouts as the ledger.

    SQLAlchemy never sees the URL, so its errors cannot show the password; nor do they show parameter values.

    Raises: NoUrl.
    """
    parameters = session(checked(url), schema)

    def connect() -> psycopg.Connection[Any]:
        # No prepared statements: a plan for small tables would still be used when they are large.
        return psycopg.connect(**parameters, prepare_threshold=None)

    return sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        paramstyle="format",
        pool_pre_ping=True,
        hide_parameters=True,
    )


class ArrayStatements:
    """The statements of one table; each takes one array per column.

    They write four to five times the rows per second of psycopg's `executemany`
    (`benchmarks/read_models.py`).  Also tried: arrays as text and JSON were slower; COPY into a temporary
    table was sometimes faster, sometimes slower, and needs the right to create one.  Writing only the
    changed columns would need a statement for each set of columns.
    """

    def __init__(self, statements: Statements) -> None:
        self._table = statements.table
        self._dialect = statements.dialect
        self._sql_table = SQL[statements.table.name]

    @cached_property
    def upsert(self) -> str:
        """Inserts and updates whole rows in one statement."""
        names = [column.name for column in self._sql_table.columns]
        statement = postgresql.insert(self._sql_table).from_select(names, sa.select(*self._arrays(names).c))
        rest = {c.name: statement.excluded[c.name] for c in self._sql_table.columns if not c.primary_key}
        return self._compiled(statement.on_conflict_do_update(index_elements=self._table.key, set_=rest))

    @cached_property
    def delete(self) -> str:
        return self._compiled(sa.delete(self._sql_table).where(self._keys_match(self._table.key)))

    @cached_property
    def select(self) -> str:
        names = self._table.key[: self._table.group]
        return self._compiled(sa.select(self._sql_table).where(self._keys_match(names)))

    def _arrays(self, names: Sequence[str]) -> sa.TableValuedAlias:
        columns = [self._sql_table.c[name] for name in names]
        arrays = (sa.bindparam(column.name, type_=sa.ARRAY(_plain(column.type))) for column in columns)
        unnested = sa.func.unnest(*arrays).table_valued(
            *(sa.column(column.name, column.type) for column in columns)
        )
        return unnested.render_derived()

    def _keys_match(self, names: Sequence[str]) -> sa.ColumnElement[bool]:
        arrays = self._arrays(names)
        return sa.and_(*(self._sql_table.c[name] == arrays.c[name] for name in names))

    def _compiled(self, statement: sa.ClauseElement) -> str:
        """Compiles a statement that takes binary arrays: text arrays cost twice as much."""
        return str(statement.compile(dialect=self._dialect)).replace("%s", "%b")


def _plain(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """The type without its collation: an array has none, the column it is compared with has."""
    return sa.Text() if isinstance(kind, sa.Text) else kind


class PostgresTables(Tables):
    """Writes rows in key order, so that two writers cannot deadlock."""

    def __init__(self, dialect: sa.Dialect, schema: str) -> None:
        super().__init__(dialect)
        self._schema = schema
        self._array_statements = {
            name: ArrayStatements(statements) for name, statements in self.by_name.items()
        }
        self._keys = {table.name: len(table.key) for table in TABLES}

    def _stored(self, connection: sa.Connection, name: str, groups: Sequence[Group]) -> Iterator[Any]:
        if groups:
            yield from connection.exec_driver_sql(self._array_statements[name].select, _columns(groups))

    def write(self, connection: sa.Connection, changes: Changes) -> None:
        for name, keys in changes.deleted.items():
            connection.exec_driver_sql(self._array_statements[name].delete, _columns(sorted(keys)))
        rows: dict[str, dict[Stored, Stored]] = {}
        for name, row in changes.rows():
            rows.setdefault(name, {})[row[: self._keys[name]]] = row
        for name, by_key in rows.items():
            in_order = [by_key[key] for key in sorted(by_key)]
            connection.exec_driver_sql(self._array_statements[name].upsert, _columns(in_order))

    def fill(self, connection: sa.Connection, rows: Mapping[str, Sequence[Stored]]) -> None:
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        with driver.cursor() as cursor:
            for name, table_rows in rows.items():
                with cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
                    for row in table_rows:
                        copy.write_row(row)

    def lock_schema(self, connection: sa.Connection) -> None:
        """Lets no other process create this schema or its tables until the transaction ends."""
        parameters = {"schema": self._schema}
        connection.execute(_LOCK, parameters)
        if (
            connection.execute(_SCHEMA_EXISTS, parameters).first() is None
        ):  # IF NOT EXISTS would need the right to create it
            connection.execute(sa.schema.CreateSchema(self._schema))

    def allow_long_transaction(self, connection: sa.Connection) -> None:
        for name, limit in LONG_LIMITS.items():
            connection.execute(sa.select(sa.func.set_config(name, limit, True)))

    def empty(self, connection: sa.Connection) -> None:
        """Locks the checkpoints and empties all tables.

        Every projector first moves a checkpoint, so it waits; readers go on with the old rows.
        """
        connection.exec_driver_sql(f"LOCK TABLE {CHECKPOINTS.name} IN SHARE ROW EXCLUSIVE MODE")
        super().empty(connection)

    def keep_alive(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SELECT")


_LOCK: Final = sa.text("SELECT pg_advisory_xact_lock(hashtext('jumun read models'), hashtext(:schema))")
_SCHEMA_EXISTS: Final = sa.text("SELECT FROM pg_namespace WHERE nspname = :schema")


def _columns(rows: Iterable[Stored]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))
