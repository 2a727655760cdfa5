"""Jumun on two SQLite files: the ledger and the read models."""

import fcntl
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from consumers.engine import Engine
from consumers.outcomes import Moved
from infra.embedded.projector import Projector
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.store import ReadModels
from infra.settings import LEDGER

Progress = Callable[[int], None]
"""Called with the number of input bytes whose messages were decided and committed since the last call."""


class InUse(Exception):
    """Another process writes to these files."""


class Embedded:
    """The engine with its ledger and its read models, which a projector keeps up to date."""

    def __init__(
        self, ledger: SqliteLedger, read_models: ReadModels, projector: Projector, engine: Engine, batch: int
    ) -> None:
        """`batch`: the maximum number of messages per commit."""
        self.ledger, self.read_models, self.engine = ledger, read_models, engine
        self._projector, self._batch = projector, batch

    def ingest(self, lines: Iterable[bytes], progress: Progress | None = None) -> Moved:
        """Decides every line, in batches; a committed batch stays even if a later one fails.

        Raises: Stopped, when the projector has ended; the ledger keeps what was committed.
        """
        remaining = iter(lines)
        while batch := list(islice(remaining, self._batch)):
            self.engine.handle([line for line in (raw.rstrip(b"\r\n") for raw in batch) if line])
            if progress is not None:
                progress(sum(map(len, batch)))
        self.caught_up()
        return self.engine.moved

    def caught_up(self) -> None:
        """Waits until the read models hold all committed events.

        Raises: Stopped.
        """
        self._projector.caught_up()

    def close(self) -> None:
        self._projector.close()
        self.ledger.close()
        self.read_models.close()


@contextmanager
def writer_lock(home: Path) -> Generator[None]:
    """The lock that admits one writing process per folder.

    Raises: InUse, when another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "writer.lock").open("a+") as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock_file.seek(0)
            other = lock_file.read().strip() or "unknown"
            msg = f"process {other} is writing to {home}"
            raise InUse(msg) from None
        lock_file.truncate(0)
        lock_file.write(str(os.getpid()))
        lock_file.flush()
        yield


def exists(home: Path) -> bool:
    return (home / LEDGER).exists()
