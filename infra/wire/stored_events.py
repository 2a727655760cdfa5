"""Encodes events as CloudEvents for the ledger, and decodes them.

The stored CloudEvent is the one that is published: the relay only adds attributes such as position before
the last brace, without decoding it.
"""

from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from consumers.ports import Decided
from domain.catalogue import DECIDERS, EVENTS, NAMES
from domain.message import Event
from domain.streams import StreamId
from projections.fold import Recorded

_DATA: Final = b',"data":'
"""The first match is the beginning of the data: inside a JSON text the quotes would be escaped."""


def encode(decided: Decided) -> bytes:
    """Encodes a decided event as a structured CloudEvent in JSON."""
    seller_id, sequence, stream, version, event, (correlation, part, of, trace), cause, inferred = decided
    message: dict[str, Any] = {
        "specversion": "1.0",
        "id": decided.id,
        "source": "jumun",
        "type": NAMES[type(event)],
        "subject": stream,
        "time": event.at,
        "sellerid": seller_id,
        "sequence": sequence,
        "version": version,
        "correlationid": correlation,
    }
    if cause is not None:
        message["causationid"] = cause
    if inferred:
        message["inferred"] = True
    if of > 1:
        message["part"] = part
        message["of"] = of
    if trace is not None:
        message["traceparent"] = trace
    message["datacontenttype"] = "application/json"
    message["data"] = event
    try:
        return orjson.dumps(message, option=orjson.OPT_UTC_Z)
    except (
        orjson.JSONEncodeError
    ):  # orjson supports neither policy documents nor integers of more than 64 bits
        del message["data"]
        data: bytes = events(message["type"]).serializer.to_json(event)
        return orjson.dumps(message, option=orjson.OPT_UTC_Z)[:-1] + _DATA + data + b"}"


@cache
def events(topic: str) -> TypeAdapter[Event]:
    """The type adapter of events of that type name."""
    return TypeAdapter(EVENTS[topic])


def decode(topic: str, state: bytes) -> Event:
    """The domain event in a stored CloudEvent.  Unknown fields are ignored."""
    start = state.index(_DATA) + len(_DATA)
    event: Event = events(topic).validator.validate_json(state[start:-1])
    return event


def attributes(state: bytes) -> dict[str, Any]:
    """The CloudEvent's attributes, without its data."""
    without_data: dict[str, Any] = orjson.loads(state[: state.index(_DATA)] + b"}")
    return without_data


def recorded_event(
    cloud_event: dict[str, Any], event: Event, position: int, recorded_at: datetime
) -> Recorded:
    """An event with its attributes, for folding."""
    return Recorded(
        position=position,
        recorded_at=recorded_at,
        seller_id=cloud_event["sellerid"],
        stream=cloud_event["subject"],
        version=cloud_event["version"],
        event=event,
        inferred=cloud_event.get("inferred", False),
        part=cloud_event.get("part", 1),
        of=cloud_event.get("of", 1),
        sequence=cloud_event["sequence"],
    )


@cache
def _states(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter[Any](type(DECIDERS[kind].start))  # pyright: ignore[reportUnknownArgumentType]


def encode_state(stream: str, state: Any) -> bytes:
    """Encodes a stream's state as a snapshot."""
    return _states(StreamId(stream).kind).dump_json(state)


def decode_state(stream: str, state: bytes) -> Any:
    return _states(StreamId(stream).kind).validate_json(state)
