"""Converts the event log to messages.  Each event is one fact, even if it concerns several orders."""

from pathlib import Path

import pytest

from consumers.imports.messages import Message
from consumers.imports.ocel_items import listed
from consumers.imports.texts import Unusable
from infra.settings import Settings
from infra.wiring.embedded import writing
from projections.questions.orders import orders
from tests.consumers.imports.hand import converted, data_of, kinds, of_kind, rows
from tests.consumers.imports.running import facts, ingested

COLUMNS = (
    "ocel:eid|ocel:activity|ocel:timestamp|ocel:type:items|ocel:type:orders|ocel:type:packages|"
    "ocel:type:products|price"
)
TWO_ORDERS = (
    "1.0|place order|2019-05-20 07:00:00.000Z|['11','12']|['A']| | |9",
    "2.0|place order|2019-05-20 08:00:00.000Z|['21']|['B']| | |7.5",
    "3.0|confirm order|2019-05-20 09:00:00.000Z| |['A']| | |9",
    "4.0|pay order|2019-05-20 10:00:00.000Z| |['A']| | |9.05",
    "5.0|item out of stock|2019-05-20 11:00:00.000Z|['12']| | | |4",
    "6.0|reorder item|2019-05-20 12:00:00.000Z|['12']| | | |4",
    "7.0|pick item|2019-05-21 12:00:00.000Z|['12']| | |['fan']|4",
    "8.0|payment reminder|2019-05-21 13:00:00.000Z| |['B']| | |7.5",
    "9.0|create package|2019-05-22 12:00:00.000Z|['12','21']| |['P']| |11.5",
    "10.0|send package|2019-05-22 13:00:00.000Z| | |['P']| |11.5",
    "11.0|failed delivery|2019-05-22 14:00:00.000Z| | |['P']| |11.5",
    "12.0|package delivered|2019-05-23 14:00:00.000Z| | |['P']| |11.5",
)
CUT = (
    "5.0|pick item|2019-09-01 11:00:00.000Z|['99']| | | |4",
    "6.0|create package|2019-09-01 12:00:00.000Z|['98','99']| |['P']| |8",
    "7.0|send package|2019-09-01 13:00:00.000Z| | |['P']| |8",
    "8.0|package delivered|2019-09-02 13:00:00.000Z| | |['P']| |8",
    "9.0|failed delivery|2019-09-02 14:00:00.000Z| | |['Q']| |8",
    "10.0|confirm order|2019-09-02 15:00:00.000Z| |['Z']| | |8",
    "11.0|pay order|2019-09-02 16:00:00.000Z| |['Z']| | |8",
)


def messages_of(*events: str) -> list[Message]:
    return converted("ocel", events=rows(COLUMNS, *events))


def counts(tmp_path: Path, *events: str) -> dict[str, tuple[int, int]]:
    """(facts, inferred facts) of each kind of order event."""
    with writing(Settings(home=tmp_path)) as embedded:
        ingested(embedded, messages_of(*events))
        with embedded.read_models.snapshot() as reader:
            answers = facts(reader)
    return {kind: (one.facts, one.inferred) for kind, one in answers.items() if kind.startswith("order.")}


def test_lists_of_ids_are_parsed_in_any_notation() -> None:
    assert listed("['880001','880004','880001']") == ["880001", "880004"]
    assert listed('["a", "b"]') == ["a", "b"]
    assert listed("[1, 2]") == ["1", "2"]
    assert listed("880001") == ["880001"]
    assert listed(" ") == listed("[]") == listed(None) == []


def test_every_activity_is_one_fact(tmp_path: Path) -> None:
    assert {
        kind: count
        for kind, count in counts(tmp_path, *TWO_ORDERS).items()
        if count[0] and "ship-by" not in kind
    } == {
        "order.placed": (2, 0),
        "order.acknowledged": (1, 0),
        "order.paid": (1, 0),
        "order.line-allocated": (2, 0),
        "order.noted:stock_missing": (1, 0),
        "order.noted:reordered": (1, 0),
        "order.noted:picked": (1, 0),
        "order.noted:payment_reminded": (1, 0),
        "order.shipment-packed": (1, 0),
        "order.shipment-dispatched": (1, 0),
        "order.shipment-tracked:delivery_attempt_failed": (1, 0),
        "order.shipment-tracked:delivered": (1, 0),
    }


