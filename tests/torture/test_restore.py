"""A backup is put back while the topics are ahead of it: the operations page leads out of it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from benchmarks.production import ROOT, Production, production
from infra.settings import Settings
from infra.wire.kafka_records import ledger_position, stored_bytes
from tests.conftest import postgres
from tests.test_operations import steps
from tests.torture.load import lines
from tests.torture.test_kills import proved

NAME = "restore"
CANNOT = 5
ROLES = ("engine", "relay", "projector")
SentRecords = dict[tuple[str, int], bytes]


def server(*command: str) -> str:
    done = postgres(*command, "--name", NAME)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def archived() -> Iterator[str]:
    """A PostgreSQL of its own, which archives its log: to restore it is to stop it."""
    server("remove")
    yield server("up", "--archive")
    server("remove")


@pytest.fixture
def system(archived: str, kafka: str, postgres_url: str) -> Iterator[Production]:
    del postgres_url  # counted as a test of a real server
    with production(archived, kafka) as running:
        yield running


def start_all(system: Production) -> None:
    for name in ROLES:
        system.start(name)


def stop_all(system: Production) -> None:
    for name in list(system.workers):
        system.end(name)


def followed(system: Production, commands: str) -> None:
    """The page's commands, with this production's settings."""
    said = {f"JUMUN_{key.upper()}": value for key, value in system.setting_texts.items()}
    for line in commands.strip().splitlines():
        name, *words = shlex.split(line)
        assert name == "jumun"
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli.main", *words],
            env={**os.environ, **said, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def ledger_id(system: Production) -> str:
    with system.ledger() as ledger:
        return ledger.ledger_id


def all_sent(system: Production) -> SentRecords:
    """By ledger and position; each stands there once."""
    records = system.records("ledger")
    places = [(ledger_position(record.value), record.value) for record in records]
    found = {(where.ledger_id, where.position): value for where, value in places}
    assert len(found) == len(records)
    return found


def refuses(system: Production, role: str, *words: str) -> None:
    """It ends with the exit code of who needs a person, and says what he must know."""
    assert system.start(role, f"{role}-refused").wait(60) == CANNOT
    said = " ".join((system.logs / f"{role}-refused.log").read_text("utf-8").split())
    assert all(word in said for word in words), said
    del system.workers[f"{role}-refused"]


def events(of: SentRecords) -> dict[str, bytes]:
    """By id, as they were stored."""
    return {orjson.loads(value)["id"]: stored_bytes(value) for value in of.values()}


def led_out(system: Production, sent: int, former: str, before: SentRecords) -> None:
    """The database was put back; from here on the page is followed."""
    refuses(system, "relay", "Restore")
    first, renamed, *rest = steps("restore").strip().splitlines()
    followed(system, f"{first}\n{renamed}")
    assert ledger_id(system) != former
    refuses(system, "projector", "jumun rebuild")
    followed(system, "\n".join(rest))
    start_all(system)
    proved(system, sent)
    after = all_sent(system)
    assert {ledger for ledger, _ in before} == {former}
    assert {ledger for ledger, _ in after} == {
        ledger_id(system)
    }  # who kept a place of the former one sees it
    assert events(before).items() <= events(after).items()  # what was lost was decided again, and alike


def test_a_moment_before_the_relays_mark_is_restored(system: Production) -> None:
    server("backup")
    source = iter(lines(orders=80, seed=5))
    start_all(system)
    sent = system.publish(islice(source, 250))
    proved(system, sent)
    sent += system.publish(islice(source, 600))
    system.wait_decided(sent - 300)  # the moment is in the midst of its work
    with psycopg.connect(system.setting_texts["database_url"]) as connection:
        (moment,) = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
    sent += system.publish(source)  # and this after it
    proved(system, sent)
    former, before = ledger_id(system), all_sent(system)
    stop_all(system)
    server("restore", "--to-lsn", moment)
    assert 0 < sum(system.decided().values()) < sent
    led_out(system, sent, former, before)


def test_a_dump_is_restored_into_an_empty_database(system: Production, archived: str, tmp_path: Path) -> None:
    source = iter(lines(orders=60, seed=6))
    start_all(system)
    sent = system.publish(islice(source, 200))
    system.wait_decided(sent // 2)
    dump = tmp_path / "jumun.dump"  # while they work
    run("pg_dump", "--format=custom", f"--file={dump}", archived)
    sent += system.publish(source)
    proved(system, sent)
    former, before = ledger_id(system), all_sent(system)
    stop_all(system)
    with psycopg.connect(archived, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    said = conninfo_to_dict(archived)
    again = f"postgresql://{said['user']}:{said['password']}@{said['host']}:{said['port']}/restored"
    run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={again}", str(dump))
    system.setting_texts["database_url"] = again
    system.settings = Settings(**system.setting_texts)  # type: ignore[arg-type]  # texts, as in the environment
    assert 0 < sum(system.decided().values()) < sent
    led_out(system, sent, former, before)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
