"""Injects bugs into the rules of orders."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from domain.order.allocate import PassShipBy

Where = Callable[[Any, Any], bool]
"""Takes a command and the state of its order.  Returns whether the bug occurs."""


def with_bug(where: Where, what: BaseException) -> Deciders:
    """The deciders of all aggregates, with a bug in that of orders."""
    order = DECIDERS["order"]

    def broken(state: Any, command: Any, context: Any) -> Any:
        if where(command, state):
            raise what
        return order.decide(state, command, context)

    return {**DECIDERS, "order": replace(order, decide=broken)}


def deadline_of(sku: str) -> Where:
    """The bug occurs when the ship-by instant of an order with this SKU passes."""

    def is_deadline(command: Any, state: Any) -> bool:
        return isinstance(command, PassShipBy) and any(line.sku == sku for line in state.lines.values())

    return is_deadline
