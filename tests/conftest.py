"""Servers that tests run against: real ones, of this project's own."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from infra.event_store.postgres.ledger import upgrade

POSTGRES = Path(__file__).parents[1] / "tools" / "postgres"


def postgres(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([POSTGRES, *command], capture_output=True, text=True, check=False)


class Stops:
    """Stops what the tests have started, once all workers are done."""

    def pytest_sessionfinish(self) -> None:
        postgres("down")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and postgres("url").returncode != 0:
        config.pluginmanager.register(Stops())


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server, installed and started where needed."""
    done = postgres("up")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def postgres_schema(postgres_url: str) -> Iterator[tuple[str, str]]:
    """(URL, schema) of an empty ledger; it goes when the test is over."""
    schema = f"test_{uuid.uuid4().hex}"
    upgrade(postgres_url, schema)
    yield postgres_url, schema
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
