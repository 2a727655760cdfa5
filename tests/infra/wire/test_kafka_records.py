"""Events and outcomes as Kafka records: the exact bytes, and how they are parsed."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from consumers.ports import Carried, Decided
from domain.stock.state import StockReceived
from domain.streams import StreamId
from infra.kafka.ports import STRUCTURED, Outgoing, Record
from infra.settings import TOPIC_NAMES, TopicName
from infra.wire.kafka_records import (
    LedgerPosition,
    event_record,
    inbound_message,
    ledger_position,
    outcome_number,
    outcome_record,
    record_ref,
    recorded,
    stored_bytes,
)
from infra.wire.stored_events import encode
from infra.wire.stored_outcomes import StoredOutcome
from tests.given import NOON

CHAIR = StreamId("stock/acme/CHAIR")
AT = "2026-03-12T00:00:00+00:00"
POSITION = LedgerPosition(7, 5, AT, "ledger-1")
TOPICS: dict[TopicName, str] = {name: f"jumun.{name}" for name in TOPIC_NAMES}
ACCEPTED = StoredOutcome(
    3, 2, "accepted", "parked", "acme", "shop", "m1", "in", None, None, 0,
    12, "ab", "acme:1", "acme:2", 41, 42,
)  # fmt: skip


def test_an_event_is_sent_as_it_is_stored_with_its_position_at_the_end() -> None:
    record = event_record("jumun.ledger", 3, CHAIR, b'{"id":"acme:1","data":{"a":1}}', POSITION)
    assert record == Outgoing(
        "jumun.ledger",
        3,
        b"acme",
        b'{"id":"acme:1","data":{"a":1},"position":7,"previous":5,'
        b'"recordedat":"2026-03-12T00:00:00+00:00","ledgerid":"ledger-1"}',
        STRUCTURED,
    )
    assert json.loads(record.value)["position"] == 7


texts = st.text(max_size=20).map(json.dumps)
positions = st.builds(
    LedgerPosition,
    position=st.integers(1, 2**62),
    previous=st.integers(0, 2**62),
    recorded_at=st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    ledger_id=st.uuids().map(str),
)


@given(text=texts | st.just(json.dumps(',"position":1}')), position=positions)
def test_position_and_stored_bytes_are_parsed_with_any_event(text: str, position: LedgerPosition) -> None:
    state = f'{{"id":"acme:1","data":{{"note":{text}}}}}'.encode()
    value = event_record("ledger", 0, CHAIR, state, position).value
    assert ledger_position(value) == position
    assert stored_bytes(value) == state


def test_an_event_is_folded_as_it_was_decided() -> None:
    event = StockReceived(at=NOON, receipt_id="r", location="main", pieces=4, reason="purchase")
    decided = Decided("acme", 9, CHAIR, 2, event, Carried("shop in-1", 1, 3), None, inferred=True)
    value = event_record("ledger", 0, CHAIR, encode(decided), POSITION).value
    event_read = recorded(value, ledger_position(value))
    assert (event_read.position, event_read.recorded_at) == (7, datetime(2026, 3, 12, tzinfo=UTC))
    assert (event_read.seller_id, event_read.stream, event_read.version, event_read.sequence) == (
        "acme",
        CHAIR,
        2,
        9,
    )
    assert (event_read.event, event_read.inferred, event_read.part, event_read.of) == (event, True, 1, 3)


def test_an_outcome_names_its_message_its_events_and_its_inbound_record() -> None:
    record = outcome_record(TOPICS, 6, ACCEPTED, AT, "ledger-1")
    assert (record.topic, record.partition, record.key) == ("jumun.outcomes", 6, b"acme")
    assert record.value == (
        b'{"specversion":"1.0","id":"ledger-1:3","source":"jumun","type":"jumun.outcome.v1",'
        b'"time":"2026-03-12T00:00:00+00:00","sellerid":"acme","datacontenttype":"application/json",'
        b'"data":{"number":3,"state":"accepted","was":"parked","source":"shop","id":"m1","type":"in",'
        b'"retryable":false,"offset":12,"sha256":"ab","first_event":"acme:1","last_event":"acme:2",'
        b'"first_position":41,"last_position":42,"topic":"jumun.inbound","partition":6}}'
    )
    assert outcome_number(record.value) == 3


def test_the_outcome_of_an_unreadable_message_goes_to_its_own_topic_without_a_seller() -> None:
    unread = ACCEPTED._replace(
        state="set_aside", was=None, seller_id=None, rule="not_json", data='{"byte": 3}', retryable=1
    )
    record = outcome_record(TOPICS, 6, unread, AT, "ledger-1")
    assert (record.topic, record.key) == ("jumun.set-aside", b"")
    event = json.loads(record.value)
    assert "sellerid" not in event
    assert (event["data"]["rule"], event["data"]["data"]) == ("not_json", {"byte": 3})
    assert event["data"]["retryable"] is True


def test_the_outcome_of_a_message_that_was_parked_has_no_offset_and_no_topic() -> None:
    waited = ACCEPTED._replace(sent_offset=None, sent_hash=None)
    data = json.loads(outcome_record(TOPICS, 6, waited, AT, "ledger-1").value)["data"]
    assert not {"offset", "sha256", "topic", "partition"} & set(data)


def test_a_message_in_either_mode_is_read_as_a_structured_one() -> None:
    headers = (("ce_id", b"1"), ("ce_source", b"shop"), ("content-type", b"application/json"))
    binary = Record(0, 5, b'{"a":1}', headers, 0)
    whole = b'{"id":"1","source":"shop","data":{"a":1}}'
    assert inbound_message(binary) == whole
    assert inbound_message(Record(0, 5, whole, STRUCTURED, 0)) == whole


def test_the_record_ref_of_a_message_has_its_offset_and_hash() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert record_ref(Record(3, 5, b"", (), 0)) == (5, empty)
