"""`jumun doctor` finds what is broken, gives advice, and never hangs or shows a secret."""

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
def system(postgres_url: str, kafka: str) -> Iterator[Production]:
    """One system for all tests.  A test that breaks something repairs it."""
    with production(postgres_url, kafka, partitions=2) as running:
        yield running
        url = running.setting_texts["database_url"]
        with psycopg.connect(url, autocommit=True) as connection:
            for part in PARTS:
                name = sql.Identifier(role(running.setting_texts["ledger_schema"], part))
                connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
                connection.execute(sql.SQL("DROP ROLE {}").format(name))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {one.what: one for one in findings}


def broken(findings: list[Finding]) -> dict[str, str]:
    return {one.what: one.how for one in findings if one.state == "wrong"}


def run(
    system: Production, monkeypatch: pytest.MonkeyPatch, **other: str
) -> tuple[int, list[dict[str, Any]]]:
    for name, value in {**system.setting_texts, **other}.items():
        monkeypatch.setenv(f"JUMUN_{name.upper()}", value)
    app = Typer()
    app.command()(command)
    result = CliRunner().invoke(app, ["--json"])
    return result.exit_code, json.loads(result.stdout)


def test_a_healthy_system_has_no_wrong_finding(system: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    status, rows = run(system, monkeypatch)
    assert status == 0, rows
    assert not [one for one in rows if one["state"] == "wrong"]
    named = {one["what"] for one in rows}
    for what in (
        "build", "libraries", "disk", "Kafka", "topics", "rights", "last tick",
        "lag, engine", "lag, projector", "lag, relay",
        "PostgreSQL", "fsync", "synchronous_commit", "ledger tables", "read models", "roles", "login",
        "clocks",
        "parked messages", "failed messages", "failed deadlines",
    ):  # fmt: skip
        assert what in named
    password = conninfo_to_dict(system.setting_texts["database_url"])["password"]
    assert str(password) not in json.dumps(rows)


def test_a_topic_with_a_wrong_setting_and_a_missing_topic_are_found(
    kafka: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with production(postgres_url, kafka, partitions=1) as system:
        inbound, ledger = system.settings.topic("inbound"), system.settings.topic("ledger")
        with closing(KAFKA.KafkaAdminClient(bootstrap_servers=kafka)) as admin:
            topic = ADMIN.ConfigResourceType.TOPIC
            admin.alter_configs([ADMIN.ConfigResource(topic, inbound, {"retention.ms": "1000"})])
        with system.cluster() as cluster:
            cluster.delete(ledger)
        status, rows = run(system, monkeypatch)
    assert status == 1
    wrong = {one["what"]: one for one in rows if one["state"] == "wrong"}
    assert set(wrong) == {inbound, ledger}
    assert "retention.ms is 1000" in wrong[inbound]["how"]
    assert "missing" in wrong[ledger]["how"]
    assert "jumun topics create" in wrong[ledger]["todo"]


@pytest.mark.parametrize(
    ("part", "state"), [("engine", "ok"), ("relay", "warning"), ("projector", "warning"), ("", "wrong")]
)
def test_a_login_without_the_right_to_append_gets_the_missing_grant(
    system: Production, part: str, state: str
) -> None:
    schema = system.setting_texts["ledger_schema"]
    name = f"{schema}_{part or 'nobody'}_login"
    owner = conninfo_to_dict(system.setting_texts["database_url"])
    with psycopg.connect(system.setting_texts["database_url"], autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'".encode())
        if part:
            connection.execute(f"GRANT {role(schema, part)} TO {name}".encode())
        url = f"postgresql://{name}:{PASSWORD}@{owner['host']}:{owner['port']}/{owner['dbname']}"
        settings = Settings(**{**system.setting_texts, "database_url": url})  # type: ignore[arg-type]
        (finding,) = list(database.login(settings)) or [Finding("login", "sees no ledger", "wrong")]
        connection.execute(f"DROP ROLE {name}".encode())
    assert finding.state == state
    assert PASSWORD not in str(finding)
    if state != "ok":
        assert part == "" or f"GRANT {schema}_engine TO {name}" in finding.todo


def test_missing_tables_are_found(system: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    status, rows = run(system, monkeypatch, ledger_schema=f"x{uuid.uuid4().hex[:8]}")
    assert status == 1
    wrong = {one["what"]: one["todo"] for one in rows if one["state"] == "wrong"}
    assert {"ledger tables", "roles"} <= set(wrong)
    assert "jumun db upgrade" in wrong["ledger tables"]


def test_a_stopped_broker_is_reported_once(system: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    status, rows = run(system, monkeypatch, kafka="127.0.0.1:9")
    assert status == 1
    assert [one["what"] for one in rows if one["state"] == "wrong"] == ["Kafka"]
    assert time.monotonic() - began < 25


def test_a_broker_that_hangs_is_a_finding(system: Production) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts connections and never replies
        texts = {**system.setting_texts, "kafka": f"127.0.0.1:{mute.getsockname()[1]}"}
        began = time.monotonic()
        findings = doctor.diagnose(Settings(**texts), limit_s=3.0)  # type: ignore[arg-type]
    assert time.monotonic() - began < 10
    assert "no answer within 3 s" in broken(findings)["Kafka"]
    for thread in threading.enumerate():  # only this test waits for the thread, so that none is left
        if thread.name == "Kafka":
            thread.join(30)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collects sockets of failed connections, which kafka-python leaves to the garbage collector."""
    yield
    gc.collect()


def test_an_unreachable_database_is_found_without_its_password(system: Production) -> None:
    url = f"postgresql://somebody:{PASSWORD}@127.0.0.1:9/postgres"
    findings = doctor.diagnose(Settings(**{**system.setting_texts, "database_url": url, "kafka": ""}))  # type: ignore[arg-type]
    assert set(broken(findings)) == {"PostgreSQL"}
    assert PASSWORD not in str(findings)


def test_a_failing_check_is_a_finding_and_the_others_continue() -> None:
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


def test_the_last_tick_is_compared_with_this_clock(system: Production) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    with closing(connect(system.settings).publisher()) as publisher:
        publisher.send(Outgoing(system.settings.topic("inbound"), 0, b"", tick(now)))
        publisher.flush()
    ages = {"ok": 2, "warning": 600, "wrong": 2 * 86_400}
    for state, age in ages.items():
        (finding,) = broker.check_ticks(system.settings, SetClock(now + timedelta(seconds=age)))
        assert finding.state == state
    (back,) = broker.check_ticks(system.settings, SetClock(now - timedelta(hours=1)))
    assert (back.state, "clock" in back.todo) == ("wrong", True)


def test_database_functions_that_lose_events_are_refused() -> None:
    for value, state in (("", "ok"), ("no", "ok"), ("y", "wrong"), ("true", "wrong"), ("nonsense", "wrong")):
        (finding,) = machine.forbidden({machine.FUNCTIONS: value})
        assert finding.state == state


def test_waiting_messages_are_reported_with_their_age() -> None:
    now = datetime(2026, 3, 12, tzinfo=UTC)
    since = now - timedelta(days=2)
    waiting = [WaitingCount("parked", 3, since), WaitingCount("failed", 1, since)]
    findings = by_name(list(database.waiting_findings(waiting, 2, now)))
    assert findings["parked messages"][1:3] == ("3, the oldest for 2 d 0 h", "warning")
    assert findings["failed messages"].state == findings["failed deadlines"].state == "wrong"
    none = by_name(list(database.waiting_findings([], 0, now)))
    assert {one.state for one in none.values()} == {"ok"}


def test_a_topic_with_more_than_the_ledger_has_is_found(system: Production) -> None:
    sealed = b'{"a":1,"position":7,"previous":0,"recordedat":"2026-03-12T00:00:00+00:00","ledgerid":"other"}'
    with closing(connect(system.settings).publisher()) as publisher:
        publisher.send(Outgoing(system.settings.topic("ledger"), 0, b"", sealed))
        publisher.flush()
    (finding,) = belonging.relay_lag(system.settings, SYSTEM)
    assert (finding.state, "Restore" in finding.todo) == ("wrong", True)


def test_read_models_of_a_former_ledger_are_found(system: Production) -> None:
    with system.read_models() as models:
        models.rebuild({}, ledger_id="a former one")
    (finding,) = belonging.read_models_ledger(system.settings)
    assert (finding.state, finding.todo) == ("wrong", "run `jumun rebuild`")
    with system.ledger() as ledger, system.read_models() as models:
        models.rebuild({}, ledger_id=ledger.ledger_id)
    (finding,) = belonging.read_models_ledger(system.settings)
    assert finding.state == "ok"


def test_an_embedded_system_is_checked_by_its_files(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert by_name(list(embedded.files(tmp_path, SYSTEM)))["ledger"].state == "ok"
    with writing(settings) as running:
        running.ingest([receipt(1), paid("early")])
        assert "holds writer.lock" in by_name(list(embedded.locks(tmp_path)))["writer"].how
    findings = by_name(list(embedded.files(tmp_path, SYSTEM)))
    assert findings["parked messages"].how.startswith("1, ")
    assert findings["read models"].state == "ok"
    assert by_name(list(embedded.locks(tmp_path)))["writer"].how == "not running"
    (tmp_path / LEDGER).unlink()
    with another(tmp_path) as engine:
        engine.handle([paid("early")])
    assert "of another ledger" in by_name(list(embedded.files(tmp_path, SYSTEM)))["read models"].how
    (tmp_path / LEDGER).write_bytes(b"no database at all")
    assert by_name(list(embedded.files(tmp_path, SYSTEM)))["ledger"].state == "wrong"


@contextmanager
def another(home: Path) -> Generator[Engine]:
    """The engine of a new ledger that replaces the former one."""
    for left in (f"{LEDGER}-wal", f"{LEDGER}-shm"):
        (home / left).unlink(missing_ok=True)
    with closing(SqliteLedger(str(home / LEDGER))) as ledger:
        yield Engine(ledger)
