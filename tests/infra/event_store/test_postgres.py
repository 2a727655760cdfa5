"""What only a server can get wrong: many writers, answers that are lost, and whoever goes away."""

import socket
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from consumers.engine import Engine
from consumers.ports import Stale
from infra.audit.verify import Verdict, chain_findings
from infra.event_store.postgres.ledger import PostgresLedger, connect, upgrade
from tests.conftest import postgres
from tests.messages import life_cycle, receipt

LOST_ANSWERS = 50
FROZEN_S = 5.0


def decided(ledger: PostgresLedger, lines: list[bytes], batch: int = 6) -> None:
    """As a worker does: where the partition stands says what comes next, also after a refused commit."""
    engine = Engine(ledger)
    while (at := ledger.next_offset()) < len(lines):
        with suppress(Stale):
            engine.handle(lines[at : at + batch])


def wrong(ledger: PostgresLedger) -> list[str]:
    return list(chain_findings(ledger, Verdict()))


@pytest.fixture
def ledger(postgres_schema: tuple[str, str]) -> Generator[PostgresLedger]:
    url, schema = postgres_schema
    with closing(PostgresLedger(url, schema=schema)) as opened:
        yield opened


def test_the_upgrade_may_be_run_twice_and_by_many_at_once(
    ledger: PostgresLedger, postgres_schema: tuple[str, str]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(upgrade, *postgres_schema) for _ in range(4)]:
            done.result()
    assert ledger.rows("SELECT ledger_id FROM ledger") == [(ledger.ledger_id,)]


def test_the_database_chains_commits_as_python_does(
    ledger: PostgresLedger, postgres_schema: tuple[str, str]
) -> None:
    decided(ledger, [receipt(1), *life_cycle("1"), b"garbage \xff", *life_cycle("2")])
    assert wrong(ledger) == []
    with connect(*postgres_schema) as connection:
        connection.execute("UPDATE outcomes SET rule = 'other' WHERE state = 'set_aside'")
    assert len(wrong(ledger)) == 1


class Wire:
    """Between a client and the server.  Cuts the connection instead of passing the answer to a commit on."""

    def __init__(self, url: str) -> None:
        said = conninfo_to_dict(url)
        self._server = str(said["host"]), int(str(said["port"]))
        self._heard = socket.create_server(("127.0.0.1", 0))
        login, port = f"{said['user']}:{said['password']}", self._heard.getsockname()[1]
        self.url = f"postgresql://{login}@127.0.0.1:{port}/{said['dbname']}?sslmode=disable"
        self.cut = 0
        """How many answers to come will be lost."""
        self.lost = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._heard.accept()
                server = socket.create_connection(self._server)
                asked = threading.Event()
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(client, server, asked), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, asked: threading.Event) -> None:
        """A commit is the one question that is long: it carries the events."""
        with suppress(OSError):
            while said := client.recv(65_536):
                if self.cut and len(said) > 3_000:
                    asked.set()
                server.sendall(said)

    def _answer(self, client: socket.socket, server: socket.socket, asked: threading.Event) -> None:
        with suppress(OSError):
            while said := server.recv(65_536):
                if asked.is_set():
                    self.cut, self.lost = self.cut - 1, self.lost + 1
                    client.shutdown(socket.SHUT_RDWR)
                    client.close()
                    server.close()
                    return
                client.sendall(said)

    def close(self) -> None:
        self._heard.close()


@contextmanager
def wired(url: str) -> Generator[Wire]:
    wire = Wire(url)
    yield wire
    wire.close()


def test_a_lost_answer_to_a_commit_is_settled_by_looking_it_up(
    ledger: PostgresLedger, postgres_schema: tuple[str, str]
) -> None:
    url, schema = postgres_schema
    lines = [line for n in range(LOST_ANSWERS) for line in life_cycle(str(n))]
    decided(ledger, [receipt(1, pieces=10_000)])
    with wired(url) as wire, closing(PostgresLedger(wire.url, schema=schema)) as worker:
        engine = Engine(worker)
        while (at := worker.next_offset() - 1) < len(lines):
            wire.cut = 1
            engine.handle(lines[at : at + 5])  # it was written: nothing is refused, nothing is decided twice
    assert wire.lost >= LOST_ANSWERS
    assert ledger.rows("SELECT state, count(*) FROM outcomes GROUP BY state") == [
        ("accepted", 1 + len(lines))
    ]
    assert wrong(ledger) == []


def test_a_client_that_froze_in_a_transaction_holds_nobody_up_for_long(
    ledger: PostgresLedger, postgres_schema: tuple[str, str]
) -> None:
    with connect(*postgres_schema) as frozen, suppress(psycopg.Error), frozen.transaction():
        frozen.execute("SELECT commit_lock()")
        began = time.monotonic()
        decided(ledger, [receipt(1)])
        assert time.monotonic() - began < FROZEN_S + 1.5
    assert ledger.next_offset() == 1


def test_a_server_killed_and_started_again_costs_nothing() -> None:
    """It has a server of its own to kill."""
    name = ("--name", "postgres-killed")
    lines = [receipt(1, pieces=10_000), *(line for n in range(100) for line in life_cycle(str(n)))]
    try:
        url = postgres("up", *name).stdout.strip()
        upgrade(url)
        with closing(PostgresLedger(url)) as ledger, ThreadPoolExecutor(1) as pool:
            deciding = pool.submit(decided, ledger, lines)
            for _ in range(3):
                time.sleep(0.15)
                assert postgres("kill", *name).returncode == 0
                assert postgres("up", *name).stdout.strip() == url
            deciding.result(timeout=60)
            assert ledger.rows("SELECT state, count(*) FROM outcomes GROUP BY state") == [
                ("accepted", len(lines))
            ]
            assert wrong(ledger) == []
    finally:
        postgres("remove", *name)
