"""Checks this machine: versions, free disk space, and an environment variable that must not be set."""

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
LOW, TOO_LOW = 10 * GIB, GIB
"""Less free space than these is a warning, or wrong.  Unit: bytes."""
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
    """The variable that turns on eventsourcing's insert function.

    That function takes no lock: positions could have gaps, and readers would miss events.
    """
    try:
        on = bool(strtobool(environ.get(FUNCTIONS) or "no"))
    except (ValueError, TypeError):
        on = True
    if on:
        yield wrong(FUNCTIONS, "set: readers could miss events", "unset it; until then no worker starts")
    else:
        yield Finding(FUNCTIONS, "not set")


def disk(folder: Path) -> Iterator[Finding]:
    """The free space for the folder; if the folder does not exist, of its nearest parent."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    how, todo = f"{free / GIB:,.1f} GiB free for {folder}", "free disk space, or move the folder"
    if not os.access(existing, os.W_OK):
        yield warning("folder", f"{folder} is not writable", "give this user the right, or set JUMUN_HOME")
    if free < TOO_LOW:
        yield wrong("disk", how, todo)
    elif free < LOW:
        yield warning("disk", how, todo)
    else:
        yield Finding("disk", how)
