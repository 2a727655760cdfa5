"""The cache of states: how often a batch loads streams, and that caching changes no decision."""

from collections.abc import Mapping, Sequence

import pytest

from consumers.engine import Engine
from consumers.ports import Loaded
from domain.streams import StreamId
from infra.demo import market
from infra.event_store.memory import MemoryLedger
from infra.wire.stored_events import encode
from tests.consumers.commits import Commits
from tests.messages import dispatched, packed, paid, placed, receipt


class Counting(MemoryLedger):
    """Counts the calls of `load`."""

    loads = 0

    def load(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Loaded]:
        self.loads += 1
        return super().load(streams)


def test_a_batch_loads_the_streams_of_its_messages_and_then_the_stock_of_their_orders() -> None:
    ledger, orders = Counting(), [str(number) for number in range(5)]
    Engine(ledger).handle([receipt(1), *(step(order) for order in orders for step in (placed, paid))])
    ledger.loads = 0
    Engine(ledger).handle([step(order) for order in orders for step in (packed, dispatched)])
    assert ledger.loads == 2


def test_a_cached_stream_is_not_loaded_again() -> None:
    ledger = Counting()
    engine = Engine(ledger)
    engine.handle([receipt(1), placed("1")])
    ledger.loads = 0
    engine.handle([paid("1"), packed("1")])
    assert ledger.loads == 0


@pytest.mark.parametrize("cached", [0, 1, 5])
def test_how_many_streams_are_cached_changes_nothing(cached: int) -> None:
    lines = list(market.messages(40, seed=5))
    few, many = Commits(), Commits()
    for engine in (
        Engine(MemoryLedger(), on_commit=few, cached=cached),
        Engine(MemoryLedger(), on_commit=many),
    ):
        for start in range(0, len(lines), 20):
            engine.handle(lines[start : start + 20])
    assert [encode(event) for event in few.events] == [encode(event) for event in many.events]
    assert few.outcomes == many.outcomes
