"""The projector folds the ledger's events into the read models: in the process that decides, or beside it.

Beside it, deciding and folding each have a core.  `python -m infra.embedded.projector HOME` is told of
commits on its standard input and folds whatever the ledger has by then; when its input ends it catches up and
ends too.
"""

import fcntl
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol

from consumers.ports import Batch, Committed
from infra.audit.history import committed_now, recorded_after
from infra.event_store.reader import OpenLedger
from infra.event_store.sqlite.read_only import ReadOnlySqliteLedger
from infra.read_models.store import Faults, ReadModels
from infra.settings import LEDGER, READ_MODELS

_COMMITTED: Final = b"\n"
_CAUGHT_UP: Final = b"?\n"
"""Asks for an answer once all that was committed is folded."""


class Stopped(Exception):
    """The projector beside this process has ended before its time."""


class Projector(Protocol):
    """Who keeps the read models up with the ledger."""

    def follow(self, batch: Batch, committed: Committed) -> None:
        """A batch was committed."""
        ...

    def caught_up(self) -> None:
        """Returns once the read models hold all that was committed.

        Raises: Stopped.
        """
        ...

    def close(self) -> None: ...


@contextmanager
def folding(home: Path) -> Generator[None]:
    """The one that folds; waits for one that a killed process has left behind."""
    with (home / "projector.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def catch_up(ledger: OpenLedger, read_models: ReadModels) -> None:
    """What the ledger has and the read models do not.  Raises: OtherLedger."""
    read_models.of(ledger.ledger_id)
    position = read_models.position()
    for recorded in recorded_after(ledger, position):
        read_models.apply(recorded, after=position)
        position = recorded[-1].position


class InProcessProjector:
    """Folds each batch as soon as it is committed, in the process that decides."""

    def __init__(self, home: Path, ledger: OpenLedger, faults: Faults) -> None:
        self._held = ExitStack()
        self._held.enter_context(folding(home))
        self._read_models = ReadModels(str(home / READ_MODELS), faults=faults)
        self._held.callback(self._read_models.close)
        catch_up(ledger, self._read_models)

    def follow(self, batch: Batch, committed: Committed) -> None:
        if batch.events:
            self._read_models.apply(committed_now(batch, committed), after=committed.first_position - 1)

    def caught_up(self) -> None:
        return

    def close(self) -> None:
        self._held.close()


class SubprocessProjector:
    """Tells a projector in a process of its own."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.embedded.projector", str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def follow(self, batch: Batch, committed: Committed) -> None:
        del batch, committed
        self._tell(_COMMITTED)

    def caught_up(self) -> None:
        self._tell(_CAUGHT_UP)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise Stopped

    def _tell(self, what: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(what)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Stopped from None

    def close(self) -> None:
        self._process.communicate()


def main(home: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it decides when it ends
    with folding(home):
        ledger, read_models = ReadOnlySqliteLedger(str(home / LEDGER)), ReadModels(str(home / READ_MODELS))
        catch_up(ledger, read_models)
        for told in sys.stdin.buffer:
            catch_up(ledger, read_models)
            if told == _CAUGHT_UP:
                sys.stdout.write("caught up\n")
                sys.stdout.flush()
        read_models.close()
        ledger.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
