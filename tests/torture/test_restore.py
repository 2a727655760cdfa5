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
def made(archived: str, kafka: str, postgres_url: str) -> Iterator[Production]:
    del postgres_url  # counted as a test of a real server
    with production(archived, kafka) as running:
        yield running


def start_all(made: Production) -> None:
    for name in ROLES:
        made.start(name)


def stop_all(made: Production) -> None:
    for name in list(made.workers):
        made.end(name)


def followed(made: Production, commands: str) -> None:
    """The page's commands, with this production's settings."""
    said = {f"JUMUN_{key.upper()}": value for key, value in made.said.items()}
    for line in commands.strip().splitlines():
        name, *words = shlex.split(line)
        assert name == "jumun"
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli.main", *words],
            env={**os.environ, **said, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def ledger_id(made: Production) -> str:
    with made.ledger() as ledger:
        return ledger.ledger_id


def all_sent(made: Production) -> SentRecords:
    """By ledger and position; each stands there once."""
    records = made.told("ledger")
    places = [(ledger_position(record.value), record.value) for record in records]
    found = {(where.ledger_id, where.position): value for where, value in places}
    assert len(found) == len(records)
    return found


def refuses(made: Production, role: str, *words: str) -> None:
    """It ends with the exit code of who needs a person, and says what he must know."""
    assert made.start(role, f"{role}-refused").wait(60) == CANNOT
    said = " ".join((made.logs / f"{role}-refused.log").read_text("utf-8").split())
    assert all(word in said for word in words), said
    del made.workers[f"{role}-refused"]


def events(of: SentRecords) -> dict[str, bytes]:
    """By id, as they were stored."""
    return {orjson.loads(value)["id"]: stored_bytes(value) for value in of.values()}


def led_out(made: Production, sent: int, former: str, before: SentRecords) -> None:
    """The database was put back; from here on the page is followed."""
    refuses(made, "relay", "Restore")
    first, renamed, *rest = steps("restore").strip().splitlines()
    followed(made, f"{first}\n{renamed}")
    assert ledger_id(made) != former
    refuses(made, "projector", "jumun rebuild")
    followed(made, "\n".join(rest))
    start_all(made)
    proved(made, sent)
    after = all_sent(made)
    assert {ledger for ledger, _ in before} == {former}
    assert {ledger for ledger, _ in after} == {ledger_id(made)}  # who kept a place of the former one sees it
    assert events(before).items() <= events(after).items()  # what was lost was decided again, and alike


def test_a_moment_before_the_relays_mark_is_restored(made: Production) -> None:
    server("backup")
    source = iter(lines(orders=80, seed=5))
    start_all(made)
    sent = made.publish(islice(source, 250))
    proved(made, sent)
    sent += made.publish(islice(source, 600))
    made.wait_decided(sent - 300)  # the moment is in the midst of its work
    with psycopg.connect(made.said["database_url"]) as connection:
        (moment,) = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
    sent += made.publish(source)  # and this after it
    proved(made, sent)
    former, before = ledger_id(made), all_sent(made)
    stop_all(made)
    server("restore", "--to-lsn", moment)
    assert 0 < sum(made.decided().values()) < sent
    led_out(made, sent, former, before)


def test_a_dump_is_restored_into_an_empty_database(made: Production, archived: str, tmp_path: Path) -> None:
    source = iter(lines(orders=60, seed=6))
    start_all(made)
    sent = made.publish(islice(source, 200))
    made.wait_decided(sent // 2)
    dump = tmp_path / "jumun.dump"  # while they work
    run("pg_dump", "--format=custom", f"--file={dump}", archived)
    sent += made.publish(source)
    proved(made, sent)
    former, before = ledger_id(made), all_sent(made)
    stop_all(made)
    with psycopg.connect(archived, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    said = conninfo_to_dict(archived)
    again = f"postgresql://{said['user']}:{said['password']}@{said['host']}:{said['port']}/restored"
    run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={again}", str(dump))
    made.said["database_url"] = again
    made.settings = Settings(**made.said)  # type: ignore[arg-type]  # texts, as the environment has them
    assert 0 < sum(made.decided().values()) < sent
    led_out(made, sent, former, before)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
