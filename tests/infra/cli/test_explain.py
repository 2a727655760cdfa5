"""`jumun explain`: any rule that an answer names can be looked up."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from infra.cli.main import app
from infra.rules import every_rule

ROOT: Final = Path(__file__).parents[3]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["explain", *words])


@pytest.mark.parametrize("rule", [one.rule for one in every_rule()])
def test_every_rule_is_explained(rule: str) -> None:
    result = run(rule)
    assert result.exit_code == 0
    assert rule in result.output
    assert "next: " in result.output


def test_a_refusal_names_its_messages_and_what_to_do() -> None:
    (one,) = json.loads(run("not_paid", "--json").stdout)
    assert one["kind"] == "refusal"
    assert one["when"] == "pack-requested, dispatch-requested"


def test_a_discrepancy_says_what_was_believed_and_what_was_observed() -> None:
    (one,) = json.loads(run("paid_after_cancel", "--json").stdout)
    assert one["sentence"] == "Believed: the order is cancelled. Observed: a payment was captured."


@pytest.mark.parametrize("near", ["return_windw_closed", "return-window-close", "Return window closd"])
def test_a_near_miss_is_answered_with_the_rule(near: str) -> None:
    result = run(near)
    assert result.exit_code == 2
    assert "did you mean return_window_closed" in " ".join(result.output.split())


def test_nothing_alike_is_answered_with_the_list() -> None:
    result = run("zzz")
    assert result.exit_code == 2
    assert "docs/rules.md" in result.output


def test_every_reason_to_set_a_message_aside_is_explained() -> None:
    text = "".join(path.read_text("utf-8") for path in (ROOT / "consumers").glob("*.py"))
    rules = set(re.findall(r'Unreadable\(\s*"(\w+)"', text))
    assert rules
    assert rules <= {one.rule for one in every_rule()}
