"""`jumun doctor` finds what is broken, says what to do, and never hangs or shows a secret."""

import gc
import json
import socket
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from typer import Typer
from typer.testing import CliRunner

from benchmarks.production import Production, production
from consumers.engine import Engine
from infra import doctor
from infra.cli.doctor import doctor as command
from infra.clock import SYSTEM
from infra.doctor import Finding, belonging, broker, database, embedded, machine
from infra.doctor.finding import Check, run_checks
from infra.event_store.postgres.roles import PARTS, role
from infra.event_store.reading.waiting import WaitingCount
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.kafka.client import connect
from infra.kafka.ports import Outgoing
from infra.settings import LEDGER, Settings
from infra.wire.ticks import tick
from infra.wiring.embedded import writing
from tests.clocks import SetClock
from tests.infra.kafka.trying import KAFKA
from tests.messages import paid, receipt

ADMIN: Any = import_module("kafka.admin")
PASSWORD = "not-to-be-seen"


@pytest.fixture(scope="module")
def made(postgres_url: str, kafka: str) -> Iterator[Production]:
    """What tests break of it they put right again."""
    with production(postgres_url, kafka, partitions=2) as running:
        yield running
        url = running.said["database_url"]
        with psycopg.connect(url, autocommit=True) as connection:
            for part in PARTS:
                name = sql.Identifier(role(running.said["ledger_schema"], part))
                connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
                connection.execute(sql.SQL("DROP ROLE {}").format(name))


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {one.what: one for one in found}


def broken(found: list[Finding]) -> dict[str, str]:
    return {one.what: one.how for one in found if one.state == "wrong"}


def run(made: Production, monkeypatch: pytest.MonkeyPatch, **other: str) -> tuple[int, list[dict[str, Any]]]:
    for name, value in {**made.said, **other}.items():
        monkeypatch.setenv(f"JUMUN_{name.upper()}", value)
    app = Typer()
    app.command()(command)
    result = CliRunner().invoke(app, ["--json"])
    return result.exit_code, json.loads(result.stdout)


