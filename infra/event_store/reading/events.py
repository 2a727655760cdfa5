"""Reads the stored events of the ledger."""

from typing import Any, Final, NamedTuple

from domain.streams import StreamId
from infra.event_store.reader import LedgerReader


class StoredEvent(NamedTuple):
    """A row of `stored_events`."""

    position: int
    stream: StreamId
    version: int
    topic: str
    state: bytes


class RecordedEvent(NamedTuple):
    """A stored event with the time of its commit, in microseconds since 1970."""

    position: int
    stream: StreamId
    version: int
    topic: str
    state: bytes
    recorded_at: int


_COLUMNS: Final = "e.position, e.originator_id, e.originator_version, e.topic, e.state"
# A commit without events has the same last_position as the one before it: the first of them holds the event.
_AFTER: Final = f"""
SELECT {_COLUMNS},
       (SELECT c.recorded_at FROM commits c
        WHERE c.last_position >= e.position ORDER BY c.last_position, c.number LIMIT 1)
FROM stored_events e WHERE e.position > :after ORDER BY e.position LIMIT :limit
"""
_OF_PARTITION: Final = f"""
SELECT {_COLUMNS}, c.recorded_at
FROM commits c JOIN stored_events e ON e.position BETWEEN c.first_position AND c.last_position
WHERE c.partition = :partition AND c.last_position > :after AND c.first_position <= :up_to
  AND e.position > :after AND e.position <= :up_to
ORDER BY e.position LIMIT :limit
"""
_STORY: Final = """
WITH own AS (
    SELECT position FROM stored_events WHERE originator_id = :stream),
held AS (
    SELECT position, (SELECT c.number FROM commits c WHERE c.last_position >= own.position
                      ORDER BY c.last_position, c.number LIMIT 1) AS number FROM own),
spans AS (
    SELECT DISTINCT o.first_position AS lo, o.last_position AS hi
    FROM held JOIN commits c ON c.number = held.number
    JOIN outcomes o ON o.number BETWEEN c.first_outcome AND c.last_outcome
    AND held.position BETWEEN o.first_position AND o.last_position)
SELECT DISTINCT e.position, e.originator_id, e.originator_version, e.topic, e.state
FROM stored_events e, spans s
WHERE e.position BETWEEN s.lo AND s.hi AND (e.originator_id = :stream OR e.originator_id NOT LIKE 'seller/%')
UNION SELECT e.position, e.originator_id, e.originator_version, e.topic, e.state
FROM stored_events e WHERE e.originator_id = :stream
ORDER BY 1 LIMIT :limit
"""


def last_position(reader: LedgerReader) -> int:
    """The last position of the ledger, which equals the number of its events."""
    position: int = reader.rows("SELECT coalesce(max(position), 0) FROM stored_events")[0][0]
    return position


def events_between(reader: LedgerReader, first: int, last: int) -> list[StoredEvent]:
    """The events at positions `first` to `last`, in order."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM stored_events e"
        " WHERE e.position BETWEEN :first AND :last ORDER BY e.position",
        first=first,
        last=last,
    )
    return [_stored(row) for row in rows]


def event_at(reader: LedgerReader, position: int) -> StoredEvent | None:
    events = events_between(reader, position, position)
    return events[0] if events else None


def events_after(reader: LedgerReader, position: int, limit: int) -> list[RecordedEvent]:
    """Events after `position`, in commit order."""
    return [_recorded(row) for row in reader.rows(_AFTER, after=position, limit=limit)]


def partition_events(
    reader: LedgerReader, partition: int, position: int, up_to: int, limit: int
) -> list[RecordedEvent]:
    """As `events_after`, but of one partition, and up to and including `up_to`."""
    rows = reader.rows(_OF_PARTITION, partition=partition, after=position, up_to=up_to, limit=limit)
    return [_recorded(row) for row in rows]


def story(reader: LedgerReader, stream: StreamId, limit: int) -> list[StoredEvent]:
    """The first `limit` events of an order and its returns, by position.

    With the events in other streams that the same messages caused, such as the stock that they moved.
    """
    events = _with_effects(reader, stream, limit)
    for its_return in sorted({event.stream for event in events if event.stream.kind == "return"}):
        events += _with_effects(reader, its_return, limit)
    by_position = {event.position: event for event in events}
    return [by_position[position] for position in sorted(by_position)[:limit]]


def _with_effects(reader: LedgerReader, stream: StreamId, limit: int) -> list[StoredEvent]:
    return [_stored(row) for row in reader.rows(_STORY, stream=stream, limit=limit)]


def stream_events(reader: LedgerReader, stream: StreamId) -> list[StoredEvent]:
    """A stream's own events, in order."""
    rows = reader.rows(
        f"SELECT {_COLUMNS} FROM stored_events e"
        " WHERE e.originator_id = :stream ORDER BY e.originator_version",
        stream=stream,
    )
    return [_stored(row) for row in rows]


def _stored(row: Any) -> StoredEvent:
    position, stream, version, topic, state = row
    return StoredEvent(position, StreamId(stream), version, topic, state)


def _recorded(row: Any) -> RecordedEvent:
    position, stream, version, topic, state, recorded_at = row
    return RecordedEvent(position, StreamId(stream), version, topic, state, recorded_at)
