"""Folds the ledger's events into the read models, in the deciding process or in a subprocess.

With a subprocess, deciding and folding each use a CPU core.  `python -m infra.embedded.projector HOME` gets
a line on its standard input for each commit and folds all new events of the ledger.  When its input ends,
it catches up and exits.
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
"""Requests a reply when all committed events are folded."""


class Stopped(Exception):
    """The projector's subprocess has ended unexpectedly."""


class Projector(Protocol):
    """Keeps the read models up to date with the ledger."""

    def follow(self, batch: Batch, committed: Committed) -> None:
        """Called after each commit."""
        ...

    def caught_up(self) -> None:
        """Waits until the read models hold all committed events.

        Raises: Stopped.
        """
        ...

    def close(self) -> None: ...


@contextmanager
def projector_lock(home: Path) -> Generator[None]:
    """The lock of the projector; waits for a projector whose parent process was killed."""
    with (home / "projector.lock").open("a") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


def catch_up(ledger: OpenLedger, read_models: ReadModels) -> None:
    """Folds all events of the ledger after the checkpoint.  Raises: OtherLedger."""
    read_models.claim_for(ledger.ledger_id)
    position = read_models.position()
    for recorded in recorded_after(ledger, position):
        read_models.apply(recorded, after=position)
        position = recorded[-1].position


class InProcessProjector:
    """Folds each batch after its commit, in the deciding process."""

    def __init__(self, home: Path, ledger: OpenLedger, faults: Faults) -> None:
        self._resources = ExitStack()
        self._resources.enter_context(projector_lock(home))
        self._read_models = ReadModels(str(home / READ_MODELS), faults=faults)
        self._resources.callback(self._read_models.close)
        catch_up(ledger, self._read_models)

    def follow(self, batch: Batch, committed: Committed) -> None:
        if batch.events:
            self._read_models.apply(committed_now(batch, committed), after=committed.first_position - 1)

    def caught_up(self) -> None:
        return

    def close(self) -> None:
        self._resources.close()


class SubprocessProjector:
    """Runs the projector in a subprocess and notifies it of commits."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.embedded.projector", str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def follow(self, batch: Batch, committed: Committed) -> None:
        del batch, committed
        self._send(_COMMITTED)

    def caught_up(self) -> None:
        self._send(_CAUGHT_UP)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise Stopped

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Stopped from None

    def close(self) -> None:
        self._process.communicate()


def main(home: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides when it ends
    with projector_lock(home):
        ledger, read_models = ReadOnlySqliteLedger(str(home / LEDGER)), ReadModels(str(home / READ_MODELS))
        catch_up(ledger, read_models)
        for line in sys.stdin.buffer:
            catch_up(ledger, read_models)
            if line == _CAUGHT_UP:
                sys.stdout.write("caught up\n")
                sys.stdout.flush()
        read_models.close()
        ledger.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
