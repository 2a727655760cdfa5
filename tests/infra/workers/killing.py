"""An engine worker for which some of its work is deadly.

It kills itself at whatever is about SKU `KILLER`, and when an order of SKU `FUSE` is not dispatched in time.
"""

import os
import signal
from typing import Any

from consumers.decision import Decision
from infra.cli.main import main
from tests.planting import deadline_of, planted

_step = Decision.decide
_burns = deadline_of("FUSE")


def deadly(self: Decision, stream: Any, command: Any) -> None:
    if "KILLER" in stream:
        os.kill(os.getpid(), signal.SIGKILL)
    _step(self, stream, command)


def fuse(command: Any, state: Any) -> bool:
    if _burns(command, state):
        os.kill(os.getpid(), signal.SIGKILL)
    return False


if __name__ == "__main__":
    Decision.decide = deadly  # type: ignore[method-assign]
    with planted(fuse, SystemExit()):
        main()
