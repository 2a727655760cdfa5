"""Jumun on two SQLite files: the ledger, and the read models that follow it."""

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
"""Told how many bytes of input have been decided on and are safe."""


class InUse(Exception):
    """Another process writes to these files."""


class Embedded:
    """The engine, its ledger and its read models, which the projector keeps up with it."""

    def __init__(
        self, ledger: SqliteLedger, read_models: ReadModels, projector: Projector, engine: Engine, batch: int
    ) -> None:
        """`batch`: messages that one commit decides at most."""
        self.ledger, self.read_models, self.engine = ledger, read_models, engine
        self._projector, self._batch = projector, batch

    def ingest(self, lines: Iterable[bytes], progress: Progress | None = None) -> Moved:
        """Decides every line; what has been committed stays, whatever happens next.

        Raises: Stopped, when the projector has; the ledger has what was committed.
        """
        remaining = iter(lines)
        while batch := list(islice(remaining, self._batch)):
            self.engine.handle([line for line in (raw.rstrip(b"\r\n") for raw in batch) if line])
            if progress is not None:
                progress(sum(map(len, batch)))
        self.caught_up()
        return self.engine.moved

    def caught_up(self) -> None:
        """Returns once the read models hold all that was decided.

        Raises: Stopped.
        """
        self._projector.caught_up()

    def close(self) -> None:
        self._projector.close()
        self.ledger.close()
        self.read_models.close()


@contextmanager
def writer_lock(home: Path) -> Generator[None]:
    """The folder's one writer.

    Raises: InUse, when another process is.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "writer.lock").open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            other = held.read().strip() or "unknown"
            msg = f"process {other} is writing to {home}"
            raise InUse(msg) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def exists(home: Path) -> bool:
    return (home / LEDGER).exists()
