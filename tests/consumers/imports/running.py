"""Ingests messages by the whole engine, and reads the activity that the read models have counted."""

import json
from collections.abc import Iterable

from consumers.imports.messages import Message
from infra.embedded.writer import Embedded
from projections.questions.activity import ActivityAnswer, activity
from projections.questions.rows import RowReader

NOTHING = ("", "", 0, 0, 0, 0, 0)


def ingested(embedded: Embedded, messages: Iterable[Message]) -> None:
    """Ingests the messages.  Checks that each is accepted in the end, and that none stays parked."""
    lines = [json.dumps(message).encode() for message in messages]
    expected = sum(b"time-passed" not in line for line in lines)
    result = embedded.ingest(lines)
    assert set(result.states) <= {"accepted", "parked"}, result.states
    assert result.states["accepted"] == expected


def facts(reader: RowReader, seller: str | None = None) -> dict[str, ActivityAnswer]:
    """The answers of the activity question, by kind."""
    return {answer.kind: answer for answer in activity(reader, seller)}
