"""Ingests all invoice lines, and compares the counts and sums of the read models with the reference.

One message arrives late, after all others.  So one run shows that a missing message is noticed, that the
figures are right after it arrived, and that sending everything again changes nothing.
"""

from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from projections.questions.activity import activity
from projections.questions.net_units import distinct_skus
from projections.questions.net_units import net_units as ranked_units
from projections.questions.orders import orders
from projections.questions.rows import RowReader
from projections.questions.stock import stock
from tests.real_data.real import (
    Run,
    differences,
    facts,
    lines,
    no_tick,
    one_of,
    printed,
    reference_answers,
    run,
    shuffled,
)

SELLER = "online-retail"
LINES = (
    "order.placed",
    "return.recorded",
    "stock.adjusted:written_off",
    "stock.adjusted:found",
    "seller.value-adjusted",
)
"""Each invoice is one fact of one of these kinds.  The lines of `order.placed` are in `order_facts`."""


@dataclass
class KindTotals:
    """The totals of one kind of activity.  Zero if it never happened."""

    facts: int = 0
    events: int = 0
    units: int = 0
    value_micros: int = 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Generator[Run]:
    messages = lines(SELLER)
    late = one_of(messages, "order-placed", "return-recorded", "stock-adjusted")
    with run(tmp_path_factory.mktemp("retail"), messages) as ingested:
        ingested.ingest(line for line in messages if line != late)
        assert differing(ingested), "one message is missing, and nobody notices"
        ingested.ingest([late])
        assert ingested.embedded.engine.moved.states["accepted"] == no_tick(messages)
        yield ingested


def answers(reader: RowReader) -> dict[str, Any]:
    counted = facts(reader)
    totals = {kind: _totals(counted, kind) for kind in LINES}
    placed, returned, written, nothing, value = totals.values()
    amended = _totals(counted, "order.amended")
    sold = orders(reader, channel="online-retail")
    credited = orders(reader, channel="online-retail-credit")
    order_lines = sold.lines.lines + credited.lines.lines
    adjusted = (written, nothing, value)
    micros = placed.value_micros + amended.value_micros - returned.value_micros
    micros += sum(kind.value_micros for kind in adjusted)
    units = sold.lines.pieces + credited.lines.pieces - returned.units + sum(kind.units for kind in adjusted)
    return {
        "lines": order_lines + returned.events + sum(kind.events for kind in adjusted),
        "invoices": sum(kind.facts for kind in totals.values()),
        "cancel_lines": returned.events + credited.lines.lines + nothing.events,
        "cancel_invoices": returned.facts + nothing.facts + placed.facts - sold.orders,
        "writeoff_lines": written.events,
        "writeoff_units": written.units,
        "net_units": units,
        "net_value": Decimal(micros).scaleb(-6),
        "stock_codes": distinct_skus(reader, SELLER) + codes_of_no_goods(reader),
    }


def _totals(counted: dict[str, Any], kind: str) -> KindTotals:
    answer = counted.get(kind)
    return (
        KindTotals(answer.facts, answer.events, answer.units, answer.value_micros) if answer else KindTotals()
    )


def codes_of_no_goods(reader: RowReader) -> int:
    """The number of codes that occur only in value adjustments, not as goods."""
    adjusted = activity(reader, SELLER, kind="seller.value-adjusted", by_reason=True)
    goods = {answer.sku.strip().lower() for answer in stock(reader, SELLER, shops=("none",))}
    return sum(answer.reason.strip().lower() not in goods for answer in adjusted)


def differing(ingested: Run) -> dict[str, Any]:
    expected: dict[str, Any] = dict(reference_answers(SELLER, "retail"))
    actual = ingested.ask(answers)
    actual["net_value"] = printed(actual["net_value"], expected["net_value"])
    with ingested.embedded.read_models.snapshot() as reader:
        for name, ranked in list(expected.items()):
            if name.startswith(("net_units_top", "net_units_bottom")):
                actual[name] = net_units(reader, ranked)
                actual[f"{name} sorted"] = extremes(reader, len(ranked), least="bottom" in name)
                expected[f"{name} sorted"] = sorted(ranked.values())
    return differences(actual, expected)


def net_units(reader: RowReader, codes: dict[str, int]) -> dict[str, Any]:
    """Net units of each of these codes."""
    return {code: answer.totals.net_units for code in codes for answer in stock(reader, SELLER, code)}


def extremes(reader: RowReader, count: int, *, least: bool) -> list[int]:
    """The highest or lowest net units, without the codes: several codes may have the same rank."""
    ranked = ranked_units(reader, SELLER, best=count, worst=count if least else 0)
    return sorted(row.net_units for row in ranked)


def test_every_count_and_sum_is_what_the_reference_says(whole: Run) -> None:
    assert differing(whole) == {}


def test_nothing_had_to_wait_and_nothing_was_contradicted(whole: Run) -> None:
    counted = whole.ask(lambda reader: dict(facts(reader)))
    assert not [kind for kind in counted if "backordered" in kind or "corrected" in kind]


def test_the_net_units_of_all_codes_add_up(whole: Run) -> None:
    """The units of value adjustments belong to no code, so they are added here."""

    def both(reader: RowReader) -> dict[str, Any]:
        ranked = ranked_units(reader, SELLER, best=distinct_skus(reader, SELLER))
        value = _totals(dict(facts(reader)), "seller.value-adjusted")
        return {"by code": sum(row.net_units for row in ranked) + value.units, **answers(reader)}

    totals = whole.ask(both)
    assert totals["by code"] == totals["net_units"]


def test_what_is_sent_again_is_known_and_changes_nothing(whole: Run) -> None:
    before = whole.embedded.read_models.digest()
    assert whole.ingest(whole.lines) == {"duplicate": no_tick(whole.lines)}
    assert whole.embedded.read_models.digest() == before


def test_in_another_order_it_comes_to_the_same(whole: Run, tmp_path: Path) -> None:
    """Only the first eighth of the set: a second run of all of it would take minutes."""
    first = whole.lines[: len(whole.lines) // 8]
    with run(tmp_path / "in order", first) as in_order, run(tmp_path / "mixed", first) as mixed:
        in_order.ingest(first)
        mixed.ingest(shuffled(first))
        assert mixed.orders_unlike(in_order) == []
