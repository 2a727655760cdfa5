"""Writes and recognises ticks: the message `time-passed`, which fires the deadlines that are due."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from domain.catalogue import TIME_PASSED
from infra.kafka.ports import Record

SOURCE: Final = "timekeeper"
_TICK: Final = b'"jumun.inbound.time-passed.v1"'


def tick(now: datetime) -> bytes:
    """A tick that moves the clock of all live sellers of a partition to `now`."""
    to = now.isoformat(timespec="seconds")
    message = {"specversion": "1.0", "id": f"tick-{to}", "source": SOURCE, "type": TIME_PASSED, "time": to}
    return orjson.dumps({**message, "data": {"to": to}})


def is_tick(raw: bytes) -> bool:
    """Whether the message is a tick, judged by its first bytes without parsing it."""
    return _TICK in raw[:200]


def last_tick(records: Sequence[Record]) -> datetime | None:
    """The time of the timekeeper's last tick among these records."""
    for record in reversed(records):
        try:
            message = orjson.loads(record.value)
            if message["type"] == TIME_PASSED and message["source"] == SOURCE:
                return datetime.fromisoformat(message["data"]["to"])
        except (ValueError, TypeError, KeyError):
            continue
    return None
