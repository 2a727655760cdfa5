"""Runs a worker as a process: repeats its step until a signal, serves metrics, and kills it if it hangs."""

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
"""How long a step waits for work; a signal takes effect after this time at the latest."""
STUCK_S: Final = 120.0
"""A step that takes longer is hanging: for example in a `poll()` that never returns, or on a lock."""
STUCK: Final = 70
"""The exit code of a process that was ended because it was hanging."""
RETRY_S: Final = 1.0

log = structlog.get_logger()


class Worker(Protocol):
    """Does its work in short steps."""

    def step(self, timeout_s: float) -> None: ...

    def close(self) -> None: ...


class Watchdog:
    """Ends the process when a step hangs, so that another worker takes over its partitions."""

    def __init__(self, clock: Clock, stuck_s: float = STUCK_S, end: Callable[[int], Any] = os._exit) -> None:
        self._clock = clock
        self._stuck_s = stuck_s
        self._end = end
        self._step_started = self._clock.monotonic()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def alive(self) -> None:
        self._step_started = self._clock.monotonic()

    @property
    def silent_s(self) -> float:
        """Seconds since the last step began."""
        return self._clock.monotonic() - self._step_started

    def close(self) -> None:
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(min(5.0, self._stuck_s / 4)):
            if self.silent_s > self._stuck_s:
                log.critical("worker_stuck", duration_ms=int(self.silent_s * 1_000))
                faulthandler.dump_traceback()
                self._end(STUCK)
                return


class Stop:
    """A stop request by SIGTERM or SIGINT: the worker finishes its current batch and exits."""

    def __init__(self) -> None:
        self.requested = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request)

    def _request(self, *_: object) -> None:
        self.requested = True


def run(
    open_worker: Callable[[], Worker], settings: Settings, clock: Clock, *, stuck_s: float = STUCK_S
) -> None:
    """Runs a worker until a stop is requested; retries to open it while the cluster cannot be reached.

    Raises: errors from which the worker cannot recover.
    """
    stop, watchdog = Stop(), Watchdog(clock, stuck_s)
    try:
        serve_metrics(settings, watchdog)
        while not stop.requested:
            _run_worker(open_worker, stop, watchdog, clock)
    finally:
        watchdog.close()


def _run_worker(open_worker: Callable[[], Worker], stop: Stop, watchdog: Watchdog, clock: Clock) -> None:
    watchdog.alive()
    try:
        worker = open_worker()
    except Unreachable as error:
        log.warning("cluster_unreachable", errors=str(error)[:300])
        clock.sleep(RETRY_S)
        return
    try:
        _steps(worker, stop, watchdog, clock)
    finally:
        watchdog.alive()
        worker.close()


def _steps(worker: Worker, stop: Stop, watchdog: Watchdog, clock: Clock) -> None:
    while not stop.requested:
        watchdog.alive()
        try:
            worker.step(STEP_S)
        except Unreachable as error:
            log.warning("cluster_unreachable", errors=str(error)[:300])
            clock.sleep(RETRY_S)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's parameter name
        del format, args


def serve_metrics(settings: Settings, watchdog: Watchdog) -> None:
    """Serves /metrics for Prometheus, and /healthz for a supervisor that restarts a hanging process."""
    if not settings.metrics_port:
        return

    metrics_app = cast("Callable[[dict[str, Any], Any], Iterable[bytes]]", make_wsgi_app())

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/healthz":
            return metrics_app(environ, start)
        healthy = watchdog.silent_s < STUCK_S / 2
        start("200 OK" if healthy else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [f"last step begun {watchdog.silent_s:.1f} s ago\n".encode()]

    server = make_server(settings.metrics_host, settings.metrics_port, answer, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
