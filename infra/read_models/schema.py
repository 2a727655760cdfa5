"""The tables of the read models, and their statements, compiled once by SQLAlchemy for one database."""

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
"""Keys sort by code point on every database, as digests need it."""
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
    sa.Column("position", sa.BigInteger, nullable=False, comment="Position of the last event folded in."),
    comment="How far each partition has been folded; moved by compare-and-set.",
)

FOLDS: Final = 1
"""Raise it when a fold makes other rows of the same events: every file is then folded anew."""
SHAPE: Final = sa.Table(
    "shape",
    METADATA,
    sa.Column("made_of", sa.Text, primary_key=True, comment="Hash of the tables and of the folds' version."),
    comment="What the tables were when they were made.",
)
FOLDED_FROM: Final = sa.Table(
    "folded_from",
    METADATA,
    sa.Column(
        "one",
        sa.Integer,
        primary_key=True,
        autoincrement=False,
        comment="Always 1: there is one such ledger.",
    ),
    sa.Column("ledger_id", sa.Text, nullable=False, comment="Id of the ledger; a restored one has another."),
    comment="The ledger whose events were folded in; none, where nobody has said yet.",
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
    made = sa.Table(
        table.name,
        METADATA,
        *(_column(table, column) for column in table.columns),
        comment=(table.row.__doc__ or "").split("\n")[0],
        sqlite_with_rowid=False,
    )
    for names in table.indexes:
        sa.Index(f"{table.name}_by_{'_'.join(names)}", *(made.c[name] for name in names))
    return made


SQL: Final[dict[str, sa.Table]] = {table.name: _table(table) for table in TABLES}


def made_of(dialect: sa.Dialect) -> str:
    """A hash of all tables, and of the folds' version."""
    tables = [str(sa.schema.CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
    return hashlib.sha256(f"{FOLDS} {tables}".encode()).hexdigest()


@dataclass(frozen=True)
class Statements:
    """The statements of one table, taking plain tuples."""

    table: Table[Any]
    dialect: sa.Dialect

    @cached_property
    def upsert(self) -> str:
        """Takes a row as stored."""
        insert = postgresql.insert if self.dialect.name == "postgresql" else sqlite.insert
        made = SQL[self.table.name]
        statement = insert(made).values({column.name: sa.bindparam(column.name) for column in made.columns})
        rest = {c.name: statement.excluded[c.name] for c in made.columns if not c.primary_key}
        return self._compiled(statement.on_conflict_do_update(index_elements=self.table.key, set_=rest))

    def update(self, names: Sequence[str]) -> str:
        """Takes the new values of these columns, in the table's order, and then a key."""
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        return self._compiled(sa.update(SQL[self.table.name]).where(*self._is_it).values(values))

    @cached_property
    def delete(self) -> str:
        """Takes a key."""
        return self._compiled(sa.delete(SQL[self.table.name]).where(*self._is_it))

    @property
    def _is_it(self) -> list[sa.ColumnElement[bool]]:
        made = SQL[self.table.name]
        return [made.c[name] == sa.bindparam(f"key_{name}") for name in self.table.key]

    def select(self, groups: int) -> str:
        """Takes so many groups, one value after the other."""
        made = SQL[self.table.name]
        names = self.table.key[: self.table.group]
        # A join to the wanted keys is looked up in the index; SQLite scans the table for `(a, b) IN (...)`.
        keys = [
            tuple(sa.bindparam(f"g{index}_{name}", type_=_TEXT) for name in names) for index in range(groups)
        ]
        wanted = (
            sa.values(*(sa.column(name, _TEXT) for name in names), name="wanted").data(keys).cte("wanted")
        )
        same = sa.and_(*(made.c[name] == wanted.c[name] for name in names))
        return self._compiled(sa.select(made).select_from(wanted.join(made, same)))

    @cached_property
    def sorted(self) -> str:
        made = SQL[self.table.name]
        return self._compiled(sa.select(made).order_by(*(made.c[name] for name in self.table.key)))

    def _compiled(self, statement: sa.ClauseElement) -> str:
        return str(statement.compile(dialect=self.dialect))
