"""Runs the recorder test cases of the library eventsourcing with our SQLite and PostgreSQL recorders."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from eventsourcing.persistence import ProgrammingError
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
)

from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.postgres.recorder import LedgerDatastore
from infra.event_store.postgres.recorder import LedgerRecorder as PostgresRecorder
from infra.event_store.sqlite.recorder import DurableDatastore, LedgerRecorder

LEFT_OPEN: list[DurableDatastore] = []
"""Never closed: some of the library's test cases end while their threads still read."""


class OnFiles:
    """Gives each test its own folder."""

    @pytest.fixture(autouse=True)
    def _folder(self) -> Iterator[None]:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            self.folder = Path(folder)
            yield

    def create_recorder(self) -> LedgerRecorder:
        path = str(self.folder / f"{len(LEFT_OPEN)}.sqlite")
        datastore = DurableDatastore(path, lock_timeout=60, originator_id_type="uuid")
        LEFT_OPEN.append(datastore)
        recorder = LedgerRecorder(datastore)
        recorder.create_table()
        return recorder


class TestAsApplicationRecorder(OnFiles, ApplicationRecorderTestCase[LedgerRecorder]):
    """Streams, versions and conflicts; notifications in order, also with ten concurrent writers."""

    def test_insert_subscribe(self) -> None:
        with pytest.raises(NotImplementedError):
            self.create_recorder().subscribe()


class TestAsProcessRecorder(OnFiles, ProcessRecorderTestCase):
    """Tracking positions are written in the transaction of the events."""


class TestPositionsDoNotInterleave(OnFiles, NonInterleavingNotificationIDsBaseCase):
    """Two concurrent writers: the events of one insert have consecutive positions."""


class OnAServer:
    """Gives each test its own schema."""

    @pytest.fixture(autouse=True)
    def _schema(self, postgres_schema: tuple[str, str]) -> Iterator[None]:
        self.store = LedgerDatastore(*postgres_schema, connections=12)
        yield
        self.store.close()

    def new_originator_id(self) -> str:
        return f"order/acme/{uuid4()}"

    def create_recorder(self) -> PostgresRecorder:
        return PostgresRecorder(self.store)


class TestOnPostgresAsApplicationRecorder(OnAServer, ApplicationRecorderTestCase[PostgresRecorder]):
    """The same cases with PostgreSQL, and subscriptions."""


class TestOnPostgresPositionsDoNotInterleave(OnAServer, NonInterleavingNotificationIDsBaseCase):
    """Two concurrent writers in two sessions."""


def test_the_librarys_insert_function_is_refused(
    postgres_schema: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, schema = postgres_schema
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "yes")
    with pytest.raises(ProgrammingError, match="POSTGRES_ENABLE_DB_FUNCTIONS"):
        PostgresLedger(url, schema=schema)
