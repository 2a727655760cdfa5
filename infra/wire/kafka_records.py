"""Converts events and outcomes to Kafka records, and records back.

The value of an event's record is the event's stored bytes with four attributes added at the end.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from consumers.ports import RecordRef
from domain.streams import StreamId
from infra.kafka.ports import Outgoing, Record
from infra.settings import TopicName
from infra.wire import binary_mode
from infra.wire.stored_events import attributes, decode, recorded_event
from infra.wire.stored_outcomes import StoredOutcome
from projections.fold import Recorded

_POSITION: Final = b',"position":'
"""The beginning of the added attributes.  It cannot occur inside a JSON text, where quotes are escaped."""
_PREFIX: Final = "ce_"
_CONTENT_TYPE: Final = "content-type"
_instant = lru_cache(1_000)(datetime.fromisoformat)


class LedgerPosition(NamedTuple):
    """An event's position in its ledger.  Positions of different ledgers cannot be compared."""

    position: int
    previous: int
    """Position of the previous event in the same partition; 0 if this is the first."""
    recorded_at: str
    ledger_id: str


# --- events ----------------------------------------------------------------------------------------------


def event_record(
    topic: str, partition: int, stream: StreamId, state: bytes, location: LedgerPosition
) -> Outgoing:
    """The record of a stored event; its key is the seller."""
    position, previous, recorded_at, ledger_id = location
    added = f'{position},"previous":{previous},"recordedat":"{recorded_at}","ledgerid":"{ledger_id}"}}'
    return Outgoing(topic, partition, stream.seller.encode(), state[:-1] + _POSITION + added.encode())


def ledger_position(value: bytes) -> LedgerPosition:
    """The ledger position of a record's event.  Parses only the last bytes of the value."""
    position, *rest = value[value.rindex(_POSITION) + len(_POSITION) : -1].decode().split(",")
    previous, recorded_at, ledger_id = (text.partition(":")[2].strip('"') for text in rest)
    return LedgerPosition(int(position), int(previous), recorded_at, ledger_id)


def stored_bytes(value: bytes) -> bytes:
    """A record's event in its stored form."""
    return value[: value.rindex(_POSITION)] + b"}"


def recorded(value: bytes, location: LedgerPosition) -> Recorded:
    """A record's event, decoded for folding."""
    state = stored_bytes(value)
    cloud_event = attributes(state)
    event = decode(cloud_event["type"], state)
    return recorded_event(cloud_event, event, location.position, _instant(location.recorded_at))


# --- outcomes --------------------------------------------------------------------------------------------


def outcome_record(
    topics: Mapping[TopicName, str], partition: int, outcome: StoredOutcome, recorded_at: str, ledger_id: str
) -> Outgoing:
    """The record of an outcome.  Outcomes of unreadable messages go to a separate topic, `set-aside`."""
    topic = topics["set-aside" if outcome.state == "set_aside" else "outcomes"]
    seller = outcome.seller_id
    event = {
        "specversion": "1.0",
        "id": f"{ledger_id}:{outcome.number}",
        "source": "jumun",
        "type": "jumun.outcome.v1",
        "time": recorded_at,
        **({"sellerid": seller} if seller else {}),
        "datacontenttype": "application/json",
        "data": _outcome_data(outcome, topics["inbound"], partition),
    }
    return Outgoing(topic, partition, (seller or "").encode(), orjson.dumps(event))


def _outcome_data(outcome: StoredOutcome, inbound: str, partition: int) -> dict[str, Any]:
    data: dict[str, Any] = {
        "number": outcome.number,
        "state": outcome.state,
        "was": outcome.was,
        "source": outcome.source,
        "id": outcome.message_id,
        "type": outcome.type,
        "rule": outcome.rule,
        "data": json.loads(outcome.data) if outcome.data else None,
        "retryable": bool(outcome.retryable),
        "offset": outcome.sent_offset,
        "sha256": outcome.sent_hash,
        "first_event": outcome.first_event,
        "last_event": outcome.last_event,
        "first_position": outcome.first_position,
        "last_position": outcome.last_position,
    }
    if outcome.sent_offset is not None:
        data |= {"topic": inbound, "partition": partition}
    return {name: value for name, value in data.items() if value is not None}


def outcome_number(value: bytes) -> int:
    """The number of a record's outcome."""
    number: int = orjson.loads(value)["data"]["number"]
    return number


# --- messages --------------------------------------------------------------------------------------------


def inbound_message(record: Record) -> bytes:
    """A record's message as a structured CloudEvent; it may have been sent in binary mode."""
    header_attributes = [
        (name.removeprefix(_PREFIX), value) for name, value in record.headers if name.startswith(_PREFIX)
    ]
    if not header_attributes:
        return record.value
    content_type = dict(record.headers).get(_CONTENT_TYPE, binary_mode.JSON)
    return binary_mode.structured(header_attributes, record.value, content_type)


def record_ref(record: Record) -> RecordRef:
    """The record's offset and the hash of its value."""
    return RecordRef(record.offset, sha256(record.value).hexdigest())
