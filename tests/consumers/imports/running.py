"""Messages through the whole engine, and everything that its activity counted."""

import json
from collections.abc import Iterable

import sqlalchemy as sa

from consumers.imports.messages import Message
from infra.embedded.writer import Embedded
from infra.read_models import queries
from infra.read_models.queries import ActivityAnswer

NOTHING = ("", "", 0, 0, 0, 0, 0)


def ingested(embedded: Embedded, messages: Iterable[Message]) -> None:
    """Every message is accepted in the end; nothing waits."""
    lines = [json.dumps(message).encode() for message in messages]
    told = sum(b"time-passed" not in line for line in lines)
    moved = embedded.ingest(lines)
    assert set(moved.states) <= {"accepted", "parked"}, moved.states
    assert moved.states["accepted"] == told


def facts(connection: sa.Connection, seller: str | None = None) -> dict[str, ActivityAnswer]:
    """The activity by kind."""
    return {answer.kind: answer for answer in queries.activity(connection, seller)}
