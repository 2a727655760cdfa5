"""What every request passes: its path as written, bounds on size, number and time, one line, one figure."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Final

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra import metrics
from infra.clock import Clock
from infra.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests may take of the server."""

    at_once: int = 100
    """Requests; more are told to come again."""
    within_s: float = 70.0
    """A request takes no longer: reading its body, being safe, and the longest wait."""
    folded_within_s: float = 5.0
    """A question waits no longer for the read models to come to `min_position`."""
    check_every_s: float = 5.0
    """Whether messages can be taken in is looked at no more often."""


LIMITS: Final = Limits()
MOST_BYTES: Final = 8 * 1024 * 1024
"""Of a body."""
LEFT: Final = 499
"""The status noted for a client that went away."""
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger()


def _too_large() -> Problem:
    said = f"The body is larger than {MOST_BYTES // (1024 * 1024)} MB."
    return Problem(413, said, "Send it in several batches.")


class Passing:
    """One request on its way through."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.status = 0
        self._receive, self._send = receive, send
        self._bytes = 0
        headers = Headers(scope=scope)
        self._body_left = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"

    async def receive(self) -> Message:
        """Raises: Problem, as soon as the body is too long."""
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        self._body_left = self._body_left and message.get("more_body", False)
        if self._bytes > MOST_BYTES:
            raise _too_large()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._body_left:  # else the rest would be read, however long it is
                message["headers"] = [*message["headers"], (b"connection", b"close")]
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Unless an answer has begun already."""
        if not self.status:
            await problem.response()(self.scope, self.receive, self.send)


class RequestLimiter:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock) -> None:
        self._app, self._limits, self._clock = app, limits, clock
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Paths stay as they were written: a decoded %2F could not be told from a slash.
        scope["path"] = scope["raw_path"].decode("ascii", "replace")
        passing, began = Passing(scope, receive, send), self._clock.monotonic()
        self._inside += 1
        try:
            await self._pass(passing)
        finally:
            self._inside -= 1
            _tell(passing, self._clock.monotonic() - began)

    async def _pass(self, passing: Passing) -> None:
        try:
            self._see_to(passing.scope)
            async with asyncio.timeout(self._limits.within_s):
                await self._app(passing.scope, passing.receive, passing.send)
        except Problem as problem:
            await passing.refuse(problem)
        except TimeoutError:
            said = "This took too long and was given up."
            kept = "Whether anything was kept or changed is not known."
            await passing.refuse(Problem(504, said, "Ask again later.", kept=kept, retry_after_s=5))
        except ClientDisconnect:
            passing.status = LEFT
        except Exception:
            log.exception("request_failed", route=_route(passing.scope))
            await passing.refuse(failed())

    def _see_to(self, scope: Scope) -> None:
        """Raises: Problem, before anything of the body is read."""
        said = Headers(scope=scope).get("content-length", "0")
        if not said.isdecimal() or int(said[:20]) > MOST_BYTES:
            raise _too_large()
        if self._inside > self._limits.at_once:
            said = "Too many requests are being answered."
            raise Problem(503, said, "Send it again in a moment.", retry_after_s=1)


def failed() -> Problem:
    return Problem(
        500,
        "Jumun came upon an error of its own.",
        "Tell its operators when this was: the server's log says more.",
        kept="What was answered before this stays; whether this request was carried out is not known.",
    )


def _route(scope: Scope) -> str:
    """The template, never the path: that may name anything."""
    route: Any = scope.get("route")
    return getattr(route, "path", "none")


def _tell(passing: Passing, took_s: float) -> None:
    scope, route = passing.scope, _route(passing.scope)
    method = scope["method"] if scope["method"] in {"GET", "POST"} else "other"
    metrics.HTTP_REQUESTS.labels(method, route, passing.status).inc()
    metrics.HTTP_SECONDS.labels(method, route).observe(took_s)
    trace = Headers(scope=scope).get("traceparent", "")
    log.info(
        "request_answered",
        method=method,
        route=route,
        status=passing.status,
        duration_ms=round(took_s * 1_000, 1),
        correlation=trace if _TRACE.fullmatch(trace) else None,
    )
