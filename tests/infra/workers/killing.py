"""An engine worker for which some messages are deadly: it kills itself at whatever is about SKU `KILLER`."""

import os
import signal
from typing import Any

from consumers.world import Decision
from infra.cli.main import main

_step = Decision.decide


def deadly(self: Decision, stream: Any, command: Any, told: Any = None) -> None:
    if "KILLER" in stream:
        os.kill(os.getpid(), signal.SIGKILL)
    _step(self, stream, command, told)


if __name__ == "__main__":
    Decision.decide = deadly  # type: ignore[method-assign]
    main()
