"""Files of SQLite that are read and must not be written, not even by SQLite itself."""

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

_CANNOT_WRITE: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)
_PRIMARY: Final = 0xFF
"""The part of an extended error code that says what it is."""


def open_read_only(path: str, timeout_s: float = 5.0) -> sqlite3.Connection:
    """A connection by which nothing can be written to the file.

    In write-ahead mode readers share an index of the log, the file `-shm`.  Where no process has the file
    open there is none, and SQLite makes an empty one.  Where it can't, because the disk is full or the folder
    is read-only, no process can write to the file either; if no log was left behind, the file alone is the
    whole database, and is read as one that does not change.

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
