"""Ingests all of SCMS, and compares the answers of the read models with all reference figures."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from infra.audit.verify import verify
from projections.questions.activity import activity
from projections.questions.orders import orders
from projections.questions.rows import RowReader
from tests.real_data.real import Run, differences, lines, no_tick, one_of, reference_answers, run, shuffled


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Generator[Run]:
    messages = lines("scms")
    with run(tmp_path_factory.mktemp("scms"), messages) as ingested:
        assert ingested.ingest(messages) == {"accepted": no_tick(messages)}
        yield ingested


def answers(reader: RowReader) -> dict[str, Any]:
    lines_answer = orders(reader, seller="scms").lines
    return {
        "lines": lines_answer.lines,
        "late": lines_answer.delivered_late,
        "on_the_day": lines_answer.delivered_on_the_day,
        "early": lines_answer.delivered_early,
        "recorded_after_delivery": lines_answer.reported_after_delivery,
        "max_record_lag_days": lines_answer.max_report_lag_days,
    }


def differing(ingested: Run) -> dict[str, Any]:
    return differences(ingested.ask(answers), reference_answers("scms", "scms"))


def test_every_figure_is_what_the_reference_says(whole: Run) -> None:
    assert differing(whole) == {}


def test_nothing_had_to_wait_and_nothing_was_contradicted(whole: Run) -> None:
    def kinds(reader: RowReader) -> dict[str, Any]:
        return {answer.kind: answer.events for answer in activity(reader)}

    assert not [kind for kind in whole.ask(kinds) if "backorder" in kind or "discrepancy" in kind]


def test_the_ledger_proves_the_read_models(whole: Run) -> None:
    assert verify(whole.embedded.ledger, whole.embedded.read_models).problems == []


def test_what_is_sent_again_is_known_and_changes_nothing(whole: Run) -> None:
    before = whole.embedded.read_models.digest()
    assert whole.ingest(whole.lines) == {"duplicate": no_tick(whole.lines)}
    assert whole.embedded.read_models.digest() == before


def test_in_another_order_and_one_of_them_late_it_comes_to_the_same(whole: Run, tmp_path: Path) -> None:
    late = one_of(whole.lines, "order-placed", "shipment-tracked")
    with run(tmp_path, whole.lines) as other:
        other.ingest(line for line in shuffled(whole.lines) if line != late)
        assert differing(other), "one message is missing, and nobody notices"
        other.ingest([late])
        assert differing(other) == {}
        assert other.orders_unlike(whole) == []
