"""How the demo's shops, warehouse and carriers put what they tell into messages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message on its way: `arrives` may be later than the time it tells of, or out of order."""

    arrives: datetime
    number: int
    line: bytes


class MessageCollector:
    """Collects messages in the order in which they are told, numbered so that sorting is stable."""

    def __init__(self) -> None:
        self.told: list[TimedMessage] = []

    def tell(  # noqa: PLR0913  each is an attribute of the message
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
        number = len(self.told)
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
        self.told.append(TimedMessage(arrives, len(self.told), line))

    def lines(self) -> list[bytes]:
        """All messages as they arrive."""
        return [told.line for told in sorted(self.told, key=lambda told: (told.arrives, told.number))]
