"""Tables have comments, and their statements fit both databases."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from infra.read_models.postgres import ArrayStatements
from infra.read_models.schema import SQL, Statements
from projections.read_models import TABLES

DIALECTS: list[sa.Dialect] = [
    sqlite.base.SQLiteDialect(),
    postgresql.base.PGDialect(paramstyle="format"),  # type: ignore[no-untyped-call]
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_statements_take_one_value_per_column(dialect: sa.Dialect) -> None:
    mark = "?" if dialect.name == "sqlite" else "%s"
    for table in TABLES:
        statements = Statements(table, dialect)
        assert statements.upsert.count(mark) == len(table.columns)
        assert statements.delete.count(mark) == len(table.key)
        last = table.columns[-1].name
        assert statements.update([last]).count(mark) == 1 + len(table.key)
        assert statements.select(3).count(mark) == 3 * table.group
        assert str(CreateTable(SQL[table.name]).compile(dialect=dialect))


def test_rows_of_one_key_are_looked_up_in_the_index() -> None:
    engine = sa.create_engine("sqlite://")
    SQL["order_facts"].metadata.create_all(engine)
    with engine.connect() as connection:
        for table in TABLES:
            query = Statements(table, engine.dialect).select(3)
            values = ("x",) * (3 * table.group)
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
            assert any(row[3].startswith(f"SEARCH {table.name} USING") for row in plan), plan
    engine.dispose()


def test_on_postgresql_a_whole_batch_is_one_array_for_each_column() -> None:
    for table in TABLES:
        over = ArrayStatements(Statements(table, DIALECTS[1]))
        assert over.upsert.count("%b") == len(table.columns)
        assert over.delete.count("%b") == len(table.key)
        assert over.select.count("%b") == table.group
        assert "%s" not in over.upsert + over.delete + over.select


def test_each_column_has_a_comment() -> None:
    assert SQL["order_status"].c.captured.comment == "Money captured. Unit: minor units of the currency."
    assert all(column.comment for table in SQL.values() for column in table.columns)
