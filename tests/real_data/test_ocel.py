"""Ingests the whole event log, and compares the read models' counts of its activities with the reference."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from infra.audit.verify import verify
from projections.questions.rows import RowReader
from tests.real_data.real import (
    Run,
    differences,
    facts,
    lines,
    no_tick,
    one_of,
    reference_answers,
    run,
    shuffled,
)

KINDS = {
    "place order": "order.placed",
    "confirm order": "order.acknowledged",
    "pay order": "order.paid",
    "pick item": "order.noted:picked",
    "item out of stock": "order.noted:stock_missing",
    "reorder item": "order.noted:reordered",
    "payment reminder": "order.noted:payment_reminded",
    "create package": "order.shipment-packed",
    "send package": "order.shipment-dispatched",
    "failed delivery": "order.shipment-tracked:delivery_attempt_failed",
    "package delivered": "order.shipment-tracked:delivered",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Generator[Run]:
    messages = lines("ocel")
    with run(tmp_path_factory.mktemp("ocel"), messages) as ingested:
        assert ingested.ingest(messages)["accepted"] == no_tick(messages)
        yield ingested


def answers(reader: RowReader) -> dict[str, Any]:
    """Counts the facts that a source reported.  Placeholders are inferred, and counted separately."""
    counted = facts(reader)
    return {activity: counted[kind].facts for activity, kind in KINDS.items() if kind in counted}


def differing(ingested: Run) -> dict[str, Any]:
    return differences(ingested.ask(answers), reference_answers("ocel", "ocel_events"))


def test_every_activity_is_counted_as_often_as_the_log_tells_it(whole: Run) -> None:
    assert differing(whole) == {}
    assert set(reference_answers("ocel", "ocel_events")) <= set(whole.ask(answers))


def test_nothing_had_to_wait_for_stock(whole: Run) -> None:
    assert "order.line-backordered" not in whole.ask(lambda reader: dict(facts(reader)))


def test_the_ledger_proves_the_read_models(whole: Run) -> None:
    assert verify(whole.embedded.ledger, whole.embedded.read_models).problems == []


def test_what_is_sent_again_is_known_and_changes_nothing(whole: Run) -> None:
    before = whole.embedded.read_models.digest()
    assert whole.ingest(whole.lines) == {"duplicate": no_tick(whole.lines)}
    assert whole.embedded.read_models.digest() == before


def test_one_message_that_is_missing_is_noticed_and_may_come_late(whole: Run, tmp_path: Path) -> None:
    late = one_of(whole.lines, "order-noted", "order-acknowledged", "order-paid")
    with run(tmp_path, whole.lines) as other:
        other.ingest(line for line in whole.lines if line != late)
        assert differing(other), "one message is missing, and nobody notices"
        other.ingest([late])
        assert differing(other) == {}


def test_in_another_order_it_comes_to_the_same_orders(whole: Run, tmp_path: Path) -> None:
    with run(tmp_path, whole.lines) as other:
        other.ingest(shuffled(whole.lines))
        assert other.orders_unlike(whole) == []
