"""Provides events for the read models: from a batch just committed, or read from the ledger."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from consumers.collector import without_collector
from consumers.ports import Batch, Committed
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.events import RecordedEvent, events_after, partition_events
from infra.wire.stored_events import attributes, decode, recorded_event
from projections.fold import Recorded
from projections.instants import instant

CHUNK = 10_000


class Damaged(Exception):
    """An event of the ledger is not as it was committed."""


def committed_now(batch: Batch, committed: Committed) -> list[Recorded]:
    """The events of a batch with the positions that its commit has assigned."""
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


def recorded_after(ledger: LedgerReader, position: int) -> Iterator[list[Recorded]]:
    """The ledger's events after `position`, in chunks, in commit order."""
    return _chunks(lambda after: events_after(ledger, after, CHUNK), position)


def recorded_between(
    ledger: LedgerReader, partition: int, position: int, up_to: int
) -> Iterator[list[Recorded]]:
    """As `recorded_after`, but of one partition, and up to and including `up_to`."""
    return _chunks(lambda after: partition_events(ledger, partition, after, up_to, CHUNK), position)


def _chunks(next_events: Callable[[int], list[RecordedEvent]], after: int) -> Iterator[list[Recorded]]:
    while events := next_events(after):
        with without_collector():
            chunk = [_decoded(event) for event in events]
        yield chunk
        after = events[-1].position


_recorded_at = lru_cache(1_000)(instant)
"""Cached, because all events of a commit have the same time."""


def _decoded(stored: RecordedEvent) -> Recorded:
    position, stream, version, topic, state, recorded_at = stored
    try:
        cloud_event = attributes(state)
        event = decode(topic, state)
    except (ValueError, KeyError) as error:
        msg = f"the event at position {position} cannot be read ({type(error).__name__})"
        raise Damaged(msg) from error
    if (cloud_event["subject"], cloud_event["version"], cloud_event["type"]) != (stream, version, topic):
        msg = f"the event at position {position} has another stream, version or type than its row"
        raise Damaged(msg)
    return recorded_event(cloud_event, event, position, _recorded_at(recorded_at))