def test_a_package_becomes_one_message_for_each_order_of_its_items() -> None:
    packed = of_kind(messages_of(*TWO_ORDERS), "shipment-packed")
    assert [(one["data"]["order_id"], one["part"], one["of"]) for one in packed] == [("A", 1, 2), ("B", 2, 2)]
    assert packed[0]["data"]["lines"] == [{"line": "12", "pieces": 1}]


def test_a_dispatch_names_its_lines_so_that_it_needs_no_packing_before() -> None:
    sent = data_of(messages_of(*TWO_ORDERS), "shipment-dispatched")
    assert [one["lines"] for one in sent] == [[{"line": "12", "pieces": 1}], [{"line": "21", "pieces": 1}]]


def test_a_line_is_an_item_and_events_of_that_item_alone_give_its_product_and_price() -> None:
    assert data_of(messages_of(*TWO_ORDERS), "order-placed")[0]["lines"] == [
        {"line": "11", "sku": "11", "pieces": 1, "unit_price": "0"},
        {"line": "12", "sku": "fan", "pieces": 1, "unit_price": "4"},
    ]


def test_an_order_from_before_the_log_gets_a_placeholder(tmp_path: Path) -> None:
    messages = messages_of(*CUT)
    placed = of_kind(messages, "order-placed")
    assert [one["data"]["order_id"] for one in placed] == ["item-99", "item-98", "package-Q", "Z"]
    assert all(one["inferred"] for one in placed)
    assert [one["sku"] for one in placed[0]["data"]["lines"]] == ["99"]
    assert [one["order_id"] for one in data_of(messages, "shipment-dispatched")] == ["item-98", "item-99"]
    counted = counts(tmp_path, *CUT)
    assert counted["order.placed"] == (0, 4)
    assert counted["order.shipment-tracked:delivered"] == (1, 0)
    assert counted["order.shipment-tracked:delivery_attempt_failed"] == (1, 0)
    assert counted["order.noted:picked"] == counted["order.paid"] == counted["order.acknowledged"] == (1, 0)


def test_an_event_may_come_before_the_one_that_names_its_order(tmp_path: Path) -> None:
    messages = messages_of(TWO_ORDERS[6].replace("2019-05-21", "2019-05-19"), *TWO_ORDERS[:6])
    assert kinds(messages)[:2] == ["order-noted", "order-placed"]
    assert data_of(messages, "order-noted")[0]["order_id"] == "A"
    with writing(Settings(home=tmp_path)) as embedded:
        ingested(embedded, messages)
        with embedded.read_models.snapshot() as reader:
            assert orders(reader).orders == 2


def test_an_event_that_names_nothing_has_an_order_of_its_own() -> None:
    messages = messages_of("5.0|pick item|2019-09-01 11:00:00.000Z| | | | |4")
    assert data_of(messages, "order-noted")[0]["order_id"] == "event-5"


def test_event_ids_that_repeat_in_a_second_file_stay_separate() -> None:
    messages = messages_of(TWO_ORDERS[0], TWO_ORDERS[1].replace("2.0|", "1.0|"))
    assert len(of_kind(messages, "order-placed")) == 2


def test_items_that_name_their_order_are_lines_of_its_placeholder() -> None:
    messages = messages_of("5.0|pick item|2019-09-01 11:00:00.000Z|['99']|['Z']| | |4")
    assert data_of(messages, "order-placed")[0]["order_id"] == "Z"
    assert [one["line"] for one in data_of(messages, "order-placed")[0]["lines"]] == ["99"]


def test_an_unknown_activity_is_an_error() -> None:
    with pytest.raises(Unusable, match="unknown activity"):
        messages_of("5.0|sing a song|2019-09-01 11:00:00.000Z|['99']|['Z']| | |4")
