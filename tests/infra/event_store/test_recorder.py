"""eventsourcing's own recorder test cases, on our recorder over files that are flushed at every commit."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
)

from infra.event_store.sqlite.recorder import DurableDatastore, LedgerRecorder

LEFT_OPEN: list[DurableDatastore] = []
"""Some of the library's cases leave threads that still read when they end: what they use is never closed."""


class OnFiles:
    """Each test has a folder of its own."""

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
    """Streams, versions, conflicts; notifications in order, also with ten writers at once."""

    def test_insert_subscribe(self) -> None:
        with pytest.raises(NotImplementedError):
            self.create_recorder().subscribe()


class TestAsProcessRecorder(OnFiles, ProcessRecorderTestCase):
    """Tracking in the transaction of the events."""


class TestPositionsDoNotInterleave(OnFiles, NonInterleavingNotificationIDsBaseCase):
    """Two writers at once: each one's events stand together."""
