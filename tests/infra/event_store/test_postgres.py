"""The faults of a real server: many writers, lost replies, and clients or servers that fail."""

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
from infra.audit.verify import Verdict, chain_damage
from infra.event_store.postgres.ledger import PostgresLedger, connect, upgrade
from tests.conftest import postgres
from tests.messages import life_cycle, receipt

LOST_ANSWERS = 50
FROZEN_S = 5.0


def decided(ledger: PostgresLedger, lines: list[bytes], batch: int = 6) -> None:
    """Decides the lines as a worker does: it continues at the next offset, also after a refused commit."""
    engine = Engine(ledger)
    while (at := ledger.next_offset()) < len(lines):
        with suppress(Stale):
            engine.handle(lines[at : at + batch])


def wrong(ledger: PostgresLedger) -> list[str]:
    return list(chain_damage(ledger, Verdict()))


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
    """A proxy between client and server.  It can cut the connection before the reply to a commit."""

    def __init__(self, url: str) -> None:
        parameters = conninfo_to_dict(url)
        self._server = str(parameters["host"]), int(str(parameters["port"]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        login, port = f"{parameters['user']}:{parameters['password']}", self._listener.getsockname()[1]
        self.url = f"postgresql://{login}@127.0.0.1:{port}/{parameters['dbname']}?sslmode=disable"
        self.cut = 0
        """The number of next replies to commits that will be lost."""
        self.lost = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                commit_sent = threading.Event()
                for work in (self._forward_requests, self._forward_replies):
                    threading.Thread(target=work, args=(client, server, commit_sent), daemon=True).start()

    def _forward_requests(
        self, client: socket.socket, server: socket.socket, commit_sent: threading.Event
    ) -> None:
        """Forwards requests.  Only a commit is longer than 3,000 bytes: it has the events."""
        with suppress(OSError):
            while request := client.recv(65_536):
                if self.cut and len(request) > 3_000:
                    commit_sent.set()
                server.sendall(request)

    def _forward_replies(
        self, client: socket.socket, server: socket.socket, commit_sent: threading.Event
    ) -> None:
        with suppress(OSError):
            while reply := server.recv(65_536):
                if commit_sent.is_set():
                    self.cut, self.lost = self.cut - 1, self.lost + 1
                    client.shutdown(socket.SHUT_RDWR)
                    client.close()
                    server.close()
                    return
                client.sendall(reply)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def proxied(url: str) -> Generator[Wire]:
    wire = Wire(url)
    yield wire
    wire.close()


def test_after_a_lost_reply_to_a_commit_the_ledger_looks_the_commit_up(
    ledger: PostgresLedger, postgres_schema: tuple[str, str]
) -> None:
    url, schema = postgres_schema
    lines = [line for n in range(LOST_ANSWERS) for line in life_cycle(str(n))]
    decided(ledger, [receipt(1, pieces=10_000)])
    with proxied(url) as wire, closing(PostgresLedger(wire.url, schema=schema)) as worker:
        engine = Engine(worker)
        while (at := worker.next_offset() - 1) < len(lines):
            wire.cut = 1
            engine.handle(lines[at : at + 5])  # the commit was written: nothing is refused or decided twice
    assert wire.lost >= LOST_ANSWERS
    assert ledger.rows("SELECT state, count(*) FROM outcomes GROUP BY state") == [
        ("accepted", 1 + len(lines))
    ]
    assert wrong(ledger) == []


def test_a_client_that_freezes_in_a_transaction_blocks_others_only_for_seconds(
    ledger: PostgresLedger, postgres_schema: tuple[str, str]
) -> None:
    with connect(*postgres_schema) as frozen, suppress(psycopg.Error), frozen.transaction():
        frozen.execute("SELECT commit_lock()")
        began = time.monotonic()
        decided(ledger, [receipt(1)])
        assert time.monotonic() - began < FROZEN_S + 1.5
    assert ledger.next_offset() == 1


def test_a_server_that_is_killed_and_started_again_loses_nothing() -> None:
    """It kills a separate server."""
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
