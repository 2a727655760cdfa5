"""Jumun on two SQLite files: the ledger, and the read models that follow it."""

import fcntl
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from consumers.engine import Engine
from consumers.outcomes import Moved
from infra.build import build
from infra.embedded.projector import Beside, Within
from infra.event_store.rows import Origin
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings

At = Callable[[str], None]
Progress = Callable[[int], None]
"""Told how many bytes of input have been decided on and are safe."""


class InUse(Exception):
    """Another process writes to these files."""


def _nowhere(_: str) -> None:
    return None


class Embedded:
    """The engine, its ledger and its read models.  One process writes at a time.

    `beside`: the read models are folded in a process of their own, on another core.
    """

    def __init__(self, settings: Settings, *, at: At = _nowhere, beside: bool = False) -> None:
        self.settings = settings
        home = settings.home
        home.mkdir(parents=True, exist_ok=True)
        origin = Origin(worker=f"embedded-{os.getpid()}", build=build(), at=at)
        self.ledger = SqliteLedger(str(home / LEDGER), origin)
        self.read_models = ReadModels(str(home / READ_MODELS))
        self._projector = Beside(home) if beside else Within(home, self.ledger, at)
        self.engine = Engine(
            self.ledger, on_commit=self._projector.follow, parked_per_seller=settings.parked_per_seller
        )

    def ingest(self, lines: Iterable[bytes], progress: Progress | None = None) -> Moved:
        """Decides every line; what has been committed stays, whatever happens next.

        Raises: Stopped, when the projector has; the ledger has what was committed.
        """
        remaining = iter(lines)
        while batch := list(islice(remaining, self.settings.batch)):
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
def writing(settings: Settings, *, at: At = _nowhere, beside: bool = False) -> Generator[Embedded]:
    """The one that writes.

    Raises: InUse, when another process does.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = settings.home / "writer.lock"
    with lock.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            other = held.read().strip() or "unknown"
            msg = f"process {other} is writing to {settings.home}"
            raise InUse(msg) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        embedded = Embedded(settings, at=at, beside=beside)
        try:
            yield embedded
        finally:
            embedded.close()


def exists(home: Path) -> bool:
    return (home / LEDGER).exists()
