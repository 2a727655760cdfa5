"""A record of the inbound topic as the structured CloudEvent that the door reads."""

from hashlib import sha256
from typing import Any, Final

import orjson

from consumers.ports import Place
from infra.kafka.ports import Record

_PREFIX: Final = "ce_"
_WHOLE: Final = frozenset({"part", "of"})
_CONTENT_TYPE: Final = "content-type"
_JSON: Final = b"application/json"
_TICK: Final = b'"jumun.inbound.time-passed.v1"'


def place(record: Record) -> Place:
    return Place(record.offset, sha256(record.value).hexdigest())


def structured(record: Record) -> bytes:
    """As sent; or, sent in binary mode, put together from its headers.

    What cannot be put together is left as it is: the door says what is wrong with it.
    """
    if not any(name.startswith(_PREFIX) for name, _ in record.headers):
        return record.value
    try:
        orjson.loads(record.value)  # alone: it must not bring attributes of its own
        attributes = {
            name.removeprefix(_PREFIX): _attribute(name, value.decode())
            for name, value in record.headers
            if name.startswith(_PREFIX)
        }
    except ValueError:
        return record.value
    kind = dict(record.headers).get(_CONTENT_TYPE, _JSON).partition(b";")[0]
    if kind != _JSON:  # not said where it is what goes without saying: the same message in either mode
        attributes["datacontenttype"] = kind.decode("ascii", "replace")
    return orjson.dumps(attributes)[:-1] + b',"data":' + record.value + b"}"


def _attribute(name: str, value: str) -> Any:
    """Headers are text; the door wants the types of the contract."""
    if name.removeprefix(_PREFIX) in _WHOLE and value.isdecimal():
        return int(value)
    if name == "ce_inferred" and value in {"true", "false"}:
        return value == "true"
    return value


def is_tick(raw: bytes) -> bool:
    """Whether it can only be a tick, by its beginning: it is not parsed for that."""
    return _TICK in raw[:200]
