"""After a restore: the ledger goes on under a new id, because what followed the backup was told already.

Its positions are used a second time, for other events.  With another id nobody takes the one for the other:
the relay begins anew, and readers see that what they kept is of a former ledger.
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from infra.clock import SYSTEM, Clock
from infra.event_store.postgres.ledger import connect
from infra.event_store.postgres.recorder import CONNECTION
from infra.event_store.postgres.url import Target


class NoLedger(Exception):
    """There is no ledger, or its tables are those of an older build."""

    def __init__(self) -> None:
        super().__init__("there is no ledger of this build in the database")


class StillUsed(Exception):
    """Workers are connected: they would go on under the former id."""

    def __init__(self, sessions: int) -> None:
        super().__init__(f"{sessions} sessions of Jumun are connected to the database")
        self.sessions = sessions


@dataclass(frozen=True, slots=True)
class Restored:
    """The ledger as it goes on, and where it stood then."""

    former_id: str
    ledger_id: str
    position: int
    outcome: int


def restored(target: Target, *, force: bool = False, clock: Clock = SYSTEM) -> Restored:
    """Gives the ledger a new id.  Its secret stays: what was derived from it stays valid.

    Raises: NoLedger; StillUsed, unless it is forced.
    """
    with connect(target.ledger_url, target.ledger_schema) as connection, connection.transaction():
        if connection.execute("SELECT to_regclass('restores')").fetchone() == (None,):
            raise NoLedger
        connection.execute("SELECT commit_lock()")
        sessions = _one(connection, _SESSIONS, CONNECTION["application_name"])
        if sessions and not force:
            raise StillUsed(sessions)
        ledger_id = str(clock.new_id())
        found = connection.execute(_NOTE, (ledger_id,)).fetchone()
        if found is None:
            raise NoLedger
        connection.execute("UPDATE ledger SET ledger_id = %s", (ledger_id,))
    former_id, position, outcome = found
    return Restored(former_id, ledger_id, position, outcome)


def _one(connection: psycopg.Connection[tuple[Any, ...]], asked: str, *values: object) -> Any:
    found = connection.execute(asked.encode(), values).fetchone()
    assert found is not None
    return found[0]


_SESSIONS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database() AND pid <> pg_backend_pid()
  AND has_table_privilege(usesysid, 'stored_events'::regclass, 'SELECT')
"""
"""A session does not say which schema it uses: whoever may read this ledger counts."""
_NOTE: Final = """
INSERT INTO restores
SELECT l.ledger_id, %s, coalesce(c.last_position, 0), coalesce(c.last_outcome, 0),
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
FROM ledger l LEFT JOIN (SELECT * FROM commits ORDER BY number DESC LIMIT 1) c ON true
RETURNING former_id, position, outcome
"""
