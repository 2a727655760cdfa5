"""Runs all workers on one machine, each in its own process, and restarts a worker that ends."""

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

CHECK_EVERY_S: Final = 0.2
STOP_TIMEOUT_S: Final = 30.0
"""How long a worker may take to finish its batch when it is stopped."""
RESTART_DELAY_S: Final = (0.5, 30.0)
"""The minimum and the maximum delay before a worker is restarted; it doubles after each early end."""
STABLE_S: Final = 60.0
"""After this running time the restart delay begins at its minimum again."""

log = structlog.get_logger()


@dataclass(slots=True)
class Child:
    """A worker and its current process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    clock: Clock
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restart_delay_s: float = RESTART_DELAY_S[0]
    restart_at: float = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, env={**os.environ, **self.environment})
        self.started = self.clock.monotonic()
        log.info("worker_started", worker=self.name, pid=self.process.pid)

    def check(self) -> None:
        """Restarts the worker if it has ended; after repeated early ends the delay grows."""
        now = self.clock.monotonic()
        if self.process is None:
            if now >= self.restart_at:
                self.start()
            return
        if (code := self.process.poll()) is None:
            return
        self.restart_delay_s = (
            RESTART_DELAY_S[0]
            if now - self.started > STABLE_S
            else min(self.restart_delay_s * 2, RESTART_DELAY_S[1])
        )
        self.restart_at = now + self.restart_delay_s
        self.process = None
        log.error("worker_ended", worker=self.name, code=code, again_in_s=self.restart_delay_s)

    def terminate(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def wait_or_kill(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - self.clock.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("worker_killed", worker=self.name)  # noqa: TRY400  the traceback has no information
            self.process.kill()
            self.process.wait()


def supervise(
    workers: Mapping[str, Mapping[str, str]], commands: Mapping[str, Sequence[str]], clock: Clock
) -> None:
    """Runs the workers until SIGTERM or SIGINT, then lets each finish.  `workers`: environment by name."""
    children = [
        Child(name, (sys.executable, "-m", "infra.cli.main", *commands[name]), environment, clock)
        for name, environment in workers.items()
    ]
    stop = Stop()
    while not stop.requested:
        for child in children:
            child.check()
        clock.sleep(CHECK_EVERY_S)
    for child in children:
        child.terminate()
    deadline = clock.monotonic() + STOP_TIMEOUT_S
    for child in children:
        child.wait_or_kill(deadline)
