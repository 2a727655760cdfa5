"""The ledger on PostgreSQL.

Each batch is committed by one call of an SQL function.  If the connection is lost during the call, the
ledger looks up afterwards whether the batch was committed.
"""

import copy
import secrets  # noqa: TID251  a secret must be random, also in simulations
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final, TypeVar

import orjson
import psycopg
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError
from psycopg import sql
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from consumers.ports import Batch, Committed, Stale
from infra.clock import SYSTEM, Clock
from infra.event_store.fence import OFFSET_MISMATCH
from infra.event_store.postgres.reading import PostgresReader
from infra.event_store.postgres.recorder import LedgerDatastore, LedgerRecorder, session
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.identity import ledger_id_of
from infra.event_store.rows import BatchRows, Origin
from infra.event_store.sql_ledger import SqlLedger
from projections.instants import instant, micros_of

SCHEMA_VERSION: Final = 1
SQL: Final = files("infra.event_store.postgres")
RETRY_FOR_S: Final = 60.0
"""How long to retry while the server cannot be reached."""
RETRY_PAUSE_S: Final = 0.1
Result = TypeVar("Result")
Cursor = psycopg.Cursor[tuple[Any, ...]]


def connect(url: str, schema: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(**session(url, schema), autocommit=True)


def upgrade(url: str, schema: str = "jumun", clock: Clock = SYSTEM) -> None:
    """Creates the ledger's tables and functions.

    It can be repeated, and two processes can run it at once.
    """
    with connect(url, schema) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('jumun upgrade'))")
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        for name in ("schema.sql", "commit.sql"):
            connection.execute((SQL / name).read_text("utf-8").encode())
        connection.execute(
            "INSERT INTO ledger VALUES (1, %s, %s, %s) ON CONFLICT DO NOTHING",
            (str(clock.new_id()), secrets.token_bytes(32), SCHEMA_VERSION),
        )


