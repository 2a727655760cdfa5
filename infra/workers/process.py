"""A worker as a process: it steps until it is told to stop, says how it is, and is ended if it hangs."""

import faulthandler
import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, cast
from wsgiref.simple_server import WSGIRequestHandler, make_server

import structlog
from prometheus_client import make_wsgi_app  # pyright: ignore[reportUnknownVariableType]

from infra.clock import Clock
from infra.kafka.ports import Unreachable
from infra.settings import Settings

STEP_S: Final = 1.0
"""How long a step waits for work; a signal is heeded after it at the latest."""
STUCK_S: Final = 120.0
"""A step that takes longer never ends: a `poll()` that does not return, a lock that nobody gives up."""
STUCK: Final = 70
"""The exit code of one that was ended for it."""
AGAIN_S: Final = 1.0

log = structlog.get_logger()


class Worker(Protocol):
    """Does a little, again and again."""

    def step(self, timeout_s: float) -> None: ...

    def close(self) -> None: ...


class Watchdog:
    """Ends the process when a step does not end: another worker takes over what it held."""

    def __init__(self, clock: Clock, stuck_s: float = STUCK_S, end: Callable[[int], Any] = os._exit) -> None:
        self._clock = clock
        self._stuck_s = stuck_s
        self._end = end
        self._begun = self._clock.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def alive(self) -> None:
        self._begun = self._clock.monotonic()

    @property
    def silent_s(self) -> float:
        """Since when no step has begun."""
        return self._clock.monotonic() - self._begun

    def close(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(5.0, self._stuck_s / 4)):
            if self.silent_s > self._stuck_s:
                log.critical("worker_stuck", duration_ms=int(self.silent_s * 1_000))
                faulthandler.dump_traceback()
                self._end(STUCK)
                return


class Stop:
    """Set by SIGTERM and SIGINT: the batch at hand is finished, then the worker leaves."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


def run(
    open_worker: Callable[[], Worker], settings: Settings, clock: Clock, *, stuck_s: float = STUCK_S
) -> None:
    """Steps until it is told to stop; opens the worker anew when the cluster was away.

    Raises: what the worker cannot mend by itself.
    """
    stop, watchdog = Stop(), Watchdog(clock, stuck_s)
    try:
        serve_metrics(settings, watchdog)
        while not stop.asked:
            _worked(open_worker, stop, watchdog, clock)
    finally:
        watchdog.close()


def _worked(open_worker: Callable[[], Worker], stop: Stop, watchdog: Watchdog, clock: Clock) -> None:
    watchdog.alive()
    try:
        worker = open_worker()
    except Unreachable as error:
        log.warning("cluster_unreachable", errors=str(error)[:300])
        clock.sleep(AGAIN_S)
        return
    try:
        _steps(worker, stop, watchdog, clock)
    finally:
        watchdog.alive()
        worker.close()


def _steps(worker: Worker, stop: Stop, watchdog: Watchdog, clock: Clock) -> None:
    while not stop.asked:
        watchdog.alive()
        try:
            worker.step(STEP_S)
        except Unreachable as error:
            log.warning("cluster_unreachable", errors=str(error)[:300])
            clock.sleep(AGAIN_S)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name for it
        del format, args


def serve_metrics(settings: Settings, watchdog: Watchdog) -> None:
    """/metrics for Prometheus, /healthz for whoever restarts what hangs."""
    if not settings.metrics_port:
        return

    figures = cast("Callable[[dict[str, Any], Any], Iterable[bytes]]", make_wsgi_app())

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/healthz":
            return figures(environ, start)
        well = watchdog.silent_s < STUCK_S / 2
        start("200 OK" if well else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [f"last step begun {watchdog.silent_s:.1f} s ago\n".encode()]

    server = make_server(settings.metrics_host, settings.metrics_port, answer, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
