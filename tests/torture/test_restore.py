"""A backup is restored while the topics are ahead of it.  The steps of docs/operations.md repair this."""

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
from tests.torture.test_kills import check_system

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
    """A separate PostgreSQL that archives its log, because a restore stops the server."""
    server("remove")
    yield server("up", "--archive")
    server("remove")


@pytest.fixture
def system(archived: str, kafka: str, postgres_url: str) -> Iterator[Production]:
    del postgres_url  # requested so that the test counts as one of a real server
    with production(archived, kafka) as running:
        yield running


def start_all(system: Production) -> None:
    for name in ROLES:
        system.start(name)


def stop_all(system: Production) -> None:
    for name in list(system.workers):
        system.end(name)


def run_commands(system: Production, commands: str) -> None:
    """Runs the commands of docs/operations.md with the settings of this system."""
    variables = {f"JUMUN_{key.upper()}": value for key, value in system.setting_texts.items()}
    for line in commands.strip().splitlines():
        name, *words = shlex.split(line)
        assert name == "jumun"
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli.main", *words],
            env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def ledger_id(system: Production) -> str:
    with system.ledger() as ledger:
        return ledger.ledger_id


def all_sent(system: Production) -> SentRecords:
    """The records by ledger id and position.  Each position occurs once."""
    records = system.records("ledger")
    positions = [(ledger_position(record.value), record.value) for record in records]
    sent = {(where.ledger_id, where.position): value for where, value in positions}
    assert len(sent) == len(records)
    return sent


def refuses(system: Production, role: str, *words: str) -> None:
    """The worker ends with the exit code for "an operator must act", and its log has these words."""
    assert system.start(role, f"{role}-refused").wait(60) == CANNOT
    log = " ".join((system.logs / f"{role}-refused.log").read_text("utf-8").split())
    assert all(word in log for word in words), log
    del system.workers[f"{role}-refused"]


def events(of: SentRecords) -> dict[str, bytes]:
    """The stored bytes of the events, by id."""
    return {orjson.loads(value)["id"]: stored_bytes(value) for value in of.values()}


def repair(system: Production, sent: int, former: str, before: SentRecords) -> None:
    """Follows docs/operations.md after the database was restored, and checks the result."""
    refuses(system, "relay", "Restore")
    first, renamed, *rest = steps("restore").strip().splitlines()
    run_commands(system, f"{first}\n{renamed}")
    assert ledger_id(system) != former
    refuses(system, "projector", "jumun rebuild")
    run_commands(system, "\n".join(rest))
    start_all(system)
    check_system(system, sent)
    after = all_sent(system)
    assert {ledger for ledger, _ in before} == {former}
    # A reader that kept a position of the former ledger sees that the ledger id has changed.
    assert {ledger for ledger, _ in after} == {ledger_id(system)}
    # Lost decisions were made again, with the same result.
    assert events(before).items() <= events(after).items()


def test_a_moment_before_the_relays_mark_is_restored(system: Production) -> None:
    server("backup")
    source = iter(lines(orders=80, seed=5))
    start_all(system)
    sent = system.publish(islice(source, 250))
    check_system(system, sent)
    sent += system.publish(islice(source, 600))
    system.wait_decided(sent - 300)  # the workers are busy at this moment
    with psycopg.connect(system.setting_texts["database_url"]) as connection:
        (moment,) = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
    sent += system.publish(source)  # published after this moment
    check_system(system, sent)
    former, before = ledger_id(system), all_sent(system)
    stop_all(system)
    server("restore", "--to-lsn", moment)
    assert 0 < sum(system.decided().values()) < sent
    repair(system, sent, former, before)


def test_a_dump_is_restored_into_an_empty_database(system: Production, archived: str, tmp_path: Path) -> None:
    source = iter(lines(orders=60, seed=6))
    start_all(system)
    sent = system.publish(islice(source, 200))
    system.wait_decided(sent // 2)
    dump = tmp_path / "jumun.dump"  # while the workers run
    run("pg_dump", "--format=custom", f"--file={dump}", archived)
    sent += system.publish(source)
    check_system(system, sent)
    former, before = ledger_id(system), all_sent(system)
    stop_all(system)
    with psycopg.connect(archived, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    login = conninfo_to_dict(archived)
    url = f"postgresql://{login['user']}:{login['password']}@{login['host']}:{login['port']}/restored"
    run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={url}", str(dump))
    system.setting_texts["database_url"] = url
    system.settings = Settings(**system.setting_texts)  # type: ignore[arg-type]  # texts, as in the environment
    assert 0 < sum(system.decided().values()) < sent
    repair(system, sent, former, before)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
