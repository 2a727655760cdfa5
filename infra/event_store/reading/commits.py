"""Reads the rows of `commits`, and the messages of a commit."""

from typing import Final, NamedTuple

from infra.event_store.chain import Commit
from infra.event_store.reader import LedgerReader
from infra.event_store.reading import NO_LIMIT


class LedgerEnd(NamedTuple):
    """The last position, and the time of the last commit; both 0 if the ledger is empty."""

    position: int
    recorded_at: int


class CommitRange(NamedTuple):
    """Some commits of a partition, read together: the number and the last position of the last one."""

    last_number: int
    last_position: int


_COLUMNS: Final = ", ".join(Commit._fields)


def all_commits(reader: LedgerReader) -> list[Commit]:
    return commits_after(reader, 0, NO_LIMIT)


def commits_after(reader: LedgerReader, number: int, limit: int) -> list[Commit]:
    """Commits with a number above `number`, by number."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM commits WHERE number > :number ORDER BY number LIMIT :limit",
        number=number,
        limit=limit,
    )
    return [Commit._make(row) for row in rows]


def last_commit_up_to(reader: LedgerReader, position: int, outcome: int = NO_LIMIT) -> Commit | None:
    """The last commit that ends at or before this position and this outcome."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM commits WHERE last_position <= :position AND last_outcome <= :outcome"
        " ORDER BY last_position DESC, number DESC LIMIT 1",
        position=position,
        outcome=outcome,
    )
    return Commit._make(rows[0]) if rows else None


def ledger_end(reader: LedgerReader) -> LedgerEnd:
    position, recorded_at = reader.rows("SELECT max(last_position), max(recorded_at) FROM commits")[0]
    return LedgerEnd(position or 0, recorded_at or 0)


def last_positions(reader: LedgerReader, up_to: int = NO_LIMIT) -> dict[int, int]:
    """The last position of each partition at or before `up_to`; partitions without events are left out."""
    rows = reader.rows(
        "SELECT partition, max(last_position) FROM commits"
        " WHERE first_position <= last_position AND last_position <= :up_to"
        " GROUP BY partition ORDER BY partition",
        up_to=up_to,
    )
    return dict(rows)


def last_positions_before(reader: LedgerReader, instant: int, limit: int) -> dict[int, int]:
    """As `last_positions`, but only of the last `limit` commits recorded before an instant."""
    rows = reader.rows(
        """
        SELECT partition, max(last_position) FROM (
            SELECT partition, first_position, last_position FROM commits
            WHERE recorded_at < :instant ORDER BY recorded_at DESC LIMIT :limit) AS latest
        WHERE last_position >= first_position GROUP BY partition
        """,
        instant=instant,
        limit=limit,
    )
    return dict(rows)


def last_position_begun_by(reader: LedgerReader, partition: int, position: int) -> int | None:
    """The last position of the partition's newest commit with events that begins at or before `position`."""
    rows = reader.rows(
        "SELECT last_position FROM commits WHERE partition = :partition AND first_position <= :position"
        " AND last_position >= first_position ORDER BY number DESC LIMIT 1",
        partition=partition,
        position=position,
    )
    return rows[0][0] if rows else None


def next_commit_range(
    reader: LedgerReader, partition: int, after_number: int, up_to: int, commits: int
) -> CommitRange:
    """The range of a partition's next `commits` commits with events that end at or before `up_to`."""
    rows = reader.rows(
        """
        SELECT max(number), max(last_position) FROM (
            SELECT number, last_position FROM commits
            WHERE partition = :partition AND number > :after_number
              AND first_position <= last_position AND last_position <= :up_to
            ORDER BY number LIMIT :commits) AS next_commits
        """,
        partition=partition,
        after_number=after_number,
        up_to=up_to,
        commits=commits,
    )
    return CommitRange._make(rows[0])


def outcomes_recorded_between(reader: LedgerReader, since: int, until: int) -> tuple[int, int] | None:
    """The numbers of the first and the last outcome recorded from `since` up to, not including, `until`."""
    first, last = reader.rows(
        "SELECT min(first_outcome), max(last_outcome) FROM commits"
        " WHERE recorded_at >= :since AND recorded_at < :until",
        since=since,
        until=until,
    )[0]
    return None if first is None else (first, last)


def message_bodies(reader: LedgerReader, commit_number: int) -> list[bytes]:
    """The compressed messages that a commit decided."""
    rows = reader.rows(
        "SELECT body FROM messages WHERE commit_number = :commit_number", commit_number=commit_number
    )
    return [body for (body,) in rows]
