"""`jumun db` as an operator and a program use it, on a real server."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner, Result

from infra.cli.db import app
from infra.database_upgrade import UpgradeResult, upgrade
from infra.event_store.postgres.ledger import SCHEMA_VERSION, connect
from infra.event_store.postgres.roles import PARTS, role
from infra.event_store.postgres.url import Target


@pytest.fixture
def target(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """Named by the environment; nothing is made yet."""
    schema = f"test_{uuid.uuid4().hex[:16]}"
    named = Target(postgres_url, schema, postgres_url, f"{schema}_read")
    monkeypatch.setenv("JUMUN_DATABASE_URL", postgres_url)
    monkeypatch.setenv("JUMUN_LEDGER_SCHEMA", named.ledger_schema)
    monkeypatch.setenv("JUMUN_READ_MODELS_SCHEMA", named.read_models_schema)
    yield named
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in (named.read_models_schema, schema):
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
        for part in PARTS:
            made = sql.Identifier(role(schema, part))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(made))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answered(*words: str, status: int = 0) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == status, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found[0]


def said(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"jumun db {command}" in result.output


def test_an_upgrade_says_what_it_did_and_the_second_one_that_nothing_was_left_to_do(target: Target) -> None:
    first, second = answered("upgrade"), answered("upgrade")
    roles = [role(target.ledger_schema, part) for part in PARTS]
    assert (first["ledger_before"], first["ledger_version"]) == (0, SCHEMA_VERSION)
    assert (first["read_models_made"], first["roles_made"], first["owed"]) == (True, roles, [])
    assert (second["ledger_before"], second["ledger_version"]) == (SCHEMA_VERSION, SCHEMA_VERSION)
    assert (second["read_models_made"], second["roles_made"], second["owed"]) == (False, [], [])
    assert "roles: unchanged" in said(run("upgrade"))


def test_several_upgrades_at_once_are_one(target: Target) -> None:
    with ThreadPoolExecutor(4) as pool:
        done: list[UpgradeResult] = list(pool.map(upgrade, [target] * 4))
    assert sum(one.read_models_made for one in done) == 1
    assert sorted(name for one in done for name in one.roles_made) == sorted(
        role(target.ledger_schema, part) for part in PARTS
    )
    assert answered("check")["right"]


def test_a_check_changes_nothing_and_says_what_is_missing(target: Target) -> None:
    for _ in range(2):
        found = answered("check", status=1)
        assert (found["ledger_version"], found["read_models"], found["right"]) == (0, False, False)
        assert len(found["roles_missing"]) == len(PARTS)
    assert "no tables" in said(run("check"))
    upgrade(target)
    assert run("check").exit_code == 0


def test_a_ledger_of_a_newer_build_is_left_alone(target: Target) -> None:
    upgrade(target)
    with connect(target.ledger_url, target.ledger_schema) as connection:
        connection.execute("UPDATE ledger SET schema_version = 99")
        connection.execute("DROP FUNCTION attempt")
    result = run("upgrade")
    assert result.exit_code == 2
    assert "99" in said(result)
    assert "use the newer build" in said(result)
    with connect(target.ledger_url, target.ledger_schema) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_proc WHERE oid = to_regproc('attempt')"
        ).fetchone()
    assert found == (0,), "the older build would have made its own"
    assert answered("check", status=1)["ledger_version"] == 99


def test_without_a_database_it_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUMUN_DATABASE_URL", raising=False)
    result = run("upgrade")
    assert result.exit_code == 2
    assert "JUMUN_DATABASE_URL" in said(result)


@pytest.mark.parametrize("password", ["Dr@gon7", "Dr/gon7", "Dr%gon7", "Dr gon7", "Dr?gon7@", "Drgon7"])
def test_no_error_shows_a_password(target: Target, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = conninfo_to_dict(target.ledger_url)
    monkeypatch.setenv(
        "JUMUN_DATABASE_URL", f"postgresql://jumun:{password}@{server['host']}:{server['port']}/postgres"
    )
    for command in ("upgrade", "check"):
        result = run(command)
        assert result.exit_code in {2, 4}
        assert "gon7" not in result.output + repr(result.exception)
        assert "kept:" in result.output


def test_a_server_that_is_away_is_told_as_such(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    del target
    monkeypatch.setenv("JUMUN_DATABASE_URL", "postgresql://jumun:x@127.0.0.1:1/postgres")
    result = run("check")
    assert result.exit_code == 4
    assert "next:" in result.output
