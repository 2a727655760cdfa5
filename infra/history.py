"""Events on their way to the read models: as they were committed just now, and as the ledger holds them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from consumers.collector import without_collector
from consumers.ports import Batch, Committed
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
            decided.part,
            decided.of,
            decided.sequence,
        )
        for position, decided in enumerate(batch.events, committed.first_position)
    ]


def recorded_after(ledger: SqlLedger, position: int) -> Iterator[list[Recorded]]:
    """The ledger's events after `position`, in chunks, in the order in which they were committed."""
    while True:
        rows = ledger.rows(_AFTER, after=position, chunk=CHUNK)
        if not rows:
            return
        with without_collector():
            chunk = [_recorded(row) for row in rows]
        yield chunk
        position = rows[-1][0]


_AFTER = """
SELECT e.position, e.originator_id, e.originator_version, e.topic, e.state,
       (SELECT c.recorded_at FROM commits c
        WHERE c.last_position >= e.position ORDER BY c.last_position, c.number LIMIT 1)
FROM stored_events e WHERE e.position > :after ORDER BY e.position LIMIT :chunk
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
    return Recorded(
        position=position,
        recorded_at=_recorded_at(recorded_at),
        seller_id=said["sellerid"],
        stream=stream,
        version=version,
        event=event,
        inferred=said.get("inferred", False),
        part=said.get("part", 1),
        of=said.get("of", 1),
        sequence=said["sequence"],
    )
