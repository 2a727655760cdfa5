"""This machine: versions, room on the disk, what must not be set."""

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from eventsourcing.utils import strtobool

from infra.build import build
from infra.doctor.finding import Finding, warning, wrong

LIBRARIES: Final = ("eventsourcing", "kafka-python", "confluent-kafka", "psycopg", "SQLAlchemy", "pydantic")
GIB: Final = 1024**3
LITTLE, TOO_LITTLE = 10 * GIB, GIB
"""Free bytes from which on an operator is told, and at which writing will soon fail."""
FUNCTIONS: Final = "POSTGRES_ENABLE_DB_FUNCTIONS"


def versions() -> Iterator[Finding]:
    yield Finding("build", f"jumun {build()}, Python {platform.python_version()}")
    yield Finding("libraries", ", ".join(f"{name} {_version(name)}" for name in LIBRARIES))


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "missing"


def forbidden(environ: Mapping[str, str]) -> Iterator[Finding]:
    """eventsourcing's insert function takes no lock: positions could have gaps, and readers miss events."""
    try:
        on = bool(strtobool(environ.get(FUNCTIONS) or "no"))
    except (ValueError, TypeError):
        on = True
    if on:
        yield wrong(FUNCTIONS, "set: events could be missed", "unset it; until then no worker starts")
    else:
        yield Finding(FUNCTIONS, "not set")


def disk(folder: Path) -> Iterator[Finding]:
    """Of the nearest folder that is there."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    how, todo = f"{free / GIB:,.1f} GiB free for {folder}", "make room, or move the folder to a larger disk"
    if not os.access(there, os.W_OK):
        yield warning("folder", f"{folder} cannot be written", "give this user the right, or name another")
    if free < TOO_LITTLE:
        yield wrong("disk", how, todo)
    elif free < LITTLE:
        yield warning("disk", how, todo)
    else:
        yield Finding("disk", how)
