"""Events as bytes: the CloudEvent that is stored is the one that is sent, but for its last attributes.

The relay adds position, previous and recordedat before the last brace; nothing is decoded for that.
"""

from functools import cache
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from consumers.ports import Decided
from domain.catalogue import DECIDERS, EVENTS, NAMES
from domain.message import Event

_DATA: Final = b',"data":'
"""Cannot stand inside a JSON string, where its quotes would be escaped: the first one begins the data."""


def encode(decided: Decided) -> bytes:
    """The outbound CloudEvent of a decided event, structured JSON."""
    seller_id, sequence, stream, version, event, (correlation, part, of, trace), cause, inferred = decided
    said: dict[str, Any] = {
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
        said["causationid"] = cause
    if inferred:
        said["inferred"] = True
    if of > 1:
        said["part"] = part
        said["of"] = of
    if trace is not None:
        said["traceparent"] = trace
    said["datacontenttype"] = "application/json"
    said["data"] = event
    try:
        return orjson.dumps(said, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:  # it does not know a policy document, nor an integer of more than 64 bits
        del said["data"]
        data: bytes = events(said["type"]).serializer.to_json(event)
        return orjson.dumps(said, option=orjson.OPT_UTC_Z)[:-1] + _DATA + data + b"}"


@cache
def events(topic: str) -> TypeAdapter[Event]:
    """Reads and writes events of that name."""
    return TypeAdapter(EVENTS[topic])


def decode(topic: str, state: bytes) -> Event:
    """The domain event in a stored CloudEvent.  Unknown fields are ignored."""
    start = state.index(_DATA) + len(_DATA)
    event: Event = events(topic).validator.validate_json(state[start:-1])
    return event


def attributes(state: bytes) -> dict[str, Any]:
    """The CloudEvent's attributes, without its data."""
    said: dict[str, Any] = orjson.loads(state[: state.index(_DATA)] + b"}")
    return said


@cache
def _states(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter[Any](type(DECIDERS[kind].start))  # pyright: ignore[reportUnknownArgumentType]


def encode_state(stream: str, state: Any) -> bytes:
    """A snapshot of a stream's state."""
    return _states(stream[: stream.index("/")]).dump_json(state)


def decode_state(stream: str, state: bytes) -> Any:
    return _states(stream[: stream.index("/")]).validate_json(state)
