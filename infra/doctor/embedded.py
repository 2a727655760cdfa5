"""Checks the embedded mode: its two files, their locks, and what waits in the ledger.  Creates nothing."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from eventsourcing.persistence import PersistenceError

from infra.clock import Clock
from infra.doctor.database import waiting_findings
from infra.doctor.finding import Finding, wrong
from infra.event_store.reading.events import last_position
from infra.event_store.reading.waiting import failed_deadline_count, parked_ages
from infra.event_store.sqlite.read_only import ReadOnlySqliteLedger
from infra.settings import LEDGER, READ_MODELS
from infra.sqlite_files import open_read_only

_UNREADABLE = "check that this user may read and write the folder; if so, restore the file from a backup"


def files(home: Path, clock: Clock) -> Iterator[Finding]:
    """The ledger, what waits in it, and whether the read models belong to it."""
    if not (home / LEDGER).exists():
        yield Finding("ledger", f"none in {home} (embedded, because JUMUN_DATABASE_URL is not set)")
        return
    try:
        with closing(ReadOnlySqliteLedger(str(home / LEDGER))) as ledger:
            last, waits, timers = last_position(ledger), parked_ages(ledger), failed_deadline_count(ledger)
    except PersistenceError as error:
        yield wrong("ledger", f"cannot be read: {error}", _UNREADABLE)
        return
    yield Finding("ledger", f"embedded, {last:,} events in {home / LEDGER}")
    yield from waiting_findings(waits, timers, clock.now())
    if (home / READ_MODELS).exists():
        yield _read_models(home, last)


def _read_models(home: Path, last: int) -> Finding:
    try:
        with closing(open_read_only(str(home / READ_MODELS))) as connection:
            (position,) = connection.execute("SELECT coalesce(max(position), 0) FROM places").fetchone()
    except sqlite3.Error as error:
        return wrong("read models", f"cannot be read: {error}", f"remove {READ_MODELS}: it is rebuilt")
    how = f"folded up to event {position:,} of {last:,}"
    if position > last:
        return wrong("read models", f"{how}: they are of another ledger", "run `jumun rebuild`")
    return Finding("read models", how)


def locks(home: Path) -> Iterator[Finding]:
    """The processes that hold the locks of the writer and the projector."""
    for what, name in (("writer", "writer.lock"), ("projector", "projector.lock")):
        if (home / name).exists():
            yield Finding(what, _holder(home / name))


def _holder(lock: Path) -> str:
    with lock.open("r") as tried:
        try:
            fcntl.flock(tried, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {tried.read().strip() or 'unknown'} holds {lock.name}"
    return "not running"
