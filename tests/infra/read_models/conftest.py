"""Databases for read models: an SQLite file, and a schema of a real PostgreSQL."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from infra.read_models.database import writing
from infra.read_models.store import ReadModels, opened


@dataclass(frozen=True)
class Database:
    """A database for read models.  It is empty when a test begins."""

    path_or_url: str
    schema: str

    def models(self, **how: Any) -> ReadModels:
        return ReadModels(self.path_or_url, self.schema, **how)

    def by_hand(self, statement: str) -> None:
        """Executes a statement that changes rows behind the projector's back."""
        engine, _ = opened(self.path_or_url, self.schema)
        with writing(engine) as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def clear(self) -> None:
        models = self.models()
        models.rebuild({})
        models.close()


@pytest.fixture(scope="session")
def read_schema(postgres_url: str) -> Iterator[str]:
    """A schema that all tests of this process use, one after another."""
    schema = f"test_read_{uuid.uuid4().hex[:20]}"
    yield schema
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def on_postgres(postgres_url: str, read_schema: str) -> Database:
    database = Database(postgres_url, read_schema)
    database.clear()
    return database


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "read.db"), "")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Runs the test once with each database."""
    kind = {"sqlite": "on_sqlite", "postgresql": "on_postgres"}[request.param]
    chosen: Database = request.getfixturevalue(kind)
    return chosen


@pytest.fixture
def models(database: Database) -> Iterator[ReadModels]:
    opened_ = database.models()
    yield opened_
    opened_.close()
