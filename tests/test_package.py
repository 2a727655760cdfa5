"""Checks our package names, that stored names have no import path, and that events have no limits."""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import metadata, packages_distributions
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from pydantic import TypeAdapter

from domain.catalogue import BUSINESS_KEYS, COMMANDS, EVENTS, NAMES, TIME_PASSED
from domain.message import Command, Event

OURS = ("domain", "projections", "consumers", "infra")
LIMITS = {
    "additionalProperties",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
    "uniqueItems",
}


@pytest.mark.parametrize("name", OURS)
def test_only_our_distribution_owns_our_package_names(name: str) -> None:
    assert set(packages_distributions()[name]) == {"jumun"}


@pytest.mark.parametrize("folder", [*OURS, "benchmarks"])
def test_nothing_but_tests_imports_tests(folder: str) -> None:
    files = (Path(__file__).parents[1] / folder).rglob("*.py")
    assert [
        file for file in files if re.search(r"^\s*(from|import) tests\b", file.read_text("utf-8"), re.M)
    ] == []


def test_it_is_never_uploaded_by_accident() -> None:
    assert "Private :: Do Not Upload" in (metadata("jumun").get_all("Classifier") or [])


@pytest.mark.parametrize("name", [*sorted(COMMANDS), TIME_PASSED])
def test_the_name_of_an_inbound_message_says_so_and_has_no_import_path(name: str) -> None:
    assert re.fullmatch(r"jumun\.inbound\.[a-z]+(-[a-z]+)*\.v[1-9]", name)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_the_name_of_an_event_begins_with_its_aggregate_and_has_no_import_path(name: str) -> None:
    assert re.fullmatch(r"jumun\.(seller|order|stock|return)\.[a-z]+(-[a-z]+)*\.v[1-9]", name)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_name_of_a_wish_ends_in_requested_and_that_of_a_fact_does_not(name: str) -> None:
    wishes = name.removesuffix(".v1").endswith("-requested")
    is_fact_of_a_wish = name == "jumun.inbound.cancel-requested.v1"  # a fact: the buyer asked
    assert COMMANDS[name].is_wish == (wishes and not is_fact_of_a_wish)


def test_each_event_has_one_name() -> None:
    assert len(NAMES) == len(EVENTS)


def test_every_event_and_every_command_class_has_a_name() -> None:
    assert _concrete(Event) == set(EVENTS.values())
    assert _concrete(Command) == set(COMMANDS.values())


@pytest.mark.parametrize("name", sorted(BUSINESS_KEYS))
def test_a_message_with_a_business_key_requires_that_field(name: str) -> None:
    assert COMMANDS[name].model_fields[BUSINESS_KEYS[name]].is_required()


Kind = TypeVar("Kind")
HOLDS_DOCUMENTS = {"jumun.seller.opened.v1", "jumun.seller.policy-adopted.v1"}
"""They have whole policy documents, parsed by the models of the documents.  ADR 7 explains this exception."""


@pytest.mark.parametrize("name", sorted(set(EVENTS) - HOLDS_DOCUMENTS))
def test_an_event_has_no_limits_so_that_history_stays_readable(name: str) -> None:
    assert sorted(set(_limits(TypeAdapter(EVENTS[name]).json_schema()))) == []


def _limits(schema: Any, where: str = "") -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in cast("dict[str, Any]", schema).items():
            in_properties = where.endswith(("properties", "$defs"))
            if key in LIMITS and not in_properties and (key != "additionalProperties" or value is False):
                yield f"{where} {key}"
            yield from _limits(value, key if in_properties else f"{where}/{key}")
    elif isinstance(schema, list):
        for value in cast("Sequence[Any]", schema):
            yield from _limits(value, where)


def _concrete(kind: type[Kind]) -> set[type[Kind]]:
    """The concrete classes: of the domain, and without a subclass in it."""
    below = {sub for sub in kind.__subclasses__() if sub.__module__.startswith("domain.")}
    deeper = [_concrete(sub) for sub in below]
    return set[type[Kind]]().union(*deeper) if below else {kind}
