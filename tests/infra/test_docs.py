"""The generated documents match the code, and their examples are valid messages."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from consumers.envelope import Tick, read
from domain.catalogue import COMMANDS, TIME_PASSED
from infra import docs
from infra.examples import EXAMPLES, example
from projections.read_models import TABLES
from projections.tables import markdown

ROOT = Path(__file__).parent.parent.parent
CLOUDEVENTS: dict[str, Any] = json.loads((ROOT / "tests/samples/cloudevents/cloudevents.json").read_text())
EVERY_KIND = [*COMMANDS, TIME_PASSED]


def test_every_message_has_an_example() -> None:
    assert {f"jumun.inbound.{name}.v1" for name in EXAMPLES} == set(COMMANDS)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_an_example_can_be_read(kind: str) -> None:
    message = read(json.dumps(example(kind)).encode(), b"secret")
    assert isinstance(message, Tick) == (kind == TIME_PASSED)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_an_example_is_valid_by_its_schema_and_that_of_cloudevents(kind: str) -> None:
    schema = json.loads((ROOT / "docs/schemas" / f"{kind}.json").read_text("utf-8"))
    jsonschema.validate(example(kind), schema)
    jsonschema.validate(example(kind), CLOUDEVENTS)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_an_unknown_field_breaks_the_printed_schema(kind: str) -> None:
    schema = json.loads((ROOT / "docs/schemas" / f"{kind}.json").read_text("utf-8"))
    wrong = {**example(kind), "data": {**example(kind)["data"], "surprise": 1}}
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(wrong, schema)


def test_the_printed_documents_are_up_to_date() -> None:
    assert (ROOT / "docs/messages.md").read_text("utf-8") == docs.messages()
    assert (ROOT / "docs/events.md").read_text("utf-8") == docs.events()
    assert (ROOT / "docs/rules.md").read_text("utf-8") == docs.rules()
    assert (ROOT / "docs/read-models.md").read_text("utf-8") == markdown(TABLES)
    for name, text in docs.schemas().items():
        assert (ROOT / "docs/schemas" / name).read_text("utf-8") == text + "\n", name


def test_every_edge_case_has_a_test_that_exists_or_a_reason_to_wait() -> None:
    rows = re.findall(
        r"^\| E(\d+) \| .+ \| (.+) \|$", (ROOT / "docs/edge-cases.md").read_text(), re.MULTILINE
    )
    assert [int(number) for number, _ in rows] == list(range(1, 48))
    for number, shown in rows:
        named = re.findall(r"`([a-z_/]+\.py)(?:::(test_\w+))?`", shown)
        assert named or "waits: " in shown, number
        for file, function in named:
            assert f"def {function}" in (ROOT / "tests" / file).read_text(), (file, function)
