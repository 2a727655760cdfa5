"""Gives a ledger a new id after a restore from a backup.

Events after the backup were already published, and their positions are now used again for other events.
The new id keeps the two apart: the relay publishes the whole ledger again, and readers see that their
stored positions belong to the former ledger.
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from infra.clock import SYSTEM, Clock
from infra.event_store.postgres.ledger import connect
from infra.event_store.postgres.recorder import CONNECTION
from infra.event_store.postgres.url import Target


class NoLedger(Exception):
    """There is no ledger, or its tables are of an older build."""

    def __init__(self) -> None:
        super().__init__("there is no ledger of this build in the database")


class StillUsed(Exception):
    """Workers are still connected: they would go on with the former id."""

    def __init__(self, sessions: int) -> None:
        super().__init__(f"{sessions} sessions of Jumun are connected to the database")
        self.sessions = sessions


@dataclass(frozen=True, slots=True)
class Restored:
    """The former and the new id, and the last position and outcome at the restore."""

    former_id: str
    ledger_id: str
    position: int
    outcome: int


def restored(target: Target, *, force: bool = False, clock: Clock = SYSTEM) -> Restored:
    """Gives the ledger a new id.  Its secret stays, so digests and tokens stay valid.

    Raises: NoLedger; StillUsed, unless `force` is set.
    """
    with connect(target.ledger_url, target.ledger_schema) as connection, connection.transaction():
        if connection.execute("SELECT to_regclass('restores')").fetchone() == (None,):
            raise NoLedger
        connection.execute("SELECT commit_lock()")
        sessions = _one(connection, _SESSIONS, CONNECTION["application_name"])
        if sessions and not force:
            raise StillUsed(sessions)
        ledger_id = str(clock.new_id())
        row = connection.execute(_NOTE, (ledger_id,)).fetchone()
        if row is None:
            raise NoLedger
        connection.execute("UPDATE ledger SET ledger_id = %s", (ledger_id,))
    former_id, position, outcome = row
    return Restored(former_id, ledger_id, position, outcome)


def _one(connection: psycopg.Connection[tuple[Any, ...]], query: str, *values: object) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


_SESSIONS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database() AND pid <> pg_backend_pid()
  AND has_table_privilege(usesysid, 'stored_events'::regclass, 'SELECT')
"""
"""A session does not show which schema it uses, so every login that may read this ledger counts."""
_NOTE: Final = """
INSERT INTO restores
SELECT l.ledger_id, %s, coalesce(c.last_position, 0), coalesce(c.last_outcome, 0),
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
FROM ledger l LEFT JOIN (SELECT * FROM commits ORDER BY number DESC LIMIT 1) c ON true
RETURNING former_id, position, outcome
"""
