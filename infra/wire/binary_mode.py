"""Converts CloudEvents from binary mode, where the attributes are headers and the body is the data."""

from collections.abc import Iterable
from typing import Any, Final

import orjson

JSON: Final = b"application/json"
_INTEGERS: Final = frozenset({"part", "of"})


def structured(attributes: Iterable[tuple[str, bytes]], data: bytes, content_type: bytes = JSON) -> bytes:
    """The message in structured mode, which `consumers.envelope` reads.

    If it cannot be converted, the data is returned unchanged, and the envelope's validation names the error.
    """
    try:
        orjson.loads(data)  # parsed alone, so it cannot contain attributes of the message
        message = {name: _attribute(name, value.decode()) for name, value in attributes}
    except ValueError:
        return data
    media_type = content_type.partition(b";")[0]
    if media_type != JSON:  # the default is left out, so both modes give the same message
        message["datacontenttype"] = media_type.decode("ascii", "replace")
    return orjson.dumps(message)[:-1] + b',"data":' + data + b"}"


def _attribute(name: str, value: str) -> Any:
    """Converts a header's text to the attribute's type in the contract."""
    if name in _INTEGERS and value.isdecimal():
        return int(value)
    if name == "inferred" and value in {"true", "false"}:
        return value == "true"
    return value
