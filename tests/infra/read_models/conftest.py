"""Where read models may lie: in a file, and in a schema of a real PostgreSQL."""

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
class RecordRef:
    """One place, empty when a test begins."""

    path_or_url: str
    schema: str

    def models(self, **how: Any) -> ReadModels:
        return ReadModels(self.path_or_url, self.schema, **how)

    def by_hand(self, statement: str) -> None:
        """What nobody but a fold should do."""
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
    """A schema for the read models of all tests of this process, one after the other."""
    schema = f"test_read_{uuid.uuid4().hex[:20]}"
    yield schema
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def on_postgres(postgres_url: str, read_schema: str) -> RecordRef:
    place = RecordRef(postgres_url, read_schema)
    place.clear()
    return place


@pytest.fixture
def on_sqlite(tmp_path: Path) -> RecordRef:
    return RecordRef(str(tmp_path / "read.db"), "")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> RecordRef:
    """Each in turn: whatever is asked, both give the same answer."""
    kind = {"sqlite": "on_sqlite", "postgresql": "on_postgres"}[request.param]
    found: RecordRef = request.getfixturevalue(kind)
    return found


@pytest.fixture
def models(place: RecordRef) -> Iterator[ReadModels]:
    opened_ = place.models()
    yield opened_
    opened_.close()
