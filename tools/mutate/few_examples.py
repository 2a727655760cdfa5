"""A pytest plugin: Hypothesis tries few examples, always the same ones, and does not simplify them."""

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings

FEW: Final = 20

settings.register_profile(
    "mutate",
    max_examples=FEW,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """State machines have settings of their own."""
    for item in items:
        machine: Any = getattr(item, "cls", None)
        if isinstance(getattr(machine, "settings", None), settings):
            machine.settings = settings(machine.settings, max_examples=FEW)
