"""The rows after the events of an order, a SKU or a return, however the ledger is split into batches."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.order.cancel import CancelLines, DecideCancel, RecordCancellation, RequestCancel
from domain.order.dispatch import RecordDispatch
from domain.order.payment import RecordPayment
from domain.order.place import AcknowledgeOrder, AmendOrder, ClaimStatus, NoteOrder, PlaceOrder
from domain.order.refund import RecordRefund
from domain.order.returns import RequestReturn
from domain.order.review import PostReview
from domain.order.track import RecordTracking
from domain.returns.receive import RecordCollection, RecordInspection, RecordReceipt
from domain.returns.request import DecideReturn, RecordReturn
from domain.seller import RecordValueAdjustment
from domain.stock.book import AdjustStock, CountStock, QuarantineStock, ReceiveStock
from projections.activity import MOST_REASONS, OTHER_REASONS, Activity
from projections.instants import micros_of
from projections.orders.rows import ORDER_FACTS, ORDER_STATUS
from projections.penalty_risk import PENALTY_RISK
from projections.projection import Projection
from projections.read_models import READ_MODELS, TABLES
from projections.returns import RETURN_STATUS
from projections.tables import Table, markdown
from projections.verify import digest, in_batches, recount
from tests.projections.story import Story, at, parsed

BY_NAME: dict[str, Table[Any]] = {table.name: table for table in TABLES}


def rows(story: Story, table: str) -> list[Any]:
    definition = BY_NAME[table]
    return [definition.read(row) for row in recount(story.events).sorted(definition)]


def of(order: str = "1", **fields: Any) -> dict[str, Any]:
    return {"channel": "naver", "order_id": order, **fields}


def line(name: str = "1", pieces: int = 2) -> dict[str, Any]:
    return {"line": name, "pieces": pieces}


def placed(order: str = "1", pieces: int = 2, **fields: Any) -> PlaceOrder:
    lines = [{"line": "1", "sku": "CHAIR", "pieces": pieces, "unit_price": "0.001"}]
    return parsed(PlaceOrder, **of(order, currency="KRW", lines=lines, **fields))


def paid(order: str = "1", name: str = "p") -> RecordPayment:
    return parsed(RecordPayment, **of(order, payment_id=name, amount=10_000))


def sent(order: str = "1", pieces: int = 2) -> RecordDispatch:
    return parsed(RecordDispatch, **of(order, shipment_id="box", lines=[line(pieces=pieces)], carrier="cj"))


def tracked(status: str, order: str = "1") -> RecordTracking:
    return parsed(RecordTracking, **of(order, shipment_id="box", status=status))


def claimed(status: str, order: str = "1") -> ClaimStatus:
    return parsed(ClaimStatus, **of(order, status=status))


def cancelled(reason: str, order: str = "1", pieces: int = 2) -> RecordCancellation:
    return parsed(
        RecordCancellation, **of(order, cancellation_id="c", lines=[line(pieces=pieces)], reason=reason)
    )


def received(pieces: int = 100, name: str = "r") -> ReceiveStock:
    return parsed(ReceiveStock, sku="CHAIR", receipt_id=name, pieces=pieces)


def stocked() -> Story:
    return Story().handle(received(), at(-9))


FACTS = (
    (paid(), at(hours=2)),
    (paid(name="q"), at(hours=2)),
    (claimed("delivered"), at(3)),
    (claimed("shipped"), at(1)),
    (sent(), at(1)),
    (tracked("in_transit"), at(1, 5)),
    (tracked("delivered"), at(2)),
    (tracked("exception"), at(1, 9)),
    (parsed(PostReview, **of(review_id="a", score=2)), at(4)),
    (parsed(PostReview, **of(review_id="b", score=5)), at(5)),
    (parsed(RecordRefund, **of(refund_id="f", amount=500, cause="goodwill")), at(6)),
    (cancelled("out_of_stock"), at(2, 1)),
)


@settings(max_examples=60, deadline=None)
@given(st.permutations(FACTS))
def test_rows_of_an_order_do_not_depend_on_the_order_in_which_its_facts_arrive(facts: list[Any]) -> None:
    def rows_after(facts: list[Any]) -> list[Any]:
        story = stocked().handle(placed(promise_at=at(2)), at())
        for command, when in facts:
            story.handle(command, when)
        all_rows = [*rows(story, ORDER_STATUS.name), *rows(story, ORDER_FACTS.name)]
        return [replace(row, position=0, recorded_at=0) for row in all_rows]

    assert rows_after(facts) == rows_after(list(FACTS))


@pytest.mark.parametrize("table", [ORDER_FACTS, RETURN_STATUS, PENALTY_RISK], ids=lambda table: table.name)
def test_a_fact_has_the_times_of_occurrence_and_recording_its_zone_and_currency(table: Table[Any]) -> None:
    assert {"occurred_at", "recorded_at", "zone", "currency"} <= {column.name for column in table.columns}


def test_a_line_occurred_when_it_was_ordered() -> None:
    more = {"line": "2", "sku": "LAMP", "pieces": 1, "unit_price": "1"}
    story = stocked().handle(placed(), at(1)).handle(paid(), at(2))
    story.handle(parsed(AmendOrder, **of(amendment_id="a", lines=[more])), at(3)).handle(sent(), at(4))
    lines = {row.line: row for row in rows(story, "order_facts")}
    assert (lines["1"].occurred_at, lines["2"].occurred_at) == (micros_of(at(1)), micros_of(at(3)))
    assert lines["2"].placed_at == micros_of(at(1))


def test_a_return_occurred_when_it_was_requested_or_when_it_arrived_unannounced() -> None:
    story = stocked().handle(placed(), at()).handle(sent(), at(1)).handle(tracked("delivered"), at(2))
    _returned(story)
    unasked = {"return_id": "U", "channel": "shop", "sku": "CHAIR", "pieces": 1, "unit_price": "2"}
    story.handle(parsed(RecordReturn, **unasked, currency="GBP"), at(8))
    occurred = {row.return_id: row.occurred_at for row in rows(story, "return_status")}
    assert occurred == {"R": micros_of(at(3)), "U": micros_of(at(8))}


def test_a_delivery_counts_only_while_its_milestone_holds() -> None:
    story = stocked().handle(placed(), at()).handle(sent(), at(1)).handle(tracked("delivered"), at(2))
    assert rows(story, "order_status")[0].status == "delivered"
    story.handle(tracked("in_transit"), at(3))
    row = rows(story, "order_status")[0]
    assert (row.status, row.delivered_at, row.in_transit) == ("shipped", None, 2)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([], "pending_payment"),
        ([paid()], "new"),
        ([paid(), parsed(AcknowledgeOrder, **of())], "acknowledged"),
        ([paid(), sent(pieces=1)], "partially_shipped"),
        ([paid(), sent()], "shipped"),
        ([paid(), sent(), tracked("delivered")], "delivered"),
        ([paid(), sent(), tracked("lost")], "closed"),
        ([paid(), cancelled("fraud", pieces=1)], "partially_cancelled"),
        ([paid(), cancelled("fraud")], "cancelled"),
        ([paid(), cancelled("fraud"), sent()], "shipped"),
    ],
)
def test_the_status_follows_from_where_the_pieces_are(facts: list[Any], status: str) -> None:
    story = stocked().handle(placed(), at())
    for fact in facts:
        story.handle(fact, at(1))
    assert rows(story, "order_status")[0].status == status


def test_an_order_without_lines_has_a_row_and_can_be_cancelled() -> None:
    story = Story(seller="unassigned:olist").handle(parsed(PlaceOrder, **of(currency="BRL")), at())
    story.handle(parsed(RecordCancellation, **of(cancellation_id="c", reason="other")), at(1))
    story.handle(claimed("canceled"), at(1))
    row = rows(story, "order_status")[0]
    assert (row.status, row.claimed_status, row.lines) == ("cancelled", "canceled", 0)
    assert row.cancelled_at is not None


def test_cancelled_pieces_that_were_sent_after_all_count_as_sent() -> None:
    story = stocked().handle(placed(), at()).handle(paid(), at()).handle(cancelled("out_of_stock"), at(1))
    assert rows(story, "order_facts")[0].out_of_stock == 2
    fact = rows(story.handle(sent(), at(2)), "order_facts")[0]
    assert (fact.out_of_stock, fact.out_of_stock_at, fact.cancelled_seller, fact.in_transit) == (
        0,
        None,
        0,
        2,
    )


def test_a_cancel_request_waits_until_it_is_answered() -> None:
    story = stocked().handle(placed(), at()).handle(paid(), at())
    story.handle(parsed(RequestCancel, **of(request_id="q", lines=[line(pieces=1)])), at(1))
    assert rows(story, "order_status")[0].cancel_pending == 1
    story.handle(parsed(DecideCancel, **of(request_id="q", approve=True)), at(2))
    assert rows(story, "cancel_inbox")[0].state == "approved"
    row = rows(story, "order_status")[0]
    assert (row.cancel_pending, row.cancelled) == (0, 1)


def test_a_cancel_request_is_overtaken_by_the_parcel() -> None:
    story = stocked().handle(placed(), at()).handle(paid(), at())
    story.handle(parsed(RequestCancel, **of(request_id="q", lines=[line()])), at(1)).handle(sent(), at(2))
    assert rows(story, "cancel_inbox")[0].state == "overtaken"
    assert rows(story, "order_status")[0].cancel_pending == 0


def test_no_piece_appears_or_vanishes_in_stock() -> None:
    item, level = _busy_stock()
    came = item.received + item.counted + item.adjusted + item.corrected + item.returned_in
    assert came == level.on_hand + level.quarantine + item.shipped + item.scrapped
    assert (item.shipped, item.returned_in, item.written_off, item.net_units) == (2, 2, 3, -3)


def _busy_stock() -> tuple[Any, Any]:
    story = stocked().handle(placed(), at()).handle(paid(), at()).handle(sent(), at(1))
    story.handle(tracked("delivered"), at(2))
    story.handle(parsed(AdjustStock, sku="CHAIR", adjustment_id="a", delta=-3, reason="Damaged"), at(2))
    story.handle(parsed(CountStock, sku="CHAIR", count_id="n", counted=90), at(2))
    story.handle(parsed(QuarantineStock, sku="CHAIR", quarantine_id="k", pieces=4, reason="wet"), at(2))
    _returned(story)
    return rows(story, "stock_items")[0], rows(story, "stock_levels")[0]


def _returned(story: Story) -> None:
    story.handle(parsed(RequestReturn, **of(return_id="R", lines=[line()], reason="defect")), at(3))
    story.handle(parsed(DecideReturn, return_id="R", approve=True), at(3))
    story.handle(parsed(RecordCollection, return_id="R"), at(4)).handle(
        parsed(RecordReceipt, return_id="R"), at(5)
    )
    units = [
        {"line": "1", "pieces": 1, "condition": "new", "disposition": "restock"},
        {"line": "1", "pieces": 1, "condition": "damaged", "disposition": "scrap"},
    ]
    story.handle(parsed(RecordInspection, return_id="R", inspection_id="1", units=units), at(6))
    story.handle(parsed(RecordRefund, **of(refund_id="f", amount=9, cause="return", return_id="R")), at(7))


def test_a_backorder_ends_when_stock_is_received() -> None:
    story = Story().handle(placed(), at()).handle(paid(), at())
    assert rows(story, "backorders")[0].waiting == 2
    row = rows(story.handle(received(), at(1)), "backorders")[0]
    assert (row.waiting, row.waited) == (0, 2)


def test_a_fact_in_several_messages_counts_once_and_inferred_facts_count_separately() -> None:
    story = stocked().handle(placed("1"), at()).handle(placed("2"), at(), inferred=True)
    for part, order in ((1, "1"), (2, "2")):
        note = parsed(NoteOrder, **of(order, note_id="n", kind="picked"))
        story.handle(note, at(1), part=part, of=2)
        guess = parsed(NoteOrder, **of(order, note_id="g", kind="reordered"))
        story.handle(guess, at(1), part=part, of=2, inferred=True)
    cells = {row.kind: row for row in rows(story, "activity")}
    picked, orders, guessed = (
        cells[kind] for kind in ("order.noted:picked", "order.placed", "order.noted:reordered")
    )
    assert (picked.facts, picked.inferred, picked.events) == (1, 0, 2)
    assert (guessed.facts, guessed.inferred, guessed.events) == (0, 1, 2)
    assert (orders.facts, orders.inferred, orders.units, orders.value_micros) == (1, 1, 4, 4_000)


def test_adjustments_are_counted_by_sort_and_reason() -> None:
    damaged = parsed(AdjustStock, sku="CHAIR", adjustment_id="a", delta=-3, reason="Damaged", unit_price="2")
    debt = parsed(
        RecordValueAdjustment,
        adjustment_id="A1",
        channel="shop",
        code="m ",
        pieces=1,
        unit_price="-5.5",
        currency="GBP",
        reason="bad debt",
    )
    cells = {row.kind: row for row in rows(stocked().handle(damaged, at()).handle(debt, at()), "activity")}
    written = cells["stock.adjusted:written_off"]
    assert (written.reason, written.units, written.value_micros) == ("damaged", -3, -6_000_000)
    value = cells["seller.value-adjusted"]
    assert (value.reason, value.currency, value.value_micros) == ("m", "GBP", -5_500_000)


def written_off(reasons: Iterable[int]) -> Story:
    """A story that writes off one piece for each reason."""
    story = stocked()
    for number, reason in enumerate(reasons):
        fields = {"sku": "CHAIR", "adjustment_id": f"a{number}", "delta": -1, "unit_price": "1"}
        story.handle(parsed(AdjustStock, **fields, reason=f"reason {reason}"), at())
    return story


def test_the_number_of_rows_for_reasons_is_limited() -> None:
    story = written_off([*range(MOST_REASONS + 5), 0])
    cells = [row for row in rows(story, "activity") if row.kind == "stock.adjusted:written_off"]
    assert len(cells) == MOST_REASONS + 1
    assert {row.reason: row.events for row in cells if row.events > 1} == {OTHER_REASONS: 5, "reason 0": 2}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_which_reasons_have_rows_of_their_own_does_not_depend_on_how_the_ledger_is_split(size: int) -> None:
    models = [model for model in READ_MODELS if not isinstance(model, Activity)]
    projection = Projection(read_models=[*models, Activity(most_reasons=2)])
    table, cells = BY_NAME["activity"], dict[Any, Any]()
    for batch in in_batches(written_off([0, 1, 2, 0, 3, 1]).events, size):
        changed = [row for name, row in projection.fold(batch).rows() if name == "activity"]
        cells |= {table.key_of(row): table.read(row) for row in changed}
    counted = {
        cell.reason: cell.events for cell in cells.values() if cell.kind == "stock.adjusted:written_off"
    }
    assert counted == {"reason 0": 2, "reason 1": 2, OTHER_REASONS: 2}


def test_a_return_without_an_order_has_a_row() -> None:
    back = parsed(
        RecordReturn, return_id="x", channel="shop", sku="CHAIR", pieces=3, unit_price="2", currency="GBP"
    )
    row = rows(Story().handle(back, at()), "return_status")[0]
    assert (row.order_id, row.state, row.received, row.value_micros) == (None, "received", 3, 6_000_000)


def everything() -> Story:
    story = Story().handle(received(), at(-9))
    for number in range(4):
        name = str(number)
        story.handle(placed(name, promise_at=at(2)), at(number)).handle(paid(name), at(number, 2))
        story.handle(sent(name), at(number, 9)).handle(tracked("delivered", name), at(number + 2))
    story.handle(tracked("exception", "2"), at(9)).handle(placed("1"), at())
    _returned(story)
    story.handle(placed("z"), at(5)).handle(paid("z"), at(5))
    wish = parsed(CancelLines, **of("z", cancellation_id="k", lines=[line()], reason="out_of_stock"))
    return story.handle(wish, at(6)).pass_time(at(20))


EVERYTHING = everything().events


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(1, len(EVERYTHING) - 1)))
def test_any_split_into_batches_gives_the_same_rows(cuts: set[int]) -> None:
    projection, kept = Projection(), {table.name: dict[Any, Any]() for table in TABLES}
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), len(EVERYTHING)], strict=True):
        changes = projection.fold(EVERYTHING[first:last])
        for name, keys in changes.deleted.items():
            for key in keys:
                kept[name].pop(key, None)
        for name, row in changes.rows():
            kept[name][BY_NAME[name].key_of(row)] = row
    digests = {name: digest(rows[key] for key in sorted(rows)) for name, rows in kept.items()}
    assert digests == recount(EVERYTHING).digests


def test_every_column_has_a_description_and_a_unit() -> None:
    text = markdown(TABLES)
    for table in TABLES:
        assert table.key == tuple(column.name for column in table.columns)[: len(table.key)]
        assert f"## {table.name}" in text
        for column in table.columns:
            assert column.description
            assert column.unit or column.kind != "whole" or column.name == "position", (
                table.name,
                column.name,
            )
