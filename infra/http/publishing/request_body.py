"""Parses the body of a request: one message, a batch, or one message in binary mode.  All or nothing."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.requests import Request

from consumers.envelope import Unreadable, read
from infra.http.intake import Sent, sent
from infra.http.problems import NOTHING, Problem, Wrong
from infra.wire.binary_mode import structured

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
BINARY: Final = "application/json"
MOST_MESSAGES: Final = 500
BODY_WITHIN_S: Final = 20.0
_SPACES: Final = " \t\r\n"
_ATTRIBUTE: Final = "ce-"


async def incoming(request: Request) -> list[Sent]:
    """The messages of a request.

    Raises: Problem.
    """
    media = _media(request.headers)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await request.body()
    except TimeoutError:
        detail = f"The body did not arrive within {BODY_WITHIN_S:g} s."
        raise Problem(408, detail, "Send it faster, or in smaller batches.") from None
    if media == BATCH:
        return await asyncio.to_thread(_parsed, partial(_batch_elements, body))
    if media == BINARY:
        return _parsed(lambda: [_from_binary_mode(request.headers, body)])
    return _parsed(lambda: [body])


def _media(headers: Headers) -> str:
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    binary = media == BINARY and any(name.startswith(_ATTRIBUTE) for name in headers)
    if media not in {STRUCTURED, BATCH} and not binary:
        raise Problem(
            415,
            "The Content-Type is not one of a CloudEvent.",
            f"Send {STRUCTURED}, or {BATCH}, or {BINARY} with the attributes as ce- headers.",
        )
    return media


def _parsed(parts: Callable[[], Sequence[bytes]]) -> list[Sent]:
    try:
        raws = parts()
    except Unreadable as error:
        raise _refused([_wrong(None, error)]) from None
    messages: list[Sent] = []
    wrong: list[Wrong] = []
    for index, raw in enumerate(raws):
        try:
            messages.append(sent(raw, read(raw, b"door")))
        except Unreadable as error:
            wrong.append(_wrong(index, error))
    if wrong:
        raise _refused(wrong)
    return messages


def _wrong(index: int | None, error: Unreadable) -> Wrong:
    return Wrong(index=index, rule=error.rule, field=error.field, byte=error.byte, error=str(error))


def _refused(wrong: list[Wrong]) -> Problem:
    return Problem(
        422,
        f"Jumun cannot read {len(wrong)} of these messages.",
        "Correct what is listed under `wrong`, then send the whole request again.",
        kept=f"{NOTHING} A batch is accepted as a whole or not at all.",
        wrong=wrong,
    )


def _from_binary_mode(headers: Headers, body: bytes) -> bytes:
    """The message in structured mode, from binary mode: the attributes are headers, the body is the data.

    Raises: Unreadable.
    """
    names = [name for name in headers.keys() if name.startswith(_ATTRIBUTE)]  # noqa: SIM118  a header may occur twice
    repeated = next((name for name in names if len(headers.getlist(name)) > 1), None)
    if repeated is not None:
        raise Unreadable("duplicate_key", field=repeated[:100], reason="this header occurs twice")
    attributes = [(name.removeprefix(_ATTRIBUTE), unquote_to_bytes(headers[name])) for name in names]
    return structured(attributes, body)


def _batch_elements(body: bytes) -> list[bytes]:
    """The elements of a JSON array, each as its original bytes, so that the reader sees what was sent.

    Raises: Unreadable.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", byte=error.start, reason="not UTF-8") from None
    elements = [element.encode() for element in _elements(text)]
    if not elements:
        raise Unreadable("empty_batch", byte=0, reason="a batch holds at least one message")
    return elements


def _elements(text: str) -> Iterator[str]:
    at = _after(text, 0, "[")
    closed = at < len(text) and text[at] == "]"
    count = 0
    while not closed:
        count += 1
        if count > MOST_MESSAGES:
            raise Unreadable(
                "too_many", field=f"message {MOST_MESSAGES}", reason=f"more than {MOST_MESSAGES}"
            )
        end = _end(text, at)
        yield text[at:end]
        at = _past_spaces(text, end)
        closed = text[at : at + 1] == "]"
        if not closed:
            at = _after(text, at, ",")
    if (at := _past_spaces(text, at + 1)) < len(text):
        raise _not_json(text, at, "there is text after the array")


def _end(text: str, at: int) -> int:
    try:
        return _DECODER.raw_decode(text, at)[1]
    except json.JSONDecodeError as error:
        raise _not_json(text, error.pos, error.msg) from None
    except RecursionError:
        raise Unreadable("too_deep", field="message", reason="nested too deeply") from None


def _after(text: str, at: int, sign: str) -> int:
    at = _past_spaces(text, at)
    if text[at : at + 1] != sign:
        raise _not_json(text, at, f"expected {sign}")
    return _past_spaces(text, at + 1)


def _past_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACES:
        at += 1
    return at


def _not_json(text: str, at: int, reason: str) -> Unreadable:
    return Unreadable("not_json", byte=len(text[:at].encode("utf-8", "surrogatepass")), reason=reason)


_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str)
