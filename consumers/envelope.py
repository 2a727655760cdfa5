"""The door: bytes become a message, or an error that names the field and the rule, or the byte.

Structured CloudEvents 1.0 JSON.  Unknown attributes and fields, duplicate keys, unbounded numbers and
texts are refused here, so that nothing behind the door has to look twice.
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
    """What was sent cannot be understood: by which rule, at which field or byte."""

    def __init__(
        self, rule: str, *, field: str | None = None, byte: int | None = None, said: str = ""
    ) -> None:
        where = f"field {field}" if field else f"byte {byte}" if byte is not None else "message"
        super().__init__(f"{where}: {said or rule}")
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
    """Time passed: for one seller, or for every live seller of the partition."""

    sellerid: InputSellerId | None = None  # type: ignore[assignment]
    data: TimePassed


class Inbound(NamedTuple):
    """A message that was understood; its personal texts are in `vaulted`, tokens stand in their place."""

    envelope: Envelope
    command: Command
    key: bytes
    """16 bytes that stand for (seller, source, id) for ever."""
    digest: bytes
    """16 bytes that stand for its content."""
    body: str
    """Canonical JSON, as it is kept and was decided on."""
    vaulted: list[VaultedText]


@cache
def adapter(kind: str) -> TypeAdapter[Any]:
    """Reads whole messages of that type."""
    if kind == TIME_PASSED:
        return TypeAdapter(Tick)
    return TypeAdapter(create_model("Inbound", __base__=Envelope, data=(COMMANDS[kind], ...)))


@cache
def _validator(kind: str) -> Callable[[bytes | str], Any]:
    """Straight into pydantic-core, without TypeAdapter's options."""
    validate: Callable[[bytes | str], Any] = adapter(kind).validator.validate_json
    return validate


def read(raw: bytes, secret: bytes) -> Inbound | Tick:
    """The message in `raw`.

    Raises: Unreadable.
    """
    parsed, message, canonical = at_once(raw) or step_by_step(raw)
    if isinstance(message, Tick):
        return message
    _check_rules(message)
    key = hashlib.blake2b(
        f"{message.sellerid}\0{message.source}\0{message.id}".encode(), digest_size=16
    ).digest()
    content = canonical
    if message.traceparent is not None:  # sent again, it is another trace, and the same message
        content = _canonical({name: said for name, said in parsed.items() if name != "traceparent"})
    digest = hashlib.blake2b(content, key=secret, digest_size=16).digest()
    vaulted: list[VaultedText] = []
    if paths := personal_paths(COMMANDS[message.type]):
        vaulted = take_out(parsed["data"], paths, secret, key)
    if vaulted:
        canonical = _canonical(parsed)
        message = _validated(message.type, canonical)
    return Inbound(message, message.data, key, digest, canonical.decode(), vaulted)


def read_body(body: str, key: bytes, digest: bytes) -> Inbound:
    """A message as it was kept, to be decided on again."""
    message = _validated(orjson.loads(body)["type"], body)
    return Inbound(message, message.data, key, digest, body, [])


Understood = tuple[dict[str, Any], Any, bytes]
"""What was sent, parsed; the message; canonical JSON."""


def at_once(raw: bytes) -> Understood | None:
    """As `step_by_step`, in half the time; None where anything is amiss, which that one will name."""
    if len(raw) > MAX_BYTES:
        return None
    try:
        parsed = orjson.loads(raw)
        message = _validator(parsed["type"])(raw)
        canonical = _canonical(parsed)
    except (ValueError, TypeError, KeyError):
        return None
    # A key that stood twice has lost one of its names, and two quotes with it.  Every other quote comes back,
    # one for one, unless it was written as \u0022.
    if raw.count(b'"') != canonical.count(b'"') or b"u0022" in raw:
        return None
    return parsed, message, canonical


def step_by_step(raw: bytes) -> Understood:
    """Says by which rule, and at which field or byte, a message cannot be understood.

    Raises: Unreadable.
    """
    if len(raw) > MAX_BYTES:
        raise Unreadable("too_large", byte=MAX_BYTES, said=f"longer than {MAX_BYTES} bytes")
    parsed = _parse(raw)
    kind = parsed.get("type")
    if not isinstance(kind, str) or (kind not in COMMANDS and kind != TIME_PASSED):
        raise Unreadable("unknown_type", field="type", said="not a type of the contract")
    return parsed, _validated(kind, raw), _canonical(parsed)


def _canonical(parsed: dict[str, Any]) -> bytes:
    """Keys sorted, no spaces.  Whatever was understood has numbers of at most 64 bits."""
    return orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)


def _check_rules(message: Any) -> None:
    """What one field alone cannot tell."""
    command: Command = message.data
    if command.is_wish and message.actor is None:
        raise Unreadable("actor_missing", field="actor", said="a request names who asks")
    if message.part > message.of:
        raise Unreadable("part_beyond_of", field="part", said="part is greater than of")
    business_key = BUSINESS_KEYS.get(message.type)
    if business_key and getattr(command, business_key) != message.id:
        said = f"must equal the message's id, so that it counts once for ever ({message.type})"
        raise Unreadable("id_is_not_business_key", field=f"data.{business_key}", said=said)


def _validated(kind: str, raw: bytes | str) -> Any:
    try:
        return _validator(kind)(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "message"
        raise Unreadable(first["type"], field=field[:200], said=first["msg"]) from None


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", byte=error.start, said="not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Unreadable("byte_order_mark", byte=0, said="begins with a byte order mark")
    try:
        parsed = _DECODE(text)
    except json.JSONDecodeError as error:
        byte = len(text[: error.pos].encode())
        raise Unreadable("not_json", byte=byte, said=error.msg) from None
    except RecursionError:
        raise Unreadable("too_deep", field="message", said="nested too deeply") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise Unreadable("number_too_long", field="message", said=str(error).partition(";")[0]) from None
    if not isinstance(parsed, dict):
        raise Unreadable("not_an_object", byte=0, said="a message is a JSON object")
    return cast("dict[str, Any]", parsed)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable("duplicate_key", field=_shown(twice), said="this key stands twice")
    return made


def _shown(name: str) -> str:
    return name[:100].encode("ascii", "backslashreplace").decode()


def _no_constant(name: str) -> NoReturn:
    raise Unreadable("not_a_number", field="message", said=f"{name} is not JSON")


_DECODE: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant).decode
