"""Builds the inbound messages of the demo's shops, warehouse and carriers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message with its time of arrival, which may be later than its own time, or out of order."""

    arrives: datetime
    number: int
    line: bytes


class MessageCollector:
    """Collects messages in the order of `add`, numbered so that sorting by arrival is stable."""

    def __init__(self) -> None:
        self.timed: list[TimedMessage] = []

    def add(  # noqa: PLR0913  each is an attribute of the message
        self,
        kind: str,
        seller: str,
        at: datetime,
        data: Mapping[str, Any],
        *,
        message_id: str | None = None,
        source: str = "shop",
        actor: str | None = None,
        delay: timedelta = timedelta(0),
    ) -> None:
        """Adds a message that happens `at` and arrives `delay` later (or earlier: out of order)."""
        number = len(self.timed)
        message: dict[str, Any] = {
            "specversion": "1.0",
            "id": message_id or f"{seller}-{number}",
            "source": source,
            "type": f"jumun.inbound.{kind}.v1",
            "time": at.isoformat(),
            "sellerid": seller,
            "data": data,
        }
        if actor is not None:
            message["actor"] = actor
        self.put(at + delay, json.dumps(message, ensure_ascii=False).encode())

    def tick(self, at: datetime) -> None:
        message = {
            "specversion": "1.0",
            "id": f"tick-{at:%Y%m%d%H%M}",
            "source": "timekeeper",
            "type": "jumun.inbound.time-passed.v1",
            "time": at.isoformat(),
            "data": {"to": at.isoformat()},
        }
        self.put(at, json.dumps(message).encode())

    def put(self, arrives: datetime, line: bytes) -> None:
        self.timed.append(TimedMessage(arrives, len(self.timed), line))

    def lines(self) -> list[bytes]:
        """All messages in the order of their arrival."""
        return [timed.line for timed in sorted(self.timed, key=lambda timed: (timed.arrives, timed.number))]
