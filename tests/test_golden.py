"""Stored bytes must stay readable for ever, and lead to the same states."""

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


def test_every_name_of_the_catalogue_has_stored_bytes_and_no_stored_name_is_missing() -> None:
    """For a new name run `python -m tests.golden.make`.  Restore a missing name: the history needs it."""
    assert sorted(STORED) == sorted(EVENTS)


@pytest.mark.parametrize("name", sorted(STORED))
def test_stored_bytes_are_an_event_of_their_name(name: str) -> None:
    event = decode(name, STORED[name])
    assert type(event) is EVENTS[name]
    assert attributes(STORED[name])["type"] == name


@pytest.mark.parametrize("name", sorted(STORED))
def test_an_event_encoded_again_has_all_stored_fields(name: str) -> None:
    """New optional fields are allowed; no stored field may disappear or change."""
    event = decode(name, STORED[name])
    again = encode(_decided(name, event))
    assert attributes(again) == attributes(STORED[name])
    _has_all(json.loads(STORED[name])["data"], json.loads(again)["data"], name)
    assert decode(name, again) == event


@pytest.mark.parametrize("name", sorted(STORED))
def test_an_event_is_written_as_it_is_read(name: str) -> None:
    """orjson writes the event and pydantic reads it.  Pydantic would write the same bytes."""
    event = decode(name, STORED[name])
    assert encode(_decided(name, event)).endswith(b',"data":%b}' % events(name).dump_json(event))


def test_an_amount_of_more_than_64_bits_is_written_in_full() -> None:
    name = "jumun.order.refund-recorded.v1"
    refund = decode(name, STORED[name])
    assert isinstance(refund, RefundRecorded)
    event = replace(refund, amount=10**30)
    assert decode(name, encode(_decided(name, event))) == event


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_reader_ignores_fields_that_it_does_not_know(name: str) -> None:
    with_new_field = STORED[name].replace(b',"data":{', b',"data":{"not_known_today":[1],', 1)
    assert decode(name, with_new_field) == decode(name, STORED[name])


@pytest.mark.parametrize("name", sorted(STORED))
def test_the_event_of_make_py_still_equals_the_stored_one(name: str) -> None:
    assert decode(name, STORED[name]) == decided()[name].event


def _decided(name: str, event: Event) -> Decided:
    head = attributes(STORED[name])
    return Decided(
        head["sellerid"],
        head["sequence"],
        StreamId(head["subject"]),
        head["version"],
        event,
        Carried(head["correlationid"], head.get("part", 1), head.get("of", 1)),
        head.get("causationid"),
        head.get("inferred", False),
    )


def _has_all(before: Any, after: Any, where: str) -> None:
    if isinstance(before, dict):
        for field, value in cast("dict[str, Any]", before).items():
            assert field in after, f"{where}.{field} is missing"
            _has_all(value, after[field], f"{where}.{field}")
    elif isinstance(before, list):
        items = cast("Sequence[Any]", before)
        assert len(items) == len(after), where
        for index, value in enumerate(items):
            _has_all(value, after[index], f"{where}[{index}]")
    else:
        assert before == after, where


@pytest.mark.parametrize("kind", sorted(DECIDERS))
def test_evolve_leads_to_the_states_it_led_to_when_its_version_was_counted(kind: str) -> None:
    file = state_file(kind)
    assert file.exists(), f"{kind}.evolves was raised: run `python -m tests.golden.make`"
    stored_states = json.loads(file.read_text("utf-8"))
    for stream, state in states(kind).items():
        assert stream in stored_states, "a new stream: run `python -m tests.golden.make`"
        before = decode_state(stream, json.dumps(stored_states[stream]).encode())
        assert before == state, (
            f"the state of {stream} changed: raise `evolves` of {kind}, or old snapshots are wrong"
        )


@pytest.mark.parametrize("kind", sorted(DECIDERS))
def test_a_snapshot_read_back_is_the_state_it_was_taken_of(kind: str) -> None:
    for stream, state in states(kind).items():
        assert decode_state(stream, encode_state(stream, state)) == state
