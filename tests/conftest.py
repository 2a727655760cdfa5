"""Fixtures for tests with real servers, which tools/kafka and tools/postgres run."""

import subprocess
import threading
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from infra.event_store.postgres.ledger import upgrade

TOOLS = Path(__file__).parents[1] / "tools"
SERVERS = {"kafka": "Kafka", "postgres_url": "PostgreSQL"}
"""Fixture name -> name of its server."""


def postgres(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOLS / "postgres", *command], capture_output=True, text=True, check=False)


def kafka_tool(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOLS / "kafka", *command], capture_output=True, text=True, check=False)


class Stops:
    """Stops the servers that this test run started, after all test workers have ended."""

    def __init__(self) -> None:
        self._started = [tool for tool in (postgres, kafka_tool) if tool("url").returncode != 0]

    def pytest_sessionfinish(self) -> None:
        for tool in self._started:
            tool("down")


class Counts:
    """Counts the tests that ran against a real server.  A skipped one fails the test run."""

    def __init__(self) -> None:
        self._ran: Counter[str] = Counter()
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        servers = [str(value) for name, value in report.user_properties if name == "server"]
        if report.skipped and servers:
            self._skipped.append(report.nodeid)
        elif report.when == "call":
            self._ran.update(servers)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._ran:
            summary = ", ".join(f"{self._ran[server]} against a real {server}" for server in SERVERS.values())
            terminalreporter.line(summary.replace(" against", " tests ran against", 1))
        for test in self._skipped:
            terminalreporter.line(f"skipped a test that needs a real server: {test}", red=True)


UNCONNECTED = r"ignore:unclosed <(socket.socket fd=.* laddr=\('0.0.0.0'|ssl.SSLSocket fd=):ResourceWarning"
"""kafka-python leaves a socket whose connection failed to the garbage collector."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", UNCONNECTED)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Stops())
        config.pluginmanager.register(Counts())


def pytest_unconfigure() -> None:
    """Such sockets are also collected after the last test, when the filters of no test are active."""
    warnings.filterwarnings("ignore", category=ResourceWarning)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        used: list[str] = getattr(item, "fixturenames", [])
        item.user_properties += [("server", server) for fixture, server in SERVERS.items() if fixture in used]


@pytest.fixture(scope="module", autouse=True)
def no_client_left() -> Iterator[None]:
    """Checks that no Kafka client stays open after a test module.

    Its thread would run on during other modules and draw random numbers; then Hypothesis fails their tests.
    """
    before = set(threading.enumerate())
    yield
    limit = time.monotonic() + 5.0
    while open_clients := [
        one for one in threading.enumerate() if one not in before and one.name.startswith("kafka-")
    ]:
        assert time.monotonic() < limit, open_clients
        time.sleep(0.1)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server, installed and started if needed."""
    done = postgres("up")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def empty_schema(url: str) -> Generator[str]:
    """The schema of an empty ledger.  It is dropped afterwards."""
    schema = f"test_{uuid.uuid4().hex}"
    upgrade(url, schema)
    yield schema
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def postgres_schema(postgres_url: str) -> Iterator[tuple[str, str]]:
    """(URL, schema) of an empty ledger.  It is dropped after the test."""
    with empty_schema(postgres_url) as schema:
        yield postgres_url, schema


@pytest.fixture(scope="session")
def kafka() -> str:
    """Bootstrap servers of a Kafka cluster with one broker, installed and started if needed."""
    done = kafka_tool("up")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