def test_all_is_well_where_all_is_well(made: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    status, found = run(made, monkeypatch)
    assert status == 0, found
    assert not [one for one in found if one["state"] == "wrong"]
    named = {one["what"] for one in found}
    for what in (
        "build", "libraries", "disk", "Kafka", "topics", "rights", "last tick",
        "lag, engine", "lag, projector", "lag, relay",
        "PostgreSQL", "fsync", "synchronous_commit", "ledger tables", "read models", "roles", "login",
        "clocks",
        "parked messages", "failed messages", "failed deadlines",
    ):  # fmt: skip
        assert what in named
    password = conninfo_to_dict(made.said["database_url"])["password"]
    assert str(password) not in json.dumps(found)


def test_a_topic_with_another_setting_or_none_at_all_is_found(
    kafka: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with production(postgres_url, kafka, partitions=1) as made:
        inbound, ledger = made.settings.topic("inbound"), made.settings.topic("ledger")
        with closing(KAFKA.KafkaAdminClient(bootstrap_servers=kafka)) as admin:
            topic = ADMIN.ConfigResourceType.TOPIC
            admin.alter_configs([ADMIN.ConfigResource(topic, inbound, {"retention.ms": "1000"})])
        with made.cluster() as cluster:
            cluster.delete(ledger)
        status, found = run(made, monkeypatch)
    assert status == 1
    wrong = {one["what"]: one for one in found if one["state"] == "wrong"}
    assert set(wrong) == {inbound, ledger}
    assert "retention.ms is 1000" in wrong[inbound]["how"]
    assert "missing" in wrong[ledger]["how"]
    assert "jumun topics create" in wrong[ledger]["todo"]


@pytest.mark.parametrize(
    ("part", "state"), [("engine", "ok"), ("relay", "warning"), ("projector", "warning"), ("", "wrong")]
)
def test_a_login_is_told_what_it_lacks_to_append(made: Production, part: str, state: str) -> None:
    schema = made.said["ledger_schema"]
    name = f"{schema}_{part or 'nobody'}_login"
    owner = conninfo_to_dict(made.said["database_url"])
    with psycopg.connect(made.said["database_url"], autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'".encode())
        if part:
            connection.execute(f"GRANT {role(schema, part)} TO {name}".encode())
        url = f"postgresql://{name}:{PASSWORD}@{owner['host']}:{owner['port']}/{owner['dbname']}"
        settings = Settings(**{**made.said, "database_url": url})  # type: ignore[arg-type]
        (found,) = list(database.login(settings)) or [Finding("login", "sees no ledger", "wrong")]
        connection.execute(f"DROP ROLE {name}".encode())
    assert found.state == state
    assert PASSWORD not in str(found)
    if state != "ok":
        assert part == "" or f"GRANT {schema}_engine TO {name}" in found.todo


def test_tables_that_were_never_made_are_found(made: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    status, found = run(made, monkeypatch, ledger_schema=f"x{uuid.uuid4().hex[:8]}")
    assert status == 1
    wrong = {one["what"]: one["todo"] for one in found if one["state"] == "wrong"}
    assert {"ledger tables", "roles"} <= set(wrong)
    assert "jumun db upgrade" in wrong["ledger tables"]


def test_a_broker_that_is_stopped_is_told_of_once(made: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    status, found = run(made, monkeypatch, kafka="127.0.0.1:9")
    assert status == 1
    assert [one["what"] for one in found if one["state"] == "wrong"] == ["Kafka"]
    assert time.monotonic() - began < 25


def test_a_broker_that_hangs_is_a_finding(made: Production) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections, and says nothing
        said = {**made.said, "kafka": f"127.0.0.1:{mute.getsockname()[1]}"}
        began = time.monotonic()
        found = doctor.diagnose(Settings(**said), limit_s=3.0)  # type: ignore[arg-type]
    assert time.monotonic() - began < 10
    assert "no answer within 3 s" in broken(found)["Kafka"]
    for thread in threading.enumerate():  # nobody waits for it but this test, which leaves nothing behind
        if thread.name == "Kafka":
            thread.join(30)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """The library leaves sockets that did not get through to the collector."""
    yield
    gc.collect()


def test_a_database_that_is_not_there_is_found_without_its_password(made: Production) -> None:
    url = f"postgresql://somebody:{PASSWORD}@127.0.0.1:9/postgres"
    found = doctor.diagnose(Settings(**{**made.said, "database_url": url, "kafka": ""}))  # type: ignore[arg-type]
    assert set(broken(found)) == {"PostgreSQL"}
    assert PASSWORD not in str(found)


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on() -> None:
    def breaks() -> list[Finding]:
        raise KeyError(PASSWORD)

    checks: dict[str, Check] = {"one": breaks, "two": lambda: [Finding("two", "well")]}
    one, two = run_checks(checks)
    assert (one.what, one.state, two.state) == ("one", "wrong", "ok")
    assert PASSWORD not in str(one)


def test_clocks_that_differ_are_found() -> None:
    states = [
        database.difference(timedelta(seconds=apart)).state for apart in (0.2, -0.9, 5, -5, 40, -86_400)
    ]
    assert states == ["ok", "ok", "warning", "warning", "wrong", "wrong"]


def test_the_last_time_told_is_compared_with_this_clock(made: Production) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    with closing(connect(made.settings).publisher()) as publisher:
        publisher.send(Outgoing(made.settings.topic("inbound"), 0, b"", tick(now)))
        publisher.flush()
    ages = {"ok": 2, "warning": 600, "wrong": 2 * 86_400}
    for state, age in ages.items():
        (found,) = broker.check_ticks(made.settings, SetClock(now + timedelta(seconds=age)))
        assert found.state == state
    (back,) = broker.check_ticks(made.settings, SetClock(now - timedelta(hours=1)))
    assert (back.state, "clock" in back.todo) == ("wrong", True)


def test_the_functions_that_lose_events_are_refused() -> None:
    for value, state in (("", "ok"), ("no", "ok"), ("y", "wrong"), ("true", "wrong"), ("nonsense", "wrong")):
        (found,) = machine.forbidden({machine.FUNCTIONS: value})
        assert found.state == state


def test_whoever_waits_is_told_of_with_its_age() -> None:
    now = datetime(2026, 3, 12, tzinfo=UTC)
    since = now - timedelta(days=2)
    waiting = [WaitingCount("parked", 3, since), WaitingCount("failed", 1, since)]
    found = by_name(list(database.waiting_findings(waiting, 2, now)))
    assert found["parked messages"][1:3] == ("3, the oldest for 2 d 0 h", "warning")
    assert found["failed messages"].state == found["failed deadlines"].state == "wrong"
    none = by_name(list(database.waiting_findings([], 0, now)))
    assert {one.state for one in none.values()} == {"ok"}


def test_a_relay_that_tells_of_more_than_the_ledger_has_is_found(made: Production) -> None:
    sealed = b'{"a":1,"position":7,"previous":0,"recordedat":"2026-03-12T00:00:00+00:00","ledgerid":"other"}'
    with closing(connect(made.settings).publisher()) as publisher:
        publisher.send(Outgoing(made.settings.topic("ledger"), 0, b"", sealed))
        publisher.flush()
    (found,) = belonging.relay_lag(made.settings, SYSTEM)
    assert (found.state, "Restore" in found.todo) == ("wrong", True)


def test_read_models_of_a_former_ledger_are_found(made: Production) -> None:
    with made.read_models() as models:
        models.rebuild({}, ledger_id="a former one")
    (found,) = belonging.read_models_ledger(made.settings)
    assert (found.state, found.todo) == ("wrong", "run `jumun rebuild`")
    with made.ledger() as ledger, made.read_models() as models:
        models.rebuild({}, ledger_id=ledger.ledger_id)
    (found,) = belonging.read_models_ledger(made.settings)
    assert found.state == "ok"


def test_embedded_it_looks_at_the_files(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert by_name(list(embedded.files(tmp_path, SYSTEM)))["ledger"].state == "ok"
    with writing(settings) as running:
        running.ingest([receipt(1), paid("early")])
        assert "holds writer.lock" in by_name(list(embedded.locks(tmp_path)))["writer"].how
    found = by_name(list(embedded.files(tmp_path, SYSTEM)))
    assert found["parked messages"].how.startswith("1, ")
    assert found["read models"].state == "ok"
    assert by_name(list(embedded.locks(tmp_path)))["writer"].how == "not running"
    (tmp_path / LEDGER).unlink()
    with another(tmp_path) as engine:
        engine.handle([paid("early")])
    assert "of another ledger" in by_name(list(embedded.files(tmp_path, SYSTEM)))["read models"].how
    (tmp_path / LEDGER).write_bytes(b"no database at all")
    assert by_name(list(embedded.files(tmp_path, SYSTEM)))["ledger"].state == "wrong"


@contextmanager
def another(home: Path) -> Generator[Engine]:
    """The engine of a new ledger in the place of the one that was there."""
    for left in (f"{LEDGER}-wal", f"{LEDGER}-shm"):
        (home / left).unlink(missing_ok=True)
    with closing(SqliteLedger(str(home / LEDGER))) as ledger:
        yield Engine(ledger)
