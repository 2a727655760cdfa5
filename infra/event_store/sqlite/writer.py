"""Writes everything of a commit except its events on SQLite, in the same transaction."""

from collections.abc import Sequence
from typing import Any

from eventsourcing.sqlite import SQLiteCursor

from infra.event_store.chain import GENESIS, commit_hash
from infra.event_store.fence import check_offset
from infra.event_store.rows import BatchRows, Origin
from infra.wire.stored_outcomes import StoredOutcome
from projections.instants import instant


class BatchWriter:
    """Writes the rest of a batch in the transaction of its events."""

    def __init__(self, origin: Origin, rows: BatchRows) -> None:
        self._origin = origin
        self._rows = rows
        self.first_position = 0
        self.recorded_at = origin.clock.now()

    def write(self, c: SQLiteCursor, first_position: int) -> None:
        self.first_position = first_position
        rows, batch = self._rows, self._rows.batch
        previous = self._previous_hash(c)
        number = self._max(c, "commits", "number") + 1
        first_outcome = self._max(c, "outcomes", "number") + 1
        commit = rows.commit(number, self.recorded_at, first_position, first_outcome)
        self._insert(c, "commits", [commit._replace(hash=commit_hash(previous, commit, rows.content))])
        self._insert(c, "outcomes", self._outcomes(number, first_outcome))
        self._insert(c, "inbox", sorted(batch.inbox))  # in key order this is a third faster
        if body := rows.body:
            month = self.recorded_at.strftime("%Y-%m")
            self._insert(c, "messages", [(number, month, body)])
        self._insert(
            c, "set_aside", [(first_outcome + at, *row) for at, *row in rows.dead_letters(self.recorded_at)]
        )
        self._write_waiting(c)
        self._write_timers(c)
        self._write_states(c)
        self._origin.at("ledger.within")

    @staticmethod
    def _insert(c: SQLiteCursor, table: str, rows: Sequence[tuple[Any, ...]], on_conflict: str = "") -> None:
        """`on_conflict`: the SQL clause for rows that already exist."""
        if rows:
            placeholders = ",".join("?" * len(rows[0]))
            c.executemany(f"INSERT INTO {table} VALUES ({placeholders}) {on_conflict}", rows)

    def _previous_hash(self, c: SQLiteCursor) -> bytes:
        """The hash of the partition's last commit.  Raises: Stale, when the batch does not begin after it."""
        c.execute(
            "SELECT next_offset, hash, (SELECT max(recorded_at) FROM commits) FROM commits"
            " WHERE partition = ? ORDER BY number DESC LIMIT 1",
            (self._rows.partition,),
        )
        row = c.fetchone()
        next_offset, previous, latest = (row[0], row[1], row[2]) if row else (0, GENESIS, None)
        check_offset(next_offset, self._rows.batch.from_offset)
        if latest is not None:  # recorded_at never goes backwards
            self.recorded_at = max(self.recorded_at, instant(latest))
        return previous

    @staticmethod
    def _max(c: SQLiteCursor, table: str, column: str) -> int:
        c.execute(f"SELECT coalesce(max({column}), 0) FROM {table}")
        last: int = c.fetchone()[0]
        return last

    def _outcomes(self, commit: int, first_outcome: int) -> list[StoredOutcome]:
        return [
            outcome.stored(number, commit, self.first_position)
            for number, outcome in enumerate(self._rows.outcomes, first_outcome)
        ]

    def _write_waiting(self, c: SQLiteCursor) -> None:
        batch = self._rows.batch
        c.executemany(
            "DELETE FROM parked WHERE partition = ? AND number = ?",
            [(self._rows.partition, number) for number in batch.unparked],
        )
        self._insert(c, "parked", self._rows.parked)
        self._insert(c, "vault", batch.vaulted, "ON CONFLICT DO NOTHING")

    def _write_timers(self, c: SQLiteCursor) -> None:
        batch, rows = self._rows.batch, self._rows
        c.executemany("DELETE FROM timers WHERE key = ?", [(timer.key,) for timer in batch.fired])
        self._insert(c, "clocks", rows.clocks, "ON CONFLICT DO UPDATE SET at = excluded.at")
        c.executemany("UPDATE timers SET failed = 1 WHERE key = ?", [(t.key,) for t in batch.failed_timers])
        self._insert(c, "timers", [(*row, 0) for row in rows.timers], "ON CONFLICT DO NOTHING")

    def _write_states(self, c: SQLiteCursor) -> None:
        rows = self._rows
        self._insert(c, "sellers", rows.sellers, "ON CONFLICT DO UPDATE SET sequence = excluded.sequence")
        c.executemany("INSERT OR REPLACE INTO snapshots VALUES (?,?,?,?)", rows.snapshots)
