"""Opens SQLite files read-only, so that not even SQLite itself writes to them."""

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

_CANNOT_WRITE: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)
_PRIMARY: Final = 0xFF
"""Mask for the primary error code within an extended SQLite error code."""


def open_read_only(path: str, timeout_s: float = 5.0) -> sqlite3.Connection:
    """A connection that cannot write to the file.

    In WAL mode, readers share an index of the write-ahead log, the file `-shm`.  If no process has the
    database open, that file does not exist and SQLite creates it.  If SQLite cannot create it, because the
    disk is full or the folder is read-only, then no process can write to the database either.  If there is
    also no write-ahead log, the file alone is the whole database, and it is opened as immutable.

    Raises: sqlite3.Error.
    """
    connection = _connect(path, "mode=ro", timeout_s)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").close()
    except sqlite3.Error as error:
        connection.close()
        if error.sqlite_errorcode & _PRIMARY not in _CANNOT_WRITE or _has_log(path):
            raise
        connection = _connect(path, "mode=ro&immutable=1", timeout_s)
    return connection


def _connect(path: str, how: str, timeout_s: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(Path(path).absolute()))}?{how}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=timeout_s,
    )


def _has_log(path: str) -> bool:
    log = Path(f"{path}-wal")
    return log.exists() and log.stat().st_size > 0
