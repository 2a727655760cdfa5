"""The tick: the message by which time passes."""

import json
from datetime import UTC, datetime

from infra.kafka.ports import Record
from infra.wire.ticks import is_tick, last_tick, tick
from tests.messages import receipt

NOW = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)


def records(*values: bytes) -> list[Record]:
    return [Record(0, offset, value, (), 0) for offset, value in enumerate(values)]


def test_a_tick_has_the_time_up_to_which_time_has_passed() -> None:
    assert json.loads(tick(NOW)) == {
        "specversion": "1.0",
        "id": "tick-2026-03-12T09:30:00+00:00",
        "source": "timekeeper",
        "type": "jumun.inbound.time-passed.v1",
        "time": "2026-03-12T09:30:00+00:00",
        "data": {"to": "2026-03-12T09:30:00+00:00"},
    }


def test_a_tick_is_recognised_by_its_first_bytes() -> None:
    assert is_tick(tick(NOW))
    assert not is_tick(receipt(1))


def test_the_last_tick_is_found_among_other_messages_and_garbage() -> None:
    earlier = tick(datetime(2026, 3, 12, 9, 29, tzinfo=UTC))
    another = tick(datetime(2026, 3, 13, tzinfo=UTC)).replace(b'"timekeeper"', b'"shop"')
    assert last_tick(records(earlier, tick(NOW), receipt(1), another, b"garbage", b"[]")) == NOW
    assert last_tick(records(receipt(1), b"")) is None
