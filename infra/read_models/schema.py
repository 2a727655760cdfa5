"""Defines the tables of the read models, and compiles their statements once per database dialect."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from projections.read_models import TABLES
from projections.tables import Described, Table

METADATA: Final = sa.MetaData()
_TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text sorts by code point on every database, so that digests are the same."""
_TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "text": _TEXT,
    "json": _TEXT,
    "whole": sa.BigInteger(),
    "flag": sa.Boolean(),
}
CHECKPOINTS: Final = sa.Table(
    "places",
    METADATA,
    sa.Column(
        "partition", sa.Integer, primary_key=True, autoincrement=False, comment="Partition of the ledger."
    ),
    sa.Column("position", sa.BigInteger, nullable=False, comment="Position of the last folded event."),
    comment="Checkpoint of each partition; moved by compare-and-set.",
)

FOLDS: Final = 4
"""Version of the folds.

Raise it when a fold gives other rows for the same events: all rows are then rebuilt.
"""
SHAPE: Final = sa.Table(
    "shape",
    METADATA,
    sa.Column("made_of", sa.Text, primary_key=True, comment="Hash of the tables and of the folds' version."),
    comment="Version of the tables, noted when they were created.",
)
FOLDED_FROM: Final = sa.Table(
    "folded_from",
    METADATA,
    sa.Column(
        "one",
        sa.Integer,
        primary_key=True,
        autoincrement=False,
        comment="Always 1: the table has one row.",
    ),
    sa.Column(
        "ledger_id", sa.Text, nullable=False, comment="Id of the ledger; a restored ledger has a new one."
    ),
    comment="The ledger whose events were folded; empty until it is recorded.",
)


def _column(table: Table[Any], column: Described) -> sa.Column[Any]:
    return sa.Column(
        column.name,
        _TYPES[column.kind],
        primary_key=column.name in table.key,
        nullable=column.optional,
        autoincrement=False,
        comment=column.comment,
    )


def _table(table: Table[Any]) -> sa.Table:
    sql_table = sa.Table(
        table.name,
        METADATA,
        *(_column(table, column) for column in table.columns),
        comment=(table.row.__doc__ or "").split("\n")[0],
        sqlite_with_rowid=False,
    )
    for names in table.indexes:
        sa.Index(f"{table.name}_by_{'_'.join(names)}", *(sql_table.c[name] for name in names))
    return sql_table


SQL: Final[dict[str, sa.Table]] = {table.name: _table(table) for table in TABLES}


def schema_hash(dialect: sa.Dialect) -> str:
    """A hash over all table definitions and the folds' version."""
    tables = [str(sa.schema.CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
    return hashlib.sha256(f"{FOLDS} {tables}".encode()).hexdigest()


@dataclass(frozen=True)
class Statements:
    """The statements of one table; they take plain tuples as parameters."""

    table: Table[Any]
    dialect: sa.Dialect

    @cached_property
    def upsert(self) -> str:
        """Takes a stored row."""
        insert = postgresql.insert if self.dialect.name == "postgresql" else sqlite.insert
        sql_table = SQL[self.table.name]
        statement = insert(sql_table).values(
            {column.name: sa.bindparam(column.name) for column in sql_table.columns}
        )
        rest = {c.name: statement.excluded[c.name] for c in sql_table.columns if not c.primary_key}
        return self._compiled(statement.on_conflict_do_update(index_elements=self.table.key, set_=rest))

    def update(self, names: Sequence[str]) -> str:
        """Takes the new values of these columns, in the table's order, followed by the key."""
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        return self._compiled(sa.update(SQL[self.table.name]).where(*self._key_matches).values(values))

    @cached_property
    def delete(self) -> str:
        """Takes a key."""
        return self._compiled(sa.delete(SQL[self.table.name]).where(*self._key_matches))

    @property
    def _key_matches(self) -> list[sa.ColumnElement[bool]]:
        sql_table = SQL[self.table.name]
        return [sql_table.c[name] == sa.bindparam(f"key_{name}") for name in self.table.key]

    def select(self, groups: int) -> str:
        """Takes the values of that number of groups, one after the other."""
        sql_table = SQL[self.table.name]
        names = self.table.key[: self.table.group]
        # A join with the wanted keys uses the index; for `(a, b) IN (...)` SQLite would scan the table.
        keys = [
            tuple(sa.bindparam(f"g{index}_{name}", type_=_TEXT) for name in names) for index in range(groups)
        ]
        wanted = (
            sa.values(*(sa.column(name, _TEXT) for name in names), name="wanted").data(keys).cte("wanted")
        )
        keys_match = sa.and_(*(sql_table.c[name] == wanted.c[name] for name in names))
        return self._compiled(sa.select(sql_table).select_from(wanted.join(sql_table, keys_match)))

    @cached_property
    def sorted(self) -> str:
        sql_table = SQL[self.table.name]
        return self._compiled(sa.select(sql_table).order_by(*(sql_table.c[name] for name in self.table.key)))

    def _compiled(self, statement: sa.ClauseElement) -> str:
        return str(statement.compile(dialect=self.dialect))
