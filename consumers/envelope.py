"""Parses and validates inbound messages; an error names the rule, and the field or the byte.

The format is structured CloudEvents 1.0 JSON.  Unknown attributes and fields, duplicate keys, and unbounded
numbers and texts are refused here, so no later code has to check them again.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple, NoReturn, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from consumers.personal_data import VaultedText, personal_paths, take_out
from domain.catalogue import BUSINESS_KEYS, COMMANDS, TIME_PASSED
from domain.message import Command
from domain.values import InputSellerId, Instant, Text

MAX_BYTES: Final = 256 * 1024


class Unreadable(Exception):
    """The bytes are not a valid message.  The error names the rule, and the field or the byte."""

    def __init__(
        self, rule: str, *, field: str | None = None, byte: int | None = None, reason: str = ""
    ) -> None:
        where = f"field {field}" if field else f"byte {byte}" if byte is not None else "message"
        super().__init__(f"{where}: {reason or rule}")
        self.rule, self.field, self.byte = rule, field, byte

    @property
    def data(self) -> dict[str, Any]:
        return {"field": self.field, "byte": self.byte, "error": str(self)}


class Envelope(BaseModel):
    """The attributes of an inbound CloudEvent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    specversion: Literal["1.0"]
    id: Text
    source: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
    """A URI reference."""
    type: str
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    subject: Text | None = None
    sellerid: InputSellerId
    actor: Text | None = None
    traceparent: (
        Annotated[str, Field(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")] | None
    ) = None
    reportedat: Instant | None = None
    inferred: bool = False
    part: Annotated[int, Field(ge=1, le=10_000)] = 1
    of: Annotated[int, Field(ge=1, le=10_000)] = 1


class TimePassed(BaseModel):
    """The data of a tick: every deadline up to `to` falls due."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    to: Instant


class Tick(Envelope):
    """A message that moves the clock: of one seller, or of every live seller of the partition."""

    sellerid: InputSellerId | None = None  # type: ignore[assignment]
    data: TimePassed


class Inbound(NamedTuple):
    """A valid message.  Its personal texts are in `vaulted`; the message holds tokens instead of them."""

    envelope: Envelope
    command: Command
    key: bytes
    """A hash of what makes it the same message, 16 bytes.  It must always be computed in the same way.

    That is (seller, source, id), or (type, stream, business key) if it has one.
    """
    digest: bytes
    """A keyed hash of the content, 16 bytes."""
    body: str
    """Canonical JSON, as it is stored and decided."""
    vaulted: list[VaultedText]
    sent: tuple[bytes, bytes] | None = None
    """For a message with a business key, the key and digest by which earlier builds stored it."""


@cache
def adapter(kind: str) -> TypeAdapter[Any]:
    """The validator of whole messages of that type."""
    if kind == TIME_PASSED:
        return TypeAdapter(Tick)
    return TypeAdapter(create_model("Inbound", __base__=Envelope, data=(COMMANDS[kind], ...)))


@cache
def _validator(kind: str) -> Callable[[bytes | str], Any]:
    """Calls pydantic-core directly: it skips the option handling of TypeAdapter, which costs time."""
    validate: Callable[[bytes | str], Any] = adapter(kind).validator.validate_json
    return validate


def read(raw: bytes, secret: bytes) -> Inbound | Tick:
    """Parses and validates `raw` and replaces its personal texts by tokens.

    Raises: Unreadable.
    """
    parsed, message, canonical = parse_fast(raw) or parse_slow(raw)
    if isinstance(message, Tick):
        return message
    _check_rules(message)
    key = hashlib.blake2b(
        f"{message.sellerid}\0{message.source}\0{message.id}".encode(), digest_size=16
    ).digest()
    content = canonical
    if message.traceparent is not None:  # a repeated message has another trace but is the same message
        content = _canonical({name: value for name, value in parsed.items() if name != "traceparent"})
    digest = hashlib.blake2b(content, key=secret, digest_size=16).digest()
    sent = None
    if (business_key := BUSINESS_KEYS.get(message.type)) is not None:
        sent = key, digest
        key, digest = _of_fact(message, getattr(message.data, business_key), parsed, secret)
    vaulted: list[VaultedText] = []
    if paths := personal_paths(COMMANDS[message.type]):
        vaulted = take_out(parsed["data"], paths, secret, key)
    if vaulted:
        canonical = _canonical(parsed)
        message = _validated(message.type, canonical)
    return Inbound(message, message.data, key, digest, canonical.decode(), vaulted, sent)


def _of_fact(message: Any, business_key: str, parsed: Any, secret: bytes) -> tuple[bytes, bytes]:
    """Key and digest of a fact that counts once, whatever its source and message id are."""
    stream = message.data.stream(message.sellerid)
    key = hashlib.blake2b(f"{message.type}\0{stream}\0{business_key}".encode(), digest_size=16)
    content = _canonical({"time": parsed["time"], "data": parsed["data"]})
    return key.digest(), hashlib.blake2b(content, key=secret, digest_size=16).digest()


def read_body(body: str, key: bytes, digest: bytes) -> Inbound:
    """Reads a stored message, to decide it again."""
    message = _validated(orjson.loads(body)["type"], body)
    return Inbound(message, message.data, key, digest, body, [])


ParsedMessage = tuple[dict[str, Any], Any, bytes]
"""(parsed JSON, validated message, canonical JSON)"""


def parse_fast(raw: bytes) -> ParsedMessage | None:
    """Parses in half the time of `parse_slow`.

    None if anything is wrong: `parse_slow` then names the error.
    """
    if len(raw) > MAX_BYTES:
        return None
    try:
        parsed = orjson.loads(raw)
        message = _validator(parsed["type"])(raw)
        canonical = _canonical(parsed)
    except (ValueError, TypeError, KeyError):
        return None
    # The parser keeps a duplicate key once, so two quotes are missing from the canonical JSON.  All other
    # quotes come back one for one, unless one was written as \u0022.
    if raw.count(b'"') != canonical.count(b'"') or b"u0022" in raw:
        return None
    return parsed, message, canonical


def parse_slow(raw: bytes) -> ParsedMessage:
    """Parses step by step, so that an error names its rule and its field or byte.

    Raises: Unreadable.
    """
    if len(raw) > MAX_BYTES:
        raise Unreadable("too_large", byte=MAX_BYTES, reason=f"longer than {MAX_BYTES} bytes")
    parsed = _parse(raw)
    kind = parsed.get("type")
    if not isinstance(kind, str) or (kind not in COMMANDS and kind != TIME_PASSED):
        raise Unreadable("unknown_type", field="type", reason="not a type of the contract")
    return parsed, _validated(kind, raw), _canonical(parsed)


def _canonical(parsed: dict[str, Any]) -> bytes:
    """Canonical JSON: keys sorted, no spaces.  Validation has limited all numbers to 64 bits."""
    return orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)


def _check_rules(message: Any) -> None:
    """Checks the rules that concern more than one field."""
    command: Command = message.data
    if command.is_wish and message.actor is None:
        raise Unreadable("actor_missing", field="actor", reason="a request names who asks")
    if message.part > message.of:
        raise Unreadable("part_beyond_of", field="part", reason="part is greater than of")


def _validated(kind: str, raw: bytes | str) -> Any:
    try:
        return _validator(kind)(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "message"
        raise Unreadable(first["type"], field=field[:200], reason=first["msg"]) from None


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", byte=error.start, reason="not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Unreadable("byte_order_mark", byte=0, reason="begins with a byte order mark")
    try:
        parsed = _DECODE(text)
    except json.JSONDecodeError as error:
        byte = len(text[: error.pos].encode())
        raise Unreadable("not_json", byte=byte, reason=error.msg) from None
    except RecursionError:
        raise Unreadable("too_deep", field="message", reason="nested too deeply") from None
    except ValueError as error:  # a number with more digits than Python parses
        raise Unreadable("number_too_long", field="message", reason=str(error).partition(";")[0]) from None
    if not isinstance(parsed, dict):
        raise Unreadable("not_an_object", byte=0, reason="a message is a JSON object")
    return cast("dict[str, Any]", parsed)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise Unreadable("duplicate_key", field=_printable(duplicate), reason="this key stands twice")
    return result


def _printable(name: str) -> str:
    return name[:100].encode("ascii", "backslashreplace").decode()


def _no_constant(name: str) -> NoReturn:
    raise Unreadable("not_a_number", field="message", reason=f"{name} is not JSON")


_DECODE: Final = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_constant).decode
