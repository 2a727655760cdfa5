"""The embedded way: two files, who writes to them, and what waits in them.  Nothing is made or changed."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infra.doctor.database import told_of
from infra.doctor.finding import Finding, wrong
from infra.settings import LEDGER, READ_MODELS

_AGAIN = "see that this user may read and write the folder; else restore the file from a backup"


def files(home: Path, now: datetime | None = None) -> Iterator[Finding]:
    """The ledger, what waits in it, and whether the read models are its own."""
    if not (home / LEDGER).exists():
        yield Finding("ledger", f"none in {home}: embedded, JUMUN_DATABASE_URL is not set")
        return
    try:
        (last,) = _rows(home / LEDGER, "SELECT coalesce(max(position), 0) FROM stored_events")[0]
        waits = _rows(home / LEDGER, "SELECT state, count(*), min(since) FROM parked GROUP BY state")
        (timers,) = _rows(home / LEDGER, "SELECT count(*) FROM timers WHERE failed <> 0")[0]
    except sqlite3.Error as error:
        yield wrong("ledger", f"cannot be read: {error}", _AGAIN)
        return
    yield Finding("ledger", f"embedded, {last:,} events in {home / LEDGER}")
    yield from told_of(waits, timers, now or datetime.now(UTC))
    if (home / READ_MODELS).exists():
        yield _read_models(home, last)


def _read_models(home: Path, last: int) -> Finding:
    try:
        (place,) = _rows(home / READ_MODELS, "SELECT coalesce(max(position), 0) FROM places")[0]
    except sqlite3.Error as error:
        return wrong("read models", f"cannot be read: {error}", f"remove {READ_MODELS}: they are folded anew")
    how = f"folded up to event {place:,} of {last:,}"
    if place > last:
        return wrong("read models", f"{how}: of another ledger", "run `jumun rebuild`")
    return Finding("read models", how)


def locks(home: Path) -> Iterator[Finding]:
    """Who writes, and who folds."""
    for what, name in (("writer", "writer.lock"), ("projector", "projector.lock")):
        if (home / name).exists():
            yield Finding(what, _holder(home / name))


def _holder(lock: Path) -> str:
    with lock.open("r") as tried:
        try:
            fcntl.flock(tried, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {tried.read().strip() or 'unknown'} holds {lock.name}"
    return "nobody at the moment"


def _rows(file: Path, asked: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)) as connection:
        return connection.execute(asked).fetchall()
