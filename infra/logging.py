"""structlog, set up once: to standard error, without the values of local variables."""

import logging
import sys
from contextlib import suppress
from typing import Final, TextIO, cast

import structlog

from infra.clock import SYSTEM, Clock
from infra.settings import Settings

AGAIN_S: Final = 30.0
"""A library's sentence that begins alike is not heard again before that: while a broker is away, they say it
twenty times a second."""
_ALIKE: Final = 60
_MOST: Final = 1_000


class StandardError:
    """As it is at the time; where it is closed nothing is said and nothing fails.

    A library logs on its own threads, and one that fails there leaves others waiting for it for ever.
    """

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


class Libraries(logging.Handler):
    """What libraries log, among our own lines and in their form."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._heard: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        alike, now = (record.name, said[:_ALIKE]), self._clock.monotonic()
        if now - self._heard.get(alike, -AGAIN_S) < AGAIN_S:
            return
        if len(self._heard) >= _MOST:
            self._heard.clear()
        self._heard[alike] = now
        structlog.get_logger().log(record.levelno, "library_warned", library=record.name, errors=said[:500])


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
    if not any(isinstance(handler, Libraries) for handler in root.handlers):
        root.addHandler(Libraries(clock))
