"""Every refusal and every discrepancy can be looked up."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from domain.catalogue import COMMANDS
from domain.discrepancies import DISCREPANCIES, registered
from domain.errors import Refused
from domain.order import discrepancy as order_discrepancy
from domain.refusals import REFUSALS
from domain.stock import state as stock_state
from tests.given import CONTEXT

ROOT: Final = Path(__file__).parents[2]
RULES: Final = {
    path: path.read_text("utf-8")
    for path in sorted((ROOT / "domain").rglob("*.py"))
    if path.name != "discrepancies.py"
}
"""The files of the domain, without the registry."""
CREATORS: Final = {"domain/order/discrepancy.py", "domain/returns/state.py", "domain/stock/state.py"}
"""The files whose functions create discrepancies of registered kinds only."""
ENDINGS: Final = ("_again_differently", "_restocked", "_after_inspection")
"""Of kinds that a rule puts together."""
NOW: Final = datetime(2026, 3, 9, tzinfo=UTC)


def calls(text: str) -> set[str]:
    """The names of everything that is called."""
    return {
        node.func.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_every_discrepancy_is_created_where_its_kind_is_checked() -> None:
    creating = {
        path.relative_to(ROOT).as_posix()
        for path, text in RULES.items()
        if any(name.endswith("DiscrepancyDetected") for name in calls(text))
    }
    assert creating == CREATORS


def test_a_kind_that_nobody_can_look_up_is_a_bug() -> None:
    unlisted = "no_such_kind"
    with pytest.raises(AssertionError, match=unlisted):
        order_discrepancy.discrepancy(at=NOW, kind=unlisted, subject="x", expected="", observed="")
    with pytest.raises(AssertionError, match=unlisted):
        stock_state.discrepancy(CONTEXT, unlisted, "x")
    assert registered("paid_after_cancel") == "paid_after_cancel"


@pytest.mark.parametrize("kind", DISCREPANCIES)
def test_every_kind_that_is_listed_is_one_of_a_rule(kind: str) -> None:
    begins = next((kind.removesuffix(end) for end in ENDINGS if kind.endswith(end)), kind)
    assert any(f'"{kind}"' in text or f'"{begins}' in text for text in RULES.values())


@pytest.mark.parametrize("kind", DISCREPANCIES)
def test_every_kind_says_what_was_believed_what_was_observed_and_what_to_do(kind: str) -> None:
    assert all(DISCREPANCIES[kind])


def every_refusal() -> set[type[Refused]]:
    return {kind for kind in Refused.__subclasses__() if kind.__module__.startswith("domain.")}


def test_every_refusal_is_listed() -> None:
    assert set(REFUSALS) == every_refusal()


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind().rule)
def test_a_refusal_has_a_sentence_and_names_wishes_only(kind: type[Refused]) -> None:
    assert kind.__doc__
    assert REFUSALS[kind].remedy
    for name in REFUSALS[kind].when:
        assert COMMANDS[f"jumun.inbound.{name}.v1"].is_wish
