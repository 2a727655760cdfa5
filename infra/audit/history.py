"""Events on their way to the read models: as they were committed just now, and as the ledger holds them."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from consumers.collector import without_collector
from consumers.ports import Batch, Committed
from domain.message import Event
from infra.event_store.codec import attributes, decode
from infra.event_store.instants import instant
from infra.event_store.sql_ledger import SqlLedger
from projections.fold import Recorded

CHUNK = 10_000


class Damaged(Exception):
    """An event of the ledger is not what was committed."""


def committed_now(batch: Batch, committed: Committed) -> list[Recorded]:
    """The events of a batch, with the places they have just been given."""
    at = committed.recorded_at
    return [
        Recorded(
            position,
            at,
            decided.seller_id,
            decided.stream,
            decided.version,
            decided.event,
            decided.inferred,
            decided.carried.part,
            decided.carried.of,
            decided.sequence,
        )
        for position, decided in enumerate(batch.events, committed.first_position)
    ]


def recorded_after(ledger: SqlLedger, position: int) -> Iterator[list[Recorded]]:
    """The ledger's events after `position`, in chunks, in the order in which they were committed."""
    return _chunks(ledger, _AFTER, after=position)


def recorded_between(ledger: SqlLedger, partition: int, position: int, upto: int) -> Iterator[list[Recorded]]:
    """As `recorded_after`, of one partition, up to and including another position."""
    return _chunks(ledger, _BETWEEN, at=partition, after=position, upto=upto)


def _chunks(ledger: SqlLedger, statement: str, after: int, **asked: int) -> Iterator[list[Recorded]]:
    while rows := ledger.rows(statement, after=after, chunk=CHUNK, **asked):
        with without_collector():
            chunk = [_recorded(row) for row in rows]
        yield chunk
        after = rows[-1][0]


_AFTER = """
SELECT e.position, e.originator_id, e.originator_version, e.topic, e.state,
       (SELECT c.recorded_at FROM commits c
        WHERE c.last_position >= e.position ORDER BY c.last_position, c.number LIMIT 1)
FROM stored_events e WHERE e.position > :after ORDER BY e.position LIMIT :chunk
"""
_BETWEEN = """
SELECT e.position, e.originator_id, e.originator_version, e.topic, e.state, c.recorded_at
FROM commits c JOIN stored_events e ON e.position BETWEEN c.first_position AND c.last_position
WHERE c.partition = :at AND c.last_position > :after AND c.first_position <= :upto
  AND e.position > :after AND e.position <= :upto
ORDER BY e.position LIMIT :chunk
"""


_recorded_at = lru_cache(1_000)(instant)
"""All events of a commit share one."""


def _recorded(row: Any) -> Recorded:
    position, stream, version, topic, state, recorded_at = row
    try:
        said = attributes(state)
        event = decode(topic, state)
    except (ValueError, KeyError) as error:
        msg = f"the event at position {position} cannot be read ({type(error).__name__})"
        raise Damaged(msg) from error
    if (said["subject"], said["version"], said["type"]) != (stream, version, topic):
        msg = f"the event at position {position} says another stream, version or type than its row"
        raise Damaged(msg)
    return recorded_of(said, event, position, _recorded_at(recorded_at))


def recorded_of(said: dict[str, Any], event: Event, position: int, recorded_at: datetime) -> Recorded:
    """An event with its attributes, as the ledger holds it or as it was told."""
    return Recorded(
        position=position,
        recorded_at=recorded_at,
        seller_id=said["sellerid"],
        stream=said["subject"],
        version=said["version"],
        event=event,
        inferred=said.get("inferred", False),
        part=said.get("part", 1),
        of=said.get("of", 1),
        sequence=said["sequence"],
    )
