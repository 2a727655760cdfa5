"""The outermost ASGI layer: limits on the size, number and duration of requests, a log line and metrics."""

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
    """The limits of requests."""

    at_once: int = 100
    """The most concurrent requests; others get status 503."""
    within_s: float = 70.0
    """The longest duration of a request: reading its body, storing its messages, and the longest wait."""
    folded_within_s: float = 5.0
    """How long a question waits for the read models to reach `min_position`."""
    check_every_s: float = 5.0
    """The shortest time between two checks of whether messages can be published."""


LIMITS: Final = Limits()
MOST_BYTES: Final = 8 * 1024 * 1024
"""The most bytes of a body."""
CLIENT_CLOSED: Final = 499
"""The status in the log and metrics of a request whose client disconnected."""
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger()


def _too_large() -> Problem:
    detail = f"The body is larger than {MOST_BYTES // (1024 * 1024)} MB."
    return Problem(413, detail, "Send the messages in several batches.")


class TrackedRequest:
    """The state of one request: its status, the bytes received, and whether some of the body is unread."""

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
            if self._body_left:  # otherwise the server would read the rest, however long it is
                message["headers"] = [*message["headers"], (b"connection", b"close")]
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Sends the problem, unless a response has already begun."""
        if not self.status:
            await problem.response()(self.scope, self.receive, self.send)


class RequestLimiter:
    """Wraps the application and enforces the limits on every request."""

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock) -> None:
        self._app, self._limits, self._clock = app, limits, clock
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Paths stay percent-encoded: a decoded %2F could not be told from a slash.
        scope["path"] = scope["raw_path"].decode("ascii", "replace")
        tracked, began = TrackedRequest(scope, receive, send), self._clock.monotonic()
        self._inside += 1
        try:
            await self._pass(tracked)
        finally:
            self._inside -= 1
            _record(tracked, self._clock.monotonic() - began)

    async def _pass(self, tracked: TrackedRequest) -> None:
        try:
            self._check(tracked.scope)
            async with asyncio.timeout(self._limits.within_s):
                await self._app(tracked.scope, tracked.receive, tracked.send)
        except Problem as problem:
            await tracked.refuse(problem)
        except TimeoutError:
            detail = "The request took too long and was cancelled."
            kept = "It is unknown whether anything was stored or changed."
            await tracked.refuse(Problem(504, detail, "Try again later.", kept=kept, retry_after_s=5))
        except ClientDisconnect:
            tracked.status = CLIENT_CLOSED
        except Exception:
            log.exception("request_failed", route=_route(tracked.scope))
            await tracked.refuse(failed())

    def _check(self, scope: Scope) -> None:
        """Raises: Problem, before any of the body is read."""
        text = Headers(scope=scope).get("content-length", "0")
        if not text.isdecimal() or int(text[:20]) > MOST_BYTES:
            raise _too_large()
        if self._inside > self._limits.at_once:
            text = "The server has too many requests at the moment."
            raise Problem(503, text, "Send it again in a moment.", retry_after_s=1)


def failed() -> Problem:
    return Problem(
        500,
        "An internal error occurred in Jumun.",
        "Tell the operators the time of this request: the log of the server has the details.",
        kept="It is unknown whether this request was carried out. Earlier answers remain valid.",
    )


def _route(scope: Scope) -> str:
    """The route template; never the path, which may contain any text."""
    route: Any = scope.get("route")
    return getattr(route, "path", "none")


def _record(tracked: TrackedRequest, took_s: float) -> None:
    """Counts the request in the metrics and logs it."""
    scope, route = tracked.scope, _route(tracked.scope)
    method = scope["method"] if scope["method"] in {"GET", "POST"} else "other"
    metrics.HTTP_REQUESTS.labels(method, route, tracked.status).inc()
    metrics.HTTP_SECONDS.labels(method, route).observe(took_s)
    trace = Headers(scope=scope).get("traceparent", "")
    log.info(
        "request_answered",
        method=method,
        route=route,
        status=tracked.status,
        duration_ms=round(took_s * 1_000, 1),
        correlation=trace if _TRACE.fullmatch(trace) else None,
    )
