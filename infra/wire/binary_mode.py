"""CloudEvents in binary mode: the attributes are headers, the body is the data."""

from collections.abc import Iterable
from typing import Any, Final

import orjson

JSON: Final = b"application/json"
_WHOLE: Final = frozenset({"part", "of"})


def structured(attributes: Iterable[tuple[str, bytes]], data: bytes, content_type: bytes = JSON) -> bytes:
    """The message in structured mode, which the door reads.

    What cannot be put together is left as it is: the door says what is wrong with it.
    """
    try:
        orjson.loads(data)  # alone: it must not bring attributes of its own
        message = {name: _attribute(name, value.decode()) for name, value in attributes}
    except ValueError:
        return data
    media_type = content_type.partition(b";")[0]
    if media_type != JSON:  # left out where it is the default: the same message in either mode
        message["datacontenttype"] = media_type.decode("ascii", "replace")
    return orjson.dumps(message)[:-1] + b',"data":' + data + b"}"


def _attribute(name: str, value: str) -> Any:
    """Headers are text; the door wants the types of the contract."""
    if name in _WHOLE and value.isdecimal():
        return int(value)
    if name == "inferred" and value in {"true", "false"}:
        return value == "true"
    return value
