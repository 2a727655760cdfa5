"""All workers on one machine: each a process of its own, started again when it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from infra.clock import Clock
from infra.workers.process import Stop

LOOK_S: Final = 0.2
LEAVE_S: Final = 30.0
"""How long a worker may take to finish its batch."""
REST_S: Final = (0.5, 30.0)
"""Before one is started again: at first, and at most."""
LASTED_S: Final = 60.0
"""One that has lived so long is started again at once."""

log = structlog.get_logger()


@dataclass(slots=True)
class Child:
    """A worker, as it runs now."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    clock: Clock
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    rest_s: float = REST_S[0]
    again_at: float = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, env={**os.environ, **self.environment})
        self.started = self.clock.monotonic()
        log.info("worker_started", worker=self.name, pid=self.process.pid)

    def look(self) -> None:
        """Starts it again if it has ended; the sooner it ended, the later."""
        now = self.clock.monotonic()
        if self.process is None:
            if now >= self.again_at:
                self.start()
            return
        if (code := self.process.poll()) is None:
            return
        self.rest_s = REST_S[0] if now - self.started > LASTED_S else min(self.rest_s * 2, REST_S[1])
        self.again_at = now + self.rest_s
        self.process = None
        log.error("worker_ended", worker=self.name, code=code, again_in_s=self.rest_s)

    def leave(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def left(self, until: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, until - self.clock.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("worker_killed", worker=self.name)  # noqa: TRY400  where it stood says nothing
            self.process.kill()
            self.process.wait()


def supervise(
    workers: Mapping[str, Mapping[str, str]], commands: Mapping[str, Sequence[str]], clock: Clock
) -> None:
    """Runs these until SIGTERM or SIGINT, then lets each finish.  `workers`: its own environment by name."""
    children = [
        Child(name, (sys.executable, "-m", "infra.cli.main", *commands[name]), environment, clock)
        for name, environment in workers.items()
    ]
    stop = Stop()
    while not stop.asked:
        for child in children:
            child.look()
        clock.sleep(LOOK_S)
    for child in children:
        child.leave()
    until = clock.monotonic() + LEAVE_S
    for child in children:
        child.left(until)
