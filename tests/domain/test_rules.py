"""Each rule is registered once, and none is missing."""

from typing import NamedTuple

import pytest

from domain.catalogue import COMMANDS, DECIDERS, EVENTS
from domain.decider import MessageContext, Rules
from domain.message import Event
from tests.given import CONTEXT, NOON


@pytest.mark.parametrize("kind", sorted(DECIDERS))
def test_an_aggregate_evolves_by_exactly_the_events_that_the_catalogue_names_after_it(kind: str) -> None:
    named = {event for name, event in EVENTS.items() if name.startswith(f"jumun.{kind}.")}
    assert DECIDERS[kind].rules.events == named


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_exactly_one_aggregate_decides_on_a_command(name: str) -> None:
    deciding = [kind for kind, decider in DECIDERS.items() if COMMANDS[name] in decider.rules.commands]
    assert len(deciding) == 1


class Doubled(Event):
    pass


class Halved(Event):
    pass


class Change(NamedTuple):
    by: int


def change(number: int, command: Change, context: MessageContext) -> list[Event]:
    return [Doubled(at=context.at)] * command.by if number else []


def doubled(number: int, _: Doubled) -> int:
    return number * 2


def either(number: int, event: Doubled | Halved) -> int:
    return number * 2 if isinstance(event, Doubled) else number // 2


def test_a_rule_is_found_by_the_class_that_it_is_annotated_with() -> None:
    rules = Rules[int]()
    rules.on_command(change)
    rules.on_event(doubled)
    assert rules.commands == {Change}
    assert rules.events == {Doubled}
    assert rules.decide(1, Change(2), CONTEXT) == [Doubled(at=NOON), Doubled(at=NOON)]
    assert rules.evolve(3, Doubled(at=NOON)) == 6


def test_one_rule_may_stand_for_several_events() -> None:
    rules = Rules[int]()
    rules.on_event(either)
    assert [rules.evolve(8, event) for event in (Doubled(at=NOON), Halved(at=NOON))] == [16, 4]


def test_two_rules_for_one_class_are_refused() -> None:
    rules = Rules[int]()
    rules.on_event(doubled)
    with pytest.raises(ValueError, match="two rules for Doubled"):
        rules.on_event(either)


def test_families_that_share_a_class_are_refused() -> None:
    one, other = Rules[int](), Rules[int]()
    one.on_event(doubled)
    other.on_event(either)
    with pytest.raises(ValueError, match="two rules for Doubled"):
        Rules(one, other)


def test_what_has_no_rule_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Rules[int]().evolve(1, Doubled(at=NOON))
