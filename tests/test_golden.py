"""What was stored once must stay readable for ever, and lead to the same states."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from consumers.ports import Carried, Decided
from domain.catalogue import DECIDERS, EVENTS
from domain.message import Event
from domain.order.refund import RefundRecorded
from domain.streams import StreamId
from infra.wire.stored_events import attributes, decode, decode_state, encode, encode_state, events
from tests.golden.make import decided, state_file, states, stored

STORED = stored()


def test_every_name_of_the_catalogue_has_stored_bytes_and_no_name_is_gone() -> None:
    """A new name: `python -m tests.golden.make`.  A name that is gone: put it back, history needs it."""
    assert sorted(STORED) == sorted(EVENTS)


@pytest.mark.parametrize("name", sorted(STORED))
def test_stored_bytes_are_the_event_that_their_name_says(name: str) -> None:
    event = decode(name, STORED[name])
    assert type(event) is EVENTS[name]
    assert attributes(STORED[name])["type"] == name


@pytest.mark.parametrize("name", sorted(STORED))
def test_an_event_encoded_again_says_all_that_was_stored(name: str) -> None:
    """New optional fields may come; nothing that was said may go or change."""
    event = decode(name, STORED[name])
    again = encode(_decided(name, event))
    assert attributes(again) == attributes(STORED[name])
    _says_all(json.loads(STORED[name])["data"], json.loads(again)["data"], name)
    assert decode(name, again) == event


@pytest.mark.parametrize("name", sorted(STORED))
def test_an_event_is_written_as_it_is_read(name: str) -> None:
    """Two libraries agree: orjson writes it, pydantic reads it, and would have written the same."""
    event = decode(name, STORED[name])
    assert encode(_decided(name, event)).endswith(b',"data":%b}' % events(name).dump_json(event))


def test_an_amount_of_more_than_64_bits_is_written_in_full() -> None:
    name = "jumun.order.refund-recorded.v1"
    refund = decode(name, STORED[name])
    assert isinstance(refund, RefundRecorded)
    event = replace(refund, amount=10**30)
    assert decode(name, encode(_decided(name, event))) == event


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_reader_of_today_ignores_what_is_said_tomorrow(name: str) -> None:
    tomorrow = STORED[name].replace(b',"data":{', b',"data":{"not_known_today":[1],', 1)
    assert decode(name, tomorrow) == decode(name, STORED[name])


@pytest.mark.parametrize("name", sorted(STORED))
def test_the_hand_made_event_still_is_what_was_stored(name: str) -> None:
    assert decode(name, STORED[name]) == decided()[name].event


def _decided(name: str, event: Event) -> Decided:
    said = attributes(STORED[name])
    return Decided(
        said["sellerid"],
        said["sequence"],
        StreamId(said["subject"]),
        said["version"],
        event,
        Carried(said["correlationid"], said.get("part", 1), said.get("of", 1)),
        said.get("causationid"),
        said.get("inferred", False),
    )


def _says_all(before: Any, after: Any, where: str) -> None:
    if isinstance(before, dict):
        for field, value in cast("dict[str, Any]", before).items():
            assert field in after, f"{where}.{field} is gone"
            _says_all(value, after[field], f"{where}.{field}")
    elif isinstance(before, list):
        items = cast("Sequence[Any]", before)
        assert len(items) == len(after), where
        for index, value in enumerate(items):
            _says_all(value, after[index], f"{where}[{index}]")
    else:
        assert before == after, where


@pytest.mark.parametrize("kind", sorted(DECIDERS))
def test_evolve_leads_to_the_states_it_led_to_when_its_version_was_counted(kind: str) -> None:
    file = state_file(kind)
    assert file.exists(), f"{kind}.evolves was raised: run `python -m tests.golden.make`"
    known = json.loads(file.read_text("utf-8"))
    for stream, state in states(kind).items():
        assert stream in known, "a new stream: run `python -m tests.golden.make`"
        before = decode_state(stream, json.dumps(known[stream]).encode())
        assert before == state, (
            f"the state of {stream} changed: raise `evolves` of {kind}, or old snapshots lie"
        )


@pytest.mark.parametrize("kind", sorted(DECIDERS))
def test_a_snapshot_read_back_is_the_state_it_was_taken_of(kind: str) -> None:
    for stream, state in states(kind).items():
        assert decode_state(stream, encode_state(stream, state)) == state
