"""Injects bugs into the rules: exceptions, and wrong decisions as earlier builds made them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from domain.message import Event
from domain.order.allocate import PassShipBy

Where = Callable[[Any, Any], bool]
"""Takes a command and the state of its order.  Returns whether the bug occurs."""
Change = Callable[[Any, list[Event]], list[Event]]
"""Takes a command and what this build decides on it.  Returns what the earlier build decided."""


def with_bug(where: Where, what: BaseException) -> Deciders:
    """The deciders of all aggregates, with a bug in that of orders."""
    order = DECIDERS["order"]

    def broken(state: Any, command: Any, context: Any) -> Any:
        if where(command, state):
            raise what
        return order.decide(state, command, context)

    return {**DECIDERS, "order": replace(order, decide=broken)}


def deciding(kind: str, change: Change) -> Deciders:
    """The deciders of an earlier build, which decided some commands of one kind of stream otherwise."""
    decider = DECIDERS[kind]

    def decide(state: Any, command: Any, context: Any) -> list[Event]:
        return change(command, decider.decide(state, command, context))

    return {**DECIDERS, kind: replace(decider, decide=decide, decide_with_states=None)}


def without(kind: str, *steps: type) -> Deciders:
    """An earlier build that did not carry out these steps."""
    return deciding(kind, lambda command, events: [] if isinstance(command, steps) else events)


def deadline_of(sku: str) -> Where:
    """The bug occurs when the ship-by instant of an order with this SKU passes."""

    def is_deadline(command: Any, state: Any) -> bool:
        return isinstance(command, PassShipBy) and any(line.sku == sku for line in state.lines.values())

    return is_deadline
