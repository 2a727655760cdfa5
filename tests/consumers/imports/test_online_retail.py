"""Converts invoice lines to messages.  The read models give the same counts and sums as the lines."""

from decimal import Decimal
from pathlib import Path

from consumers.imports.messages import Message
from infra.settings import Settings
from infra.wiring.embedded import writing
from projections.questions.net_units import net_units
from projections.questions.orders import orders
from tests.consumers.imports.hand import converted, data_of, kinds, of_kind, rows
from tests.consumers.imports.running import facts, ingested

COLUMNS = "InvoiceNo|StockCode|Description|Quantity|InvoiceDate|UnitPrice|CustomerID|Country"


AT = "2010-03-01 09:00:00"


def line(invoice: str, code: str, quantity: int, price: str, *, at: str = AT, text: str = "LAMP") -> str:
    return f"{invoice}|{code}|{text}|{quantity}|{at}|{price}|13085|United Kingdom"


def messages_of(*lines: str) -> list[Message]:
    return converted("online-retail", lines=rows(COLUMNS, *lines))


ODD = (
    line("1", "85048", 12, "6.95"),
    line("1", "85048", 12, "6.95"),
    line("1", "47503J ", 1, "0.001"),
    line("1", "47503J", -2, "0", text="damaged"),
    line("1", "D", 1, "-3.50"),
    line("1", "GIFT", 0, "2"),
    line("2", "85048", -4, "0", text=""),
    line("C3", "85048", -1, "6.95"),
    line("C3", "85048", -1, "6.95"),
    line("C3", "M", 2, "373.57"),
    line("C4", "m", 1, "1"),
    line("C5", "85048", 0, "1"),
    line("C6", "never sold", -7, "0.5"),
    line("A7", "B", 1, "-53594.36", text="Adjust bad debt"),
)


def test_a_plain_invoice_is_an_order_that_was_paid_and_sent() -> None:
    messages = messages_of(line("489434", "85048", 12, "6.955"), line("489434", "POST", 1, "18"))
    assert kinds(messages) == ["order-placed", "order-paid", "shipment-dispatched"]
    assert [one["line"] for one in data_of(messages, "order-placed")[0]["lines"]] == ["1", "2"]
    paid = of_kind(messages, "order-paid")[0]
    assert (paid["data"]["amount"], paid["inferred"]) == (10146, True)
    assert paid["time"] == "2010-03-01T09:00:00+00:00"


def test_an_invoice_with_more_lines_than_a_message_allows_is_split() -> None:
    messages = messages_of(*[line("1", "85048", 1, "1") for _ in range(1_201)])
    assert [len(one["lines"]) for one in data_of(messages, "order-amended")] == [500, 201]
    placed = [*of_kind(messages, "order-placed"), *of_kind(messages, "order-amended")]
    assert [(one["part"], one["of"]) for one in placed] == [(1, 3), (2, 3), (3, 3)]
    sent = data_of(messages, "shipment-dispatched")
    assert [(one["shipment_id"], len(one["lines"])) for one in sent] == [("1", 500), ("2", 500), ("3", 201)]


def test_codes_of_many_letters_make_smaller_messages() -> None:
    messages = messages_of(*[line("1", "☃" * 200, 1, "1") for _ in range(500)])
    assert all(len(repr(message).encode()) < 256 * 1024 for message in messages)
    assert len(data_of(messages, "order-amended")) == 2


def test_lines_of_an_invoice_may_be_separated_and_have_different_times() -> None:
    messages = messages_of(
        line("1", "a", 1, "1"), line("2", "a", 1, "1"), line("1", "b", 1, "1", at="2010-03-01 09:01:00")
    )
    assert [one["order_id"] for one in data_of(messages, "order-placed")] == ["1", "2"]
    amended = of_kind(messages, "order-amended")[0]
    assert amended["time"] == "2010-03-01T09:01:00+00:00"
    assert [one["line"] for one in amended["data"]["lines"]] == ["2"]


def test_a_payment_is_never_negative() -> None:
    assert data_of(messages_of(line("1", "D", 1, "-3.50")), "order-paid")[0]["amount"] == 0


def test_a_write_off_without_a_text_has_an_unknown_reason() -> None:
    adjusted = data_of(messages_of(*ODD), "stock-adjusted")
    assert [(one["sku"], one["delta"], one["reason"]) for one in adjusted] == [
        ("47503J", -2, "damaged"),
        ("85048", -4, "unknown"),
        ("85048", 0, "LAMP"),
    ]


def test_identical_returns_are_facts_of_their_own() -> None:
    returned = data_of(messages_of(*ODD), "return-recorded")
    assert [one["return_id"] for one in returned] == ["C3-1", "C3-2", "C6-1"]
    assert returned[0]["reference"] == "C3"


def test_each_invoice_has_one_first_part() -> None:
    first = [
        message
        for kind in ("order-placed", "order-amended", "return-recorded", "stock-adjusted", "value-adjusted")
        for message in of_kind(messages_of(*ODD), kind)
        if message.get("part", 1) == 1
    ]
    assert len(first) == 7


def test_an_empty_set_gives_no_messages() -> None:
    assert messages_of() == []


def test_the_read_models_give_every_count_and_sum_of_the_lines(tmp_path: Path) -> None:
    with writing(Settings(home=tmp_path)) as embedded:
        ingested(embedded, messages_of(*ODD))
        with embedded.read_models.snapshot() as reader:
            activities = facts(reader)
            sold = orders(reader, channel="online-retail")
            credits_ = orders(reader, channel="online-retail-credit")
            net = net_units(reader, "online-retail", best=10)
    placed, returned = activities["order.placed"], activities["return.recorded"]
    written, nothing = activities["stock.adjusted:written_off"], activities["stock.adjusted:found"]
    value = activities["seller.value-adjusted"]
    assert placed.facts + returned.facts + written.facts + nothing.facts + value.facts == 7
    lines = sold.lines.lines + credits_.lines.lines
    assert lines + returned.events + written.events + nothing.events + value.events == len(ODD)
    assert returned.events + credits_.lines.lines + nothing.events == 6, "lines of C invoices"
    assert returned.facts + nothing.facts + placed.facts - sold.orders == 4, "C invoices"
    assert (written.events, written.units, value.units) == (2, -6, 1)
    assert placed.units - returned.units + written.units + value.units == 15
    total = placed.value_micros - returned.value_micros + written.value_micros + value.value_micros
    assert Decimal(total).scaleb(-6) == Decimal("-52700.319")
    assert {one.sku: one.net_units for one in net} == {
        "85048": 18,
        "M": 2,
        "m": 1,
        "47503J·": 1,
        "D": 1,
        "47503J": -2,
        "never sold": -7,
    }
    assert not [kind for kind in activities if "backordered" in kind or "discrepancy" in kind]
