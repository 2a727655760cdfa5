"""`jumun policies`: what applies to a seller now, and whether a policy can be adopted."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from domain.policies.defaults import EU_DEFAULT
from infra.cli.main import app
from tests.messages import message

POLICY: Final[dict[str, Any]] = EU_DEFAULT.model_dump(mode="json")
ITALIAN: Final = POLICY | {"id": "it", "version": 3, "region": "IT"}


def run(*words: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=stdin)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A seller who has adopted a return policy for Italy."""
    file, home = tmp_path / "messages.ndjson", tmp_path / "home"
    adopting = message(
        "policy-adoption-requested",
        {"policy": ITALIAN},
        id="m1",
        at="2026-03-02T10:00:00+09:00",
        actor="operator:kim",
    )
    file.write_bytes(adopting + b"\n")
    assert run("ingest", file, "--home", home).exit_code == 0
    return home


def test_the_list_names_each_policy_where_it_applies_and_since_when(home: Path) -> None:
    rows = json.loads(run("policies", "list", "--home", home, "--json").stdout)
    by_name = {row["policy"]: row for row in rows}
    assert by_name["it@3"] == {
        "seller": "acme",
        "policy": "it@3",
        "kind": "return_policy",
        "channel": "*",
        "dispatch_type": None,
        "region": "IT",
        "since": "2026-03-02T01:00:00+00:00",
        "by": "operator:kim",
    }
    assert (by_name["naver-normal@1"]["channel"], by_name["naver-normal@1"]["by"]) == ("naver", None)
    assert "kr-default@1" not in by_name
    shown = run("policies", "list", "--home", home).output
    assert "it@3" in shown
    assert "2026-03-02 01:00" in shown


@pytest.mark.parametrize("name", ["it", "it@3"])
def test_one_is_shown_with_its_terms(home: Path, name: str) -> None:
    shown = run("policies", "show", name, "--home", home).output.split()
    assert shown[shown.index("window_days") + 1] == "14"
    assert shown[shown.index("payer.seller_fault") + 1] == "seller"
    (row,) = json.loads(run("policies", "show", name, "--home", home, "--json").stdout)
    assert row["terms"] == ITALIAN


def test_another_name_is_answered_with_the_adopted_ones(home: Path) -> None:
    result = run("policies", "show", "it@2", "--home", home)
    assert result.exit_code == 2
    assert "it@3" in result.output


def check(policy: Any) -> Result:
    return run("policies", "check", "-", stdin=json.dumps(policy))


def problems(policy: dict[str, Any]) -> dict[str, str]:
    """The remedy by field."""
    result = run("policies", "check", "-", "--json", stdin=json.dumps(policy))
    listed = {row["field"]: row["remedy"] for row in json.loads(result.stdout)}
    assert result.exit_code == (1 if listed else 0)
    return listed


def test_a_policy_that_can_be_adopted_passes() -> None:
    assert problems(ITALIAN) == {}
    assert "it@3 can be adopted" in check(ITALIAN).output


def test_a_message_that_adopts_a_policy_is_checked_like_the_policy() -> None:
    assert "it@3 can be adopted" in check({"type": "x", "data": {"policy": ITALIAN}}).output


def test_each_problem_has_its_field_and_what_to_do() -> None:
    wrong = ITALIAN | {"window_days": 3, "valid_to": "2030-01-01"}
    assert problems(wrong) == {
        "window_days": "give 14 or more",
        "valid_to": "leave it out, and adopt the next policy when this one ends",
    }
    shown = check(wrong).output
    assert "give 14 or more" in shown
    assert "Directive 2011/83/EU" in " ".join(shown.split())


def test_a_document_that_is_no_policy_is_explained() -> None:
    misspelt = {name: value for name, value in ITALIAN.items() if name != "window_days"} | {"window_dys": 14}
    assert problems(misspelt) == {"window_days": "add it", "window_dys": "did you mean window_days?"}
    assert problems({"kind": "x"}) == {
        "kind": "give one of: promise_policy, stock_policy, return_policy, score_marks"
    }
    assert problems(ITALIAN | {"version": 0}) == {"version": "correct it"}


@pytest.mark.parametrize("text", ["", "[1]", '{"data": {}}'])
def test_a_file_without_a_policy_is_an_error(text: str) -> None:
    assert run("policies", "check", "-", stdin=text).exit_code == 2
    assert run("policies", "check", "/no/such/file").exit_code == 2
