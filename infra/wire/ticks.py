"""The message `time-passed`, by which deadlines fall due: how it is written, and how it is known again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from domain.catalogue import TIME_PASSED
from infra.kafka.ports import Record

SOURCE: Final = "timekeeper"
_TICK: Final = b'"jumun.inbound.time-passed.v1"'


def tick(now: datetime) -> bytes:
    """Time has passed up to `now`, for every live seller of a partition."""
    to = now.isoformat(timespec="seconds")
    message = {"specversion": "1.0", "id": f"tick-{to}", "source": SOURCE, "type": TIME_PASSED, "time": to}
    return orjson.dumps({**message, "data": {"to": to}})


def is_tick(raw: bytes) -> bool:
    """Whether it can only be a tick, by its beginning: it is not parsed for that."""
    return _TICK in raw[:200]


def last_tick(records: Sequence[Record]) -> datetime | None:
    """The instant of the timekeeper's last tick among these records."""
    for record in reversed(records):
        try:
            message = orjson.loads(record.value)
            if message["type"] == TIME_PASSED and message["source"] == SOURCE:
                return datetime.fromisoformat(message["data"]["to"])
        except (ValueError, TypeError, KeyError):
            continue
    return None
