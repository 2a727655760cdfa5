"""Bugs planted into the rules of orders."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from domain import catalogue
from domain.order.allocate import PassShipBy

Where = Callable[[Any, Any], bool]
"""Whether a command, to an order in a state, meets the bug."""


@contextmanager
def planted(where: Where, what: BaseException) -> Generator[None]:
    order = catalogue.DECIDERS["order"]

    def broken(state: Any, command: Any, told: Any) -> Any:
        if where(command, state):
            raise what
        return order.decide(state, command, told)

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(catalogue.DECIDERS, "order", type(order)(order.start, broken, order.evolve))
        yield


def deadline_of(sku: str) -> Where:
    """Where it should have been dispatched by now."""

    def there(command: Any, state: Any) -> bool:
        return isinstance(command, PassShipBy) and any(line.sku == sku for line in state.lines.values())

    return there
