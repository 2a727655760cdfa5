"""`jumun db`, as used by operators and programs, with a real server."""

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
    """Schemas that the environment names and that do not exist yet."""
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
            group = sql.Identifier(role(schema, part))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(group))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answered(*words: str, status: int = 0) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == status, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows[0]


def output_of(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"jumun db {command}" in result.output


def test_an_upgrade_reports_its_changes_and_the_second_one_has_none(target: Target) -> None:
    first, second = answered("upgrade"), answered("upgrade")
    roles = [role(target.ledger_schema, part) for part in PARTS]
    assert (first["ledger_before"], first["ledger_version"]) == (0, SCHEMA_VERSION)
    assert (first["read_models_made"], first["roles_made"], first["owed"]) == (True, roles, [])
    assert (second["ledger_before"], second["ledger_version"]) == (SCHEMA_VERSION, SCHEMA_VERSION)
    assert (second["read_models_made"], second["roles_made"], second["owed"]) == (False, [], [])
    assert "roles: unchanged" in output_of(run("upgrade"))


def test_concurrent_upgrades_change_everything_once(target: Target) -> None:
    with ThreadPoolExecutor(4) as pool:
        done: list[UpgradeResult] = list(pool.map(upgrade, [target] * 4))
    assert sum(one.read_models_made for one in done) == 1
    assert sorted(name for one in done for name in one.roles_made) == sorted(
        role(target.ledger_schema, part) for part in PARTS
    )
    assert answered("check")["right"]


def test_a_check_changes_nothing_and_lists_what_is_missing(target: Target) -> None:
    for _ in range(2):
        row = answered("check", status=1)
        assert (row["ledger_version"], row["read_models"], row["right"]) == (0, False, False)
        assert len(row["roles_missing"]) == len(PARTS)
    assert "no tables" in output_of(run("check"))
    upgrade(target)
    assert run("check").exit_code == 0


def test_a_ledger_of_a_newer_build_is_not_changed(target: Target) -> None:
    upgrade(target)
    with connect(target.ledger_url, target.ledger_schema) as connection:
        connection.execute("UPDATE ledger SET schema_version = 99")
        connection.execute("DROP FUNCTION attempt")
    result = run("upgrade")
    assert result.exit_code == 2
    assert "99" in output_of(result)
    assert "use the newer build" in output_of(result)
    with connect(target.ledger_url, target.ledger_schema) as connection:
        functions = connection.execute(
            "SELECT count(*) FROM pg_proc WHERE oid = to_regproc('attempt')"
        ).fetchone()
    assert functions == (0,), "the older build must not create its own function"
    assert answered("check", status=1)["ledger_version"] == 99


def test_the_error_without_a_database_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUMUN_DATABASE_URL", raising=False)
    result = run("upgrade")
    assert result.exit_code == 2
    assert "JUMUN_DATABASE_URL" in output_of(result)


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


def test_an_unreachable_server_is_reported(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    del target
    monkeypatch.setenv("JUMUN_DATABASE_URL", "postgresql://jumun:x@127.0.0.1:1/postgres")
    result = run("check")
    assert result.exit_code == 4
    assert "next:" in result.output
