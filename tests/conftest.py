"""Servers that tests run against: real ones, of this project's own."""

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
"""Fixture -> what stands behind it."""


def postgres(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOLS / "postgres", *command], capture_output=True, text=True, check=False)


def kafka_tool(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOLS / "kafka", *command], capture_output=True, text=True, check=False)


class Stops:
    """Stops what the tests have started, once all workers are done."""

    def __init__(self) -> None:
        self._started = [tool for tool in (postgres, kafka_tool) if tool("url").returncode != 0]

    def pytest_sessionfinish(self) -> None:
        for tool in self._started:
            tool("down")


class Counts:
    """How many tests ran against a real server; to skip one of them is a failure."""

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
            said = ", ".join(f"{self._ran[server]} against a real {server}" for server in SERVERS.values())
            terminalreporter.line(said.replace(" against", " tests ran against", 1))
        for test in self._skipped:
            terminalreporter.line(f"skipped, though it needs a real server: {test}", red=True)


UNCONNECTED = r"ignore:unclosed <(socket.socket fd=.* laddr=\('0.0.0.0'|ssl.SSLSocket fd=):ResourceWarning"
"""kafka-python leaves it to the garbage collector to close a socket that did not get through."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", UNCONNECTED)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Stops())
        config.pluginmanager.register(Counts())


def pytest_unconfigure() -> None:
    """What kafka-python has left is also collected after the last test, when no test's filters hold."""
    warnings.filterwarnings("ignore", category=ResourceWarning)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        used: list[str] = getattr(item, "fixturenames", [])
        item.user_properties += [("server", server) for fixture, server in SERVERS.items() if fixture in used]


@pytest.fixture(scope="module", autouse=True)
def no_client_left() -> Iterator[None]:
    """One of Kafka that is left open works on in a thread of its own, also while other modules are tested.
    Hypothesis fails a test beside which anybody draws random numbers.
    """
    before = set(threading.enumerate())
    yield
    limit = time.monotonic() + 5.0
    while left := [
        one for one in threading.enumerate() if one not in before and one.name.startswith("kafka-")
    ]:
        assert time.monotonic() < limit, left
        time.sleep(0.1)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server, installed and started where needed."""
    done = postgres("up")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def empty_schema(url: str) -> Generator[str]:
    """The schema of an empty ledger; it goes afterwards."""
    schema = f"test_{uuid.uuid4().hex}"
    upgrade(url, schema)
    yield schema
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def postgres_schema(postgres_url: str) -> Iterator[tuple[str, str]]:
    """(URL, schema) of an empty ledger; it goes when the test is over."""
    with empty_schema(postgres_url) as schema:
        yield postgres_url, schema


@pytest.fixture(scope="session")
def kafka() -> str:
    """Bootstrap servers of a Kafka of one broker, installed and started where needed."""
    done = kafka_tool("up")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
