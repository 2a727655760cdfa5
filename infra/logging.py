"""structlog, set up once: to standard error, without the values of local variables."""

import logging
import sys

import structlog

from infra.settings import Settings


def set_up(settings: Settings) -> None:
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
