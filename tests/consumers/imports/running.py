"""Messages through the whole engine, and everything that its activity counted."""

import json
from collections.abc import Iterable

from consumers.imports.messages import Message
from infra.embedded.writer import Embedded
from projections.questions.activity import ActivityAnswer, activity
from projections.questions.rows import RowReader

NOTHING = ("", "", 0, 0, 0, 0, 0)


def ingested(embedded: Embedded, messages: Iterable[Message]) -> None:
    """Every message is accepted in the end; nothing waits."""
    lines = [json.dumps(message).encode() for message in messages]
    told = sum(b"time-passed" not in line for line in lines)
    moved = embedded.ingest(lines)
    assert set(moved.states) <= {"accepted", "parked"}, moved.states
    assert moved.states["accepted"] == told


def facts(reader: RowReader, seller: str | None = None) -> dict[str, ActivityAnswer]:
    """The activity by kind."""
    return {answer.kind: answer for answer in activity(reader, seller)}
