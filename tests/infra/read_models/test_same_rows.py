"""The demo's marketplace gives the same rows in both databases, however it is folded."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.engine import Engine
from infra.audit.history import recorded_after
from infra.demo.market import messages
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.sizes import Sizes
from infra.read_models.store import ReadModels
from projections.fold import Recorded
from projections.verify import recount
from tests.infra.read_models.conftest import Database

ORDERS, SEED, BATCH = 200, 7, 500
By = dict[int, list[Recorded]]
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> By:
    """The events of the market by partition, one seller per partition."""
    ledger = SqliteLedger(str(tmp_path_factory.mktemp("market") / "ledger.db"))
    engine, lines = Engine(ledger), messages(ORDERS, SEED)
    for first in range(0, len(lines), BATCH):
        engine.handle(lines[first : first + BATCH])
    events = [recorded for chunk in recorded_after(ledger, 0) for recorded in chunk]
    ledger.close()
    sellers = sorted({recorded.seller_id for recorded in events})
    return {
        partition: [recorded for recorded in events if recorded.seller_id == seller]
        for partition, seller in enumerate(sellers)
    }


@pytest.fixture(scope="module")
def counted(market: By) -> dict[str, str]:
    return recount(event for events in market.values() for event in events).digests


@pytest.fixture
def databases(on_sqlite: Database, on_postgres: Database) -> list[Database]:
    return [on_sqlite, on_postgres]


def folded(models: ReadModels, market: By, sizes: list[int]) -> None:
    """Folds the partitions in turn, in batches of these sizes in turn."""
    left = {partition: list(events) for partition, events in market.items()}
    after = dict.fromkeys(market, 0)
    turn = 0
    while left:
        for partition in list(left):
            size, turn = sizes[turn % len(sizes)], turn + 1
            batch, left[partition] = left[partition][:size], left[partition][size:]
            models.apply(batch, partition=partition, after=after[partition])
            after[partition] = batch[-1].position
            if not left[partition]:
                del left[partition]


@SLOW
@given(sizes=st.lists(st.integers(30, 1_500), min_size=1, max_size=5), kept=st.sampled_from([5, 300, 50_000]))
def test_any_batches_and_any_cache_size_give_the_same_rows_in_both_databases(
    databases: list[Database], market: By, counted: dict[str, str], sizes: list[int], kept: int
) -> None:
    for database in databases:
        database.clear()
        models = database.models(sizes=Sizes(views=kept))
        folded(models, market, sizes)
        assert models.digest() == counted
        models.close()


@SLOW
@given(
    size=st.integers(100, 3_000), rows=st.sampled_from([50, 700, 400_000]), kept=st.sampled_from([5, 50_000])
)
def test_a_rebuild_with_any_sizes_gives_the_same_rows_in_both_databases_and_continues(
    databases: list[Database], market: By, counted: dict[str, str], size: int, rows: int, kept: int
) -> None:
    for database in databases:
        models = database.models(sizes=Sizes(views=kept, rebuild_batch=size, rebuild_rows=rows))
        models.rebuild({partition: events[:-40] for partition, events in market.items()})
        for partition, events in market.items():
            assert models.position(partition) == events[-41].position
            models.apply(events[-40:], partition=partition, after=events[-41].position)
        assert models.digest() == counted
        models.close()
