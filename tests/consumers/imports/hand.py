"""Hand-made rows as a set's columns, and the messages that they become, each read at the door."""

import json
from collections.abc import Iterable
from typing import Any

from consumers.envelope import read
from consumers.imports.messages import Message, Row
from infra.convert import SETS


def rows(columns: str, *values: str) -> list[Row]:
    """Rows of `a|b|c` under such columns."""
    names = columns.split("|")
    return [dict(zip(names, value.split("|"), strict=True)) for value in values]


def converted(name: str, **tables: Iterable[Row]) -> list[Message]:
    """The set's messages; the door takes every one of them, and no id stands twice."""
    messages = list(SETS[name].messages(tables))
    for message in messages:
        read(json.dumps(message).encode(), b"secret")
    ids = [(message["sellerid"], message["id"]) for message in messages]
    assert len(set(ids)) == len(ids)
    return messages


def of_kind(messages: Iterable[Message], kind: str) -> list[Message]:
    return [message for message in messages if message["type"] == f"jumun.inbound.{kind}.v1"]


def said(messages: Iterable[Message], kind: str) -> list[dict[str, Any]]:
    """What messages of that kind say."""
    return [message["data"] for message in of_kind(messages, kind)]


def kinds(messages: Iterable[Message], *left_out: str) -> list[str]:
    """The kinds in the order in which they are told, without openings, ticks and receipts."""
    left = {"seller-open-requested", "time-passed", "stock-received", *left_out}
    found = [message["type"].removeprefix("jumun.inbound.").removesuffix(".v1") for message in messages]
    return [kind for kind in found if kind not in left]