class PostgresLedger(SqlLedger):
    """The ledger of one partition, over one connection that reconnects by itself."""

    _json_table = "jsonb_array_elements(CAST({} AS jsonb))"

    def __init__(
        self, url: str, origin: Origin | None = None, partition: int = 0, schema: str = "jumun"
    ) -> None:
        super().__init__(partition)
        self._store = LedgerDatastore(url, schema)
        self.recorder = LedgerRecorder(self._store)
        self._listen = sql.SQL("LISTEN {}").format(sql.Identifier(f"jumun {schema}"))
        self._origin = origin or Origin()
        self._secret: bytes | None = None
        try:
            self.ledger_id = ledger_id_of(self)
        except BaseException:
            self._store.close()
            raise

    @property
    def secret(self) -> bytes:
        """The ledger's secret, read on first use: only the role `engine` may read it."""
        if self._secret is None:
            self._secret = self.rows("SELECT secret FROM ledger")[0][0]
        assert self._secret is not None
        return self._secret

    def delete_expired(self) -> None:
        """Deletes the unreadable bytes whose retention time is over."""
        now = micros_of(self._origin.clock.now())
        self._retried(lambda c: c.execute("DELETE FROM set_aside WHERE keep_until < %s", (now,)))

    def reading_topic(self, topic_id: str) -> "PostgresLedger":
        """The same ledger, but its commits record this topic as their source."""
        other = copy.copy(self)
        other._origin = replace(self._origin, topic_id=topic_id)
        return other

    def close(self) -> None:
        self._store.close()

    # --- reading -------------------------------------------------------------------------------------

    def rows(self, statement: str, /, **params: Any) -> list[Any]:
        """Runs one query; a single query needs no transaction for a consistent view."""
        return self._retried(lambda c: PostgresReader(c).rows(statement, **params))

    @contextmanager
    def reading(self) -> Generator[LedgerReader]:
        with self._connected() as c, c.connection.transaction():
            c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield PostgresReader(c)

    @contextmanager
    def changing(self) -> Generator[LedgerReader]:
        with self._connected() as c, c.connection.transaction():
            yield PostgresReader(c)

    def seen_digests(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return dict(self.rows("SELECT key, digest FROM inbox WHERE key = ANY(:keys)", keys=list(keys)))

    @contextmanager
    def _connected(self) -> Generator[Cursor]:
        """A cursor that returns plain tuples and raises the errors of `eventsourcing`."""
        with self._store.get_connection() as connection, connection.cursor(row_factory=tuple_row) as c:
            yield c

    def _retried(self, work: Callable[[Cursor], Result]) -> Result:
        """Runs an idempotent `work`, and retries it while the server cannot be reached."""
        clock = self._origin.clock
        give_up_at = clock.monotonic() + RETRY_FOR_S
        while True:
            try:
                with self._connected() as c:
                    return work(c)
            except (OperationalError, InterfaceError):
                if clock.monotonic() > give_up_at:
                    raise
                clock.sleep(RETRY_PAUSE_S)

    def wait(self, timeout_s: float) -> None:
        """Returns at the next commit of any worker, or after the timeout.  A notification can get lost."""
        try:
            with self._store.get_connection() as connection, connection.cursor() as c:
                c.execute(self._listen)
                for _ in c.connection.notifies(timeout=timeout_s, stop_after=1):
                    return
        except (OperationalError, InterfaceError):
            self._origin.clock.sleep(timeout_s)

    # --- the commit ----------------------------------------------------------------------------------

    def topic(self) -> str | None:
        """The topic id in the partition's last commit."""
        matches = self.rows(
            "SELECT topic_id FROM commits WHERE partition = :at ORDER BY number DESC LIMIT 1",
            at=self._partition,
        )
        return matches[0][0] if matches else None

    def attempt(self, from_offset: int, until: int, *, reset: bool) -> int:
        """Counts an attempt at a batch before it begins; returns the number of attempts without a commit.

        `reset`: the previous attempt did not kill its worker, so it does not count.
        """
        parameters = {"at": self._partition, "begins": from_offset, "ends": until, "reset": reset}
        count: int = self.rows("SELECT out_count FROM attempt(:at, :begins, :ends, :reset)", **parameters)[0][
            0
        ]
        return count

    def commit(self, batch: Batch) -> Committed:
        """Writes the whole batch or nothing.

        Raises: Stale, when the batch does not begin at the partition's next offset, or a stream has another
        version.
        """
        rows = BatchRows(self._origin, self._partition, batch)
        self._origin.at("ledger.before")
        try:
            first_position, recorded_at = self._commit_rows(rows)
        except IntegrityError as error:
            msg = f"another writer has committed first: {error}"
            raise Stale(msg) from error
        except (OperationalError, InterfaceError):
            first_position, recorded_at = self._look_up_commit(rows)
        self._origin.at("ledger.after")
        return Committed(first_position if rows.events else 0, instant(recorded_at))

    def _commit_rows(self, rows: BatchRows) -> tuple[int, int]:
        with self._connected() as c:
            try:
                row = c.execute(_COMMIT, _arguments(self._origin, rows)).fetchone()
            except psycopg.DatabaseError as error:
                if error.sqlstate != OFFSET_MISMATCH:
                    raise
                raise Stale(str(error).partition("\n")[0]) from error
        assert row is not None
        return row[0], row[1]

    def _look_up_commit(self, rows: BatchRows) -> tuple[int, int]:
        """Looks up by its id whether a batch was committed, after the connection was lost during its commit.

        It first takes the commit lock, to wait for a commit that is still running.

        Raises: Stale, when the batch was not committed.  If its commit runs later after all, the fence
        refuses either it or the batch that is decided next.
        """

        def look_up(c: Cursor) -> list[Any]:
            with c.connection.transaction():
                c.execute("SELECT commit_lock()")
                return PostgresReader(c).rows(_COMMITTED, batch=rows.batch_id)

        matches = self._retried(look_up)
        if not matches:
            msg = "the connection to the database was lost before the batch was committed"
            raise Stale(msg)
        return matches[0][0], matches[0][1]


_COMMITTED: Final = "SELECT first_position, recorded_at FROM commits WHERE batch_id = :batch"
_COMMIT: Final = """
SELECT out_first_position, out_recorded_at FROM commit_batch(
    %(partition)s, %(topic_id)s, %(begins)s, %(ends)s, %(worker)s, %(build)s, %(batch_id)s, %(recorded_at)s,
    %(content)b, %(body)b, %(streams)b, %(versions)b::bigint[], %(topics)b, %(states)b,
    %(keys)b, %(digests)b, %(set_aside)b, %(outcomes)s, %(rest)s)
"""


def _arguments(origin: Origin, rows: BatchRows) -> dict[str, Any]:
    batch = rows.batch
    now = origin.clock.now().astimezone(UTC)
    keys = sorted(batch.inbox)
    dead_letters = rows.dead_letters(now)
    return {
        "partition": rows.partition,
        "topic_id": origin.topic_id,
        "begins": batch.from_offset,
        "ends": batch.next_offset,
        "worker": origin.worker,
        "build": origin.build,
        "batch_id": rows.batch_id,
        "recorded_at": micros_of(now),
        "content": rows.content,
        "body": rows.body,
        "streams": [event[0] for event in rows.events],
        "versions": [event[1] for event in rows.events],
        "topics": [event[2] for event in rows.events],
        "states": [event[3] for event in rows.events],
        "keys": [key for key, _ in keys],
        "digests": [digest for _, digest in keys],
        "set_aside": [raw for _, raw, _ in dead_letters],
        "outcomes": _json([tuple(outcome) for outcome in rows.outcomes]),
        "rest": _json(_rest(rows, now)),
    }


def _rest(rows: BatchRows, now: datetime) -> dict[str, Any]:
    """The parts that few batches have, as JSON with bytes in hex."""
    batch = rows.batch
    return {
        "set_aside": [(index, until) for index, _, until in rows.dead_letters(now)],
        "unparked": batch.unparked,
        "parked": [[_hex(value) for value in row] for row in rows.parked],
        "vault": batch.vaulted,
        "fired": [timer.key for timer in batch.fired],
        "failed": [timer.key for timer in batch.failed_timers],
        "timers": rows.timers,
        "clocks": rows.clocks,
        "sellers": rows.sellers,
        "snapshots": [(*row, state.decode()) for *row, state in rows.snapshots],
    }


def _hex(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _json(value: Any) -> Jsonb:
    return Jsonb(value, dumps=_dumps)


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value)
