"""Bugs planted into the rules of orders."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from domain.order.allocate import PassShipBy

Where = Callable[[Any, Any], bool]
"""Whether a command, to an order in a state, meets the bug."""


def with_bug(where: Where, what: BaseException) -> Deciders:
    """All rules, with a bug in those of orders."""
    order = DECIDERS["order"]

    def broken(state: Any, command: Any, context: Any) -> Any:
        if where(command, state):
            raise what
        return order.decide(state, command, context)

    return {**DECIDERS, "order": replace(order, decide=broken)}


def deadline_of(sku: str) -> Where:
    """Where it should have been dispatched by now."""

    def there(command: Any, state: Any) -> bool:
        return isinstance(command, PassShipBy) and any(line.sku == sku for line in state.lines.values())

    return there
