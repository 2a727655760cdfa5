"""Converts delivery lines of the health supply chain to messages."""

from datetime import UTC, datetime

import pytest

from consumers.imports.messages import Message
from consumers.imports.scms import day
from consumers.imports.texts import Unusable
from tests.consumers.imports.hand import converted, data_of, kinds, of_kind, rows

COLUMNS = (
    "ID|PO / SO #|ASN/DN #|Country|Shipment Mode|PQ First Sent to Client Date|PO Sent to Vendor Date|"
    "Scheduled Delivery Date|Delivered to Client Date|Delivery Recorded Date|Item Description|"
    "Line Item Quantity|Pack Price"
)
ITEM = "HIV, Reveal G3|19|29"


def messages_of(*dates: str) -> list[Message]:
    """Converts one line for each text `quoted|ordered|scheduled|delivered|recorded`."""
    lines = [f"{number}|SCMS-4|ASN-8|Côte d'Ivoire|Air|{date}|{ITEM}" for number, date in enumerate(dates, 1)]
    return converted("scms", lines=rows(COLUMNS, *lines))


@pytest.mark.parametrize("text", ["2-Jun-06", "6/2/06", "02-Jun-2006", "6/2/2006", " 2-JUN-06 "])
def test_a_date_is_read_in_either_form(text: str) -> None:
    assert day(text) == datetime(2006, 6, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "Date Not Captured", "N/A - From RDC", "31-Foo-06", "2/31/06", "13/13/06"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert day(text) is None


def test_a_line_is_an_order_with_a_promised_day() -> None:
    messages = messages_of("11/1/05|1/2/06|2-Jun-06|3-Jun-06|3-Jun-06")
    assert kinds(messages) == ["order-placed", "order-paid", "shipment-dispatched", "shipment-tracked"]
    placed = of_kind(messages, "order-placed")[0]
    assert (placed["time"], "inferred" in placed) == ("2006-01-02T00:00:00+00:00", False)
    assert placed["data"]["promise_at"] == "2006-06-02T00:00:00+00:00"
    assert data_of(messages, "order-paid")[0] == {
        "channel": "scms",
        "order_id": "1",
        "payment_id": "SCMS-4",
        "amount": 55100,
        "in_full": True,
    }


def test_an_order_of_unknown_date_is_placed_at_its_earliest_known_date() -> None:
    for dates, at in (
        ("Pre-PQ Process|Date Not Captured|2-Jun-06|1-Jun-06|1-Jun-06", "2006-06-01"),
        ("5/1/06|N/A - From RDC|2-Jun-06|1-Jun-06|1-Jun-06", "2006-05-01"),
        ("Pre-PQ Process|7/1/06|2-Jun-06|1-Jun-06|1-Jun-06", "2006-06-01"),
    ):
        placed = of_kind(messages_of(dates), "order-placed")[0]
        assert (placed["time"][:10], placed["inferred"]) == (at, True)


def test_a_line_without_any_date_cannot_be_converted() -> None:
    with pytest.raises(Unusable, match="no date at all"):
        messages_of("-|-|-|-|-")


def test_a_delivery_recorded_late_is_sent_late() -> None:
    messages = messages_of("-|1/2/06|2-Jun-06|3-Jun-06|3-Jun-07", "-|1/2/06|2-Aug-06|3-Aug-06|3-Aug-06")
    tracked = of_kind(messages, "shipment-tracked")
    assert [one["data"]["order_id"] for one in tracked] == ["2", "1"]
    assert tracked[1]["time"] == "2006-06-03T00:00:00+00:00"
    assert tracked[1]["reportedat"] == "2007-06-03T00:00:00+00:00"


def test_a_delivery_without_recording_date_has_no_report_time_and_a_missing_one_no_message() -> None:
    messages = messages_of("-|1/2/06|2-Jun-06|3-Jun-06|Date Not Captured", "-|1/2/06|2-Jun-06|-|-")
    tracked = of_kind(messages, "shipment-tracked")
    assert [one["data"]["order_id"] for one in tracked] == ["1"]
    assert "reportedat" not in tracked[0]


def test_a_line_of_no_pieces_is_an_order_without_lines() -> None:
    row = rows(COLUMNS, "1|P|A|Chad|Air|-|1/2/06|2-Jun-06|3-Jun-06|3-Jun-06|Kit|0|29")
    assert data_of(converted("scms", lines=row), "order-placed")[0]["lines"] == []
