"""Ingests all of Olist, and compares the answers of the read models with all reference figures."""

from collections.abc import Generator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from projections.orders.rows import BACKORDERS, ORDER_STATUS
from projections.questions.orders import orders
from projections.questions.rows import RowReader
from tests.real_data.real import (
    Run,
    differences,
    lines,
    no_tick,
    one_of,
    printed,
    reference,
    run,
    shuffled,
)

UNASSIGNED = "unassigned:olist"
OTHERS = ("retail", "scms", "ocel_events")
MEANS = ("delivery_days_fractional", "delivery_days_floor", "approval_hours")
DECIMALS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Generator[Run]:
    messages = lines("olist")
    with run(tmp_path_factory.mktemp("olist"), messages) as ingested:
        assert ingested.ingest(messages)["accepted"] == no_tick(messages)
        yield ingested


def expected() -> dict[str, Any]:
    return {key: value for key, value in reference().items() if key not in OTHERS}


def answers(reader: RowReader) -> dict[str, Any]:
    """The read models' answers to the reference's questions.  Means are rounded to its printed digits."""
    everything = orders(reader, channel="olist")
    delivered = orders(reader, channel="olist", claimed_status="delivered")
    cancelled = orders(reader, channel="olist", claimed_status="canceled").by_seller
    means = {
        "delivery_days_fractional": delivered.delivery_days,
        "delivery_days_floor": delivered.delivery_days_floor,
        "approval_hours": delivered.approval_hours,
    }
    return {
        "orders_by_status": everything.by_claimed_status,
        "delivered_with_date": delivered.delivered,
        "late_by_timestamp": delivered.late_by_timestamp,
        "late_by_calendar_date": delivered.late_by_calendar_day,
        "cancelled_orders_per_seller": {
            seller: orders for seller, orders in cancelled.items() if seller != UNASSIGNED
        },
        "cancelled_orders_without_items": cancelled.get(UNASSIGNED, 0),
        "item_lines_handed_over": everything.lines.handed_over,
        "item_lines_handed_over_after_limit": everything.lines.handed_over_after_limit,
        **{name: printed(mean, Decimal(0), DECIMALS) for name, mean in means.items()},
    }


def differing(ingested: Run) -> dict[str, Any]:
    figures = expected()
    for name in MEANS:
        if name in figures:
            figures[name] = printed(Decimal(figures[name]), Decimal(0), DECIMALS)
    return differences(ingested.ask(answers), figures)


def test_every_figure_is_what_the_reference_says(whole: Run) -> None:
    assert differing(whole) == {}


def test_only_what_was_never_there_had_to_wait(whole: Run) -> None:
    def short(reader: RowReader) -> dict[str, Any]:
        short_orders = (
            reader.get(ORDER_STATUS, row[:4]) for row in reader.columns(BACKORDERS, ORDER_STATUS.key)
        )
        return {str(order and order.claimed_status): order for order in short_orders}

    assert set(whole.ask(short)) <= {"unavailable"}


def test_what_is_sent_again_is_known_and_changes_nothing(whole: Run) -> None:
    before = whole.embedded.read_models.digest()
    assert whole.ingest(whole.lines) == {"duplicate": no_tick(whole.lines)}
    assert whole.embedded.read_models.digest() == before


def test_in_another_order_and_one_of_them_late_it_comes_to_the_same(whole: Run, tmp_path: Path) -> None:
    late = one_of(whole.lines, "order-placed", "order-status-claimed")
    with run(tmp_path, whole.lines) as other:
        other.ingest(line for line in shuffled(whole.lines) if line != late)
        assert differing(other), "one message is missing, and nobody notices"
        other.ingest([late])
        assert differing(other) == {}
        assert other.orders_unlike(whole) == []
