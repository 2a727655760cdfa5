"""Configures structlog: logs go to standard error, tracebacks without the values of local variables."""

import logging
import sys
from contextlib import suppress
from typing import Final, TextIO, cast

import structlog

from infra.clock import SYSTEM, Clock
from infra.settings import Settings

REPEAT_AFTER_S: Final = 30.0
"""How long a library's log message is suppressed after one with the same beginning.  While a broker is
unreachable, the Kafka clients log the same message twenty times a second.  Unit: seconds."""
_BEGINNING: Final = 60
_MOST: Final = 1_000


class StandardError:
    """Writes to the current `sys.stderr`; where that is closed, writes nothing and raises nothing.

    A library logs on its own threads.  If a log call raised there, other threads could wait for it for ever.
    """

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


class LibraryLogHandler(logging.Handler):
    """Writes the warnings of libraries in the same form as our own log lines."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._last_logged: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        beginning, now = (record.name, message[:_BEGINNING]), self._clock.monotonic()
        if now - self._last_logged.get(beginning, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
            return
        if len(self._last_logged) >= _MOST:
            self._last_logged.clear()
        self._last_logged[beginning] = now
        structlog.get_logger().log(
            record.levelno, "library_warned", library=record.name, errors=message[:500]
        )


def set_up(settings: Settings, clock: Clock = SYSTEM) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    json_lines = settings.log_format == "json"
    # Local variables may hold personal data: a trace names the lines, never the values.
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(frames)
            if json_lines
            else structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", StandardError())),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryLogHandler) for handler in root.handlers):
        root.addHandler(LibraryLogHandler(clock))
