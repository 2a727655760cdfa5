"""The parts of `make mutate` that decide what is changed, and what the result says."""

from typing import Any

import pytest

from tools.mutate.__main__ import sample
from tools.mutate.code import Mutant, decorated_afterwards
from tools.mutate.report import wilson

RULES = '''
class Line:
    @property
    def rest(self):
        """A comment stays."""
        return 3

    @staticmethod
    def fixed():
        return 4


@rules.on_event
@checked("twice")
def shipped(
    state,
):
    return state + 1
'''

DECORATED_AFTERWARDS = '''
class Line:
    def rest(self):
        """A comment stays."""
        return 3
    rest = property(rest)

    @staticmethod
    def fixed():
        return 4


def shipped(
    state,
):
    return state + 1
shipped = rules.on_event(checked('twice')(shipped))
'''


def test_a_function_is_decorated_below_its_body_in_the_same_order() -> None:
    assert decorated_afterwards(RULES) == DECORATED_AFTERWARDS


def mutants(*names: str) -> list[Mutant]:
    return [Mutant(name, "", "", 1, "") for name in names]


def test_a_larger_sample_contains_the_smaller_one_and_new_code_adds_to_it() -> None:
    code = mutants(*(f"old_{number}" for number in range(50)))
    small, large = sample(code, 1, 10), sample(code, 1, 20)
    assert large[:10] == small
    grown = sample([*code, *mutants("new")], 1, 20)
    assert len(set(large) - set(grown)) <= 1
    assert set(sample(code, 2, 20)) != set(large)


@pytest.mark.parametrize(
    ("killed", "of", "low", "high"), [(54, 60, 0.799, 0.953), (10, 10, 0.722, 1.0), (0, 10, 0.0, 0.278)]
)
def test_the_interval_of_a_share_stays_between_0_and_1(killed: int, of: int, low: float, high: float) -> None:
    """Expected values: Wilson's formula, as in tables of the interval."""
    interval: Any = pytest.approx((low, high), abs=0.001)
    assert wilson(killed, of) == interval
