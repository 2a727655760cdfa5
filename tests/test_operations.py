"""Runs the commands of docs/operations.md in their order, against real servers."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infra import metrics
from infra.cli import worker
from infra.event_store.postgres.roles import PARTS, role
from infra.workers.process import STUCK
from tests.infra.kafka.trying import delete_topics

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs" / "operations.md").read_text("utf-8")
LOGINS: Final = ("engine_1", "relay_1", "projector_1")
RESTORED: Final = "jumun_restored"


class Block(NamedTuple):
    """A block of commands.  `kind` is the word after `sh run` on the page."""

    kind: str
    commands: str


def blocks(page: str = PAGE) -> list[Block]:
    matches = re.findall(r"^```sh run ?(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [Block(*match) for match in matches]


def steps(kind: str) -> str:
    """The commands of the only block of this kind."""
    (commands,) = (block.commands for block in blocks() if block.kind == kind)
    return commands


class Operator:
    """Runs the commands of the page in an empty folder, with an empty database of its own."""

    def __init__(self, url: str, kafka: str, home: Path) -> None:
        login = conninfo_to_dict(url)
        self._home = home
        self._url = f"postgresql://{login['user']}:{login['password']}@{login['host']}:{login['port']}"
        self.name = f"ops_{uuid.uuid4().hex[:10]}"
        self.databases = [self.name]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "JUMUN_KAFKA": kafka,
            "JUMUN_TOPICS": self.name.replace("_", "-"),
            "JUMUN_PARTITIONS": "6",
            "JUMUN_LOG_LEVEL": "info",
        }
        self.use(self.name)

    def use(self, database: str) -> None:
        self.environment["JUMUN_DATABASE_URL"] = f"{self._url}/{database}"

    def follow(self, block: Block) -> None:
        commands = block.commands
        if block.kind == "database":  # another database may already have this name
            name = f"{self.name}_restored"
            commands = commands.replace(RESTORED, name)
            self.databases.append(name)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self._home, env=self.environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        output = f"{commands}\n{done.stdout}\n{done.stderr}"
        log = self._home / "jumun.log"
        assert done.returncode == 0, output + (log.read_text("utf-8")[-2_000:] if log.exists() else "")
        if block.kind == "database":
            self.use(self.databases[-1])

    def leave(self) -> None:
        file = self._home / "jumun.pid"
        if not file.exists():
            return
        pid = int(file.read_text("ascii"))
        until = time.monotonic() + 40
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            while time.monotonic() < until:
                os.kill(pid, 0)
                time.sleep(0.1)


def pages_operator(url: str, kafka: str, home: Path) -> Iterator[Operator]:
    """An operator whose databases, roles and topics are removed afterwards."""
    operator = Operator(url, kafka, home)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(operator.name)))
        yield operator
        operator.leave()
        for database in operator.databases:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )
        for name in (*LOGINS, *(role("jumun", part) for part in PARTS)):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
    named = operator.environment["JUMUN_TOPICS"]
    delete_topics(kafka, *(f"{named}.{kind}" for kind in ("inbound", "ledger", "outcomes", "set-aside")))


@pytest.fixture
def operator(postgres_url: str, kafka: str, tmp_path: Path) -> Iterator[Operator]:
    yield from pages_operator(postgres_url, kafka, tmp_path)


def test_the_commands_of_the_page_work(operator: Operator) -> None:
    for block in blocks():
        operator.follow(block)
    with psycopg.connect(operator.environment["JUMUN_DATABASE_URL"]) as connection:
        (restores,) = connection.execute("SELECT count(*) FROM jumun.restores").fetchone() or (0,)
    assert restores == 1


def test_every_metric_is_on_the_page() -> None:
    assert metrics.MESSAGES  # the import has registered the metrics
    registered = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("jumun_")}
    named = set(re.findall(r"^\| `(jumun_\w+)`", PAGE, re.MULTILINE))
    assert {name.removesuffix("_total") for name in named} == registered


def test_every_error_that_ends_a_worker_is_on_the_page() -> None:
    table = PAGE.partition("## When a worker exits")[2].partition("## ")[0]
    for error in vars(worker)["_TODO"]:
        assert f"`{error.__name__}`" in table
    assert f"| {STUCK} |" in table
