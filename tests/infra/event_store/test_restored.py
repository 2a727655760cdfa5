"""`jumun db restored`: it gives the ledger a new id, keeps the secret, and refuses while workers run."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner, Result

from consumers.engine import Engine
from infra.audit.verify import Verdict, chain_damage
from infra.cli.db import app
from infra.database_upgrade import upgrade
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.postgres.roles import PARTS, role
from infra.event_store.postgres.url import Target
from tests.messages import life_cycle, receipt


@pytest.fixture
def target(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """A separate database, so that it has no sessions of other tests."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    login = conninfo_to_dict(postgres_url)
    url = f"postgresql://{login['user']}:{login['password']}@{login['host']}:{login['port']}/{name}"
    created = Target(url, name, url, f"{name}_read")
    monkeypatch.setenv("JUMUN_DATABASE_URL", url)
    monkeypatch.setenv("JUMUN_LEDGER_SCHEMA", created.ledger_schema)
    monkeypatch.setenv("JUMUN_READ_MODELS_SCHEMA", created.read_models_schema)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield created
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for part in PARTS:
            group = sql.Identifier(role(name, part))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(group))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["restored", *words])


def output_of(result: Result) -> str:
    return " ".join(result.output.split())


def opened(target: Target) -> PostgresLedger:
    return PostgresLedger(target.ledger_url, schema=target.ledger_schema)


def test_the_ledger_goes_on_under_another_id_with_its_secret(target: Target) -> None:
    upgrade(target)
    with closing(opened(target)) as ledger:
        Engine(ledger).handle([receipt(1), *life_cycle("1")])
        former, secret = ledger.ledger_id, ledger.secret
        last = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    result = run("--json")
    assert result.exit_code == 0, result.output
    (done,) = json.loads(result.stdout)
    assert (done["former_id"], done["position"], done["outcome"]) == (former, last, 6)
    with closing(opened(target)) as ledger:
        assert ledger.ledger_id == done["ledger_id"] != former
        assert ledger.secret == secret
        Engine(ledger).handle([receipt(2)])
        assert list(chain_damage(ledger, Verdict())) == []


def test_every_restore_is_recorded(target: Target) -> None:
    upgrade(target)
    assert run().exit_code == run().exit_code == 0
    upgrade(target)
    with closing(opened(target)) as ledger:
        rows = ledger.rows("SELECT former_id, ledger_id FROM restores ORDER BY restored_at")
        assert rows[0][1] == rows[1][0]
        assert rows[1][1] == ledger.ledger_id


def test_it_prints_the_next_steps(target: Target) -> None:
    upgrade(target)
    output = output_of(run())
    assert "jumun topics recreate" in output
    assert "jumun rebuild" in output


def test_it_is_refused_while_a_session_is_open_unless_forced(target: Target) -> None:
    upgrade(target)
    with closing(opened(target)) as ledger:
        former = ledger.ledger_id
        refused = run()
        assert refused.exit_code == 3
        assert "nothing was changed" in output_of(refused)
        assert ledger.rows("SELECT ledger_id FROM ledger") == [(former,)]
        assert run("--force").exit_code == 0
        assert ledger.rows("SELECT ledger_id FROM ledger") != [(former,)]


@pytest.mark.usefixtures("target")
def test_without_a_ledger_it_fails() -> None:
    result = run()
    assert result.exit_code == 2
    assert "jumun db upgrade" in output_of(result)
