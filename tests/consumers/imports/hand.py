"""Builds rows of a data set by hand, and converts them to messages, each of which must be readable."""

import json
from collections.abc import Iterable
from typing import Any

from consumers.envelope import read
from consumers.imports.messages import Message, Row
from infra.convert import SETS


def rows(columns: str, *values: str) -> list[Row]:
    """Rows from texts like `1|2|3`, with columns like `a|b|c`."""
    names = columns.split("|")
    return [dict(zip(names, value.split("|"), strict=True)) for value in values]


def converted(name: str, **tables: Iterable[Row]) -> list[Message]:
    """Converts the rows to messages.  Checks that each can be parsed, and that their ids are unique."""
    messages = list(SETS[name].messages(tables))
    for message in messages:
        read(json.dumps(message).encode(), b"secret")
    ids = [(message["sellerid"], message["id"]) for message in messages]
    assert len(set(ids)) == len(ids)
    return messages


def of_kind(messages: Iterable[Message], kind: str) -> list[Message]:
    return [message for message in messages if message["type"] == f"jumun.inbound.{kind}.v1"]


def data_of(messages: Iterable[Message], kind: str) -> list[dict[str, Any]]:
    """The `data` of the messages of one kind."""
    return [message["data"] for message in of_kind(messages, kind)]


def kinds(messages: Iterable[Message], *further_excluded: str) -> list[str]:
    """The kinds of the messages in their order, without openings, ticks and receipts."""
    excluded = {"seller-open-requested", "time-passed", "stock-received", *further_excluded}
    names = [message["type"].removeprefix("jumun.inbound.").removesuffix(".v1") for message in messages]
    return [kind for kind in names if kind not in excluded]
