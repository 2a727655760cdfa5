"""The `eventsourcing` recorder on PostgreSQL, changed so that positions are gapless and in commit order."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from eventsourcing.persistence import Notification, ProgrammingError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import strtobool
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow
from psycopg.sql import SQL

from infra.event_store.postgres.url import checked

LIMITS: Final = {
    "lock_timeout": "5s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "4s",  # a frozen session must not block others for longer
    "timezone": "UTC",
}
CONNECTION: Final = {
    "application_name": "jumun",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_LAST: Final = (1 << 63) - 1


def session(url: str, schema: str) -> dict[str, Any]:
    """Connection parameters of a session: its schema, and timeouts so that it cannot block others."""
    options = " ".join(f"-c {name}={value}" for name, value in {**LIMITS, "search_path": schema}.items())
    return {**conninfo_to_dict(checked(url)), **CONNECTION, "options": options}


class LedgerDatastore(PostgresDatastore):
    """A connection pool that reconnects by itself."""

    def __init__(self, url: str, schema: str, *, connections: int = 1) -> None:
        parameters = session(url, schema)
        super().__init__(
            *(str(parameters.get(name, "")) for name in ("dbname", "host", "port", "user", "password")),
            schema=schema,
            pool_size=connections,
            originator_id_type="text",
            enable_db_functions=bool(strtobool(os.environ.get("POSTGRES_ENABLE_DB_FUNCTIONS", "no"))),
        )
        self.pool.kwargs = {**parameters, "row_factory": self.pool.kwargs["row_factory"]}  # type: ignore[index]

    def after_connect_func(self) -> Callable[[psycopg.Connection[Any]], None]:
        """Replaces the library's hook, which would remove the timeout of idle transactions."""

        def after_connect(connection: psycopg.Connection[Any]) -> None:
            connection.autocommit = True

        return after_connect


class LedgerRecorder(PostgresApplicationRecorder):
    """The `eventsourcing` library's recorder over the ledger's table of events, which `upgrade` creates.

    It is for readers and for the library's own contract tests.  The engine commits only through
    `commit_batch`.  Both lock the ledger while they insert.  The library's insert function would take no
    lock, so this class refuses it.
    """

    def __init__(self, datastore: LedgerDatastore) -> None:
        if datastore.enable_db_functions:
            msg = (
                "POSTGRES_ENABLE_DB_FUNCTIONS inserts without a lock, so positions could have gaps: unset it"
            )
            raise ProgrammingError(msg)
        super().__init__(datastore)
        self.sql_create_statements = []
        self.lock_table_statements = [SQL("SELECT commit_lock()")]
        self.max_notification_id_statement = SQL("SELECT max(position) FROM stored_events").format()

    def _insert_stored_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: Any
    ) -> None:
        self._lock_table(curs)
        self._notify_channel(curs)
        curs.execute(
            _INSERT,
            [
                [str(event.originator_id) for event in stored_events],
                [event.originator_version for event in stored_events],
                [event.topic for event in stored_events],
                [event.state for event in stored_events],
            ],
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events in the order of their positions."""
        first = 0 if start is None else start if inclusive_of_start else start + 1
        params = {"first": first, "last": _LAST if stop is None else stop, "limit": limit}
        with self.datastore.cursor() as c:
            c.execute(_SELECT, {**params, "topics": list(topics), "all": not topics})
            return [Notification(**row) for row in c.fetchall()]


_INSERT: Final = """
INSERT INTO stored_events
SELECT (SELECT coalesce(max(position), 0) FROM stored_events) + e.place, e.stream, e.version, e.topic, e.state
FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])
     WITH ORDINALITY AS e(stream, version, topic, state, place)
RETURNING position AS notification_id
"""
_SELECT: Final = """
SELECT position AS id, originator_id, originator_version, topic, state FROM stored_events
WHERE position BETWEEN %(first)s AND %(last)s AND (%(all)s OR topic = ANY(%(topics)s::text[]))
ORDER BY position LIMIT %(limit)s
"""
