"""Rows and checkpoint are written together, once per event.  Changes by hand are found."""

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.read_models.checkpoint import CheckpointMismatch
from infra.read_models.sizes import SIZES, Sizes
from infra.read_models.store import ReadModels
from projections.verify import recount
from tests.infra.read_models.conftest import Database
from tests.projections.story import Story, at, together
from tests.projections.test_folds import EVERYTHING, placed, received

LAST = EVERYTHING[-1].position


class Crash(Exception):
    pass


def test_tables_of_an_older_schema_are_folded_again(database: Database) -> None:
    old = database.models()
    old.apply(EVERYTHING, after=0)
    old.close()
    same = database.models()
    assert same.position() == LAST
    same.close()
    database.by_hand("UPDATE shape SET made_of = 'another build'")
    new = database.models()
    assert new.position() == 0
    new.apply(EVERYTHING, after=0)
    assert new.digest() == recount(EVERYTHING).digests
    new.close()


def test_stored_rows_equal_a_recount(models: ReadModels) -> None:
    models.apply(EVERYTHING, after=0)
    assert models.position() == LAST
    assert models.digest() == recount(EVERYTHING).digests
    assert models.verify(EVERYTHING) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.sets(st.integers(1, LAST - 1), max_size=6),
    kept=st.sampled_from([1, 3, 1_000]),
    again=st.booleans(),
)
def test_any_split_any_cache_and_any_restart_give_the_same_rows(
    database: Database, cuts: set[int], kept: int, again: bool
) -> None:
    database.clear()
    models = database.models(sizes=Sizes(views=kept))
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), LAST], strict=True):
        if again:
            models.close()
            models = database.models(sizes=Sizes(views=kept))
        models.apply(EVERYTHING[first:last], after=first)
    digests = models.digest()
    models.close()
    assert digests == recount(EVERYTHING).digests


@pytest.mark.parametrize("few", [1, 3, SIZES.few_rows])
def test_rows_written_by_column_updates_equal_a_recount(database: Database, few: int) -> None:
    database.clear()
    with closing(database.models(sizes=Sizes(few_rows=few))) as models:
        for first in range(0, LAST, 10):
            models.apply(EVERYTHING[first : first + 10], after=first)
        assert models.verify(EVERYTHING) == []


def test_events_that_are_sent_twice_are_applied_once(models: ReadModels) -> None:
    models.apply(EVERYTHING[:50], after=0)
    models.apply(EVERYTHING[20:], after=50)
    assert models.verify(EVERYTHING) == []


def test_a_gap_before_the_batch_is_refused(models: ReadModels) -> None:
    models.apply(EVERYTHING[:10], after=0)
    with pytest.raises(CheckpointMismatch) as refused:
        models.apply(EVERYTHING[20:], after=20)
    assert (refused.value.after, refused.value.position) == (20, 10)
    models.apply(EVERYTHING[10:], after=10)
    assert models.verify(EVERYTHING) == []


def test_a_zombie_projector_is_rolled_back(database: Database, models: ReadModels) -> None:
    zombie = database.models()
    zombie.apply(EVERYTHING[:30], after=0)
    models.apply(EVERYTHING[30:40], after=30)
    with pytest.raises(CheckpointMismatch):
        zombie.apply(EVERYTHING[30:60], after=30)
    models.apply(EVERYTHING[40:], after=40)
    zombie.close()
    assert models.verify(EVERYTHING) == []


def test_a_projector_that_takes_over_again_drops_its_cache(database: Database, models: ReadModels) -> None:
    story = (
        Story()
        .handle(received(name="1"), at())
        .handle(received(name="2"), at())
        .handle(received(name="3"), at())
    )
    first, second = (index for index, event in enumerate(story.events) if event.version in {2, 3})
    models.apply(story.events[:first], after=0)
    other = database.models()
    other.apply(story.events[first:second], after=first)
    other.close()
    models.apply(story.events[second:], after=second)
    assert models.verify(story.events) == []


@pytest.mark.parametrize("point", ["before", "within", "after"])
def test_a_crash_leaves_all_of_a_batch_or_nothing(database: Database, point: str) -> None:
    armed = [False]

    def fault(at_: str) -> None:
        if armed[0] and at_ == f"read_models.{point}":
            armed[0] = False
            raise Crash

    models = database.models(faults=fault)
    models.apply(EVERYTHING[:40], after=0)
    armed[0] = True
    with pytest.raises(Crash):
        models.apply(EVERYTHING[40:], after=40)
    position = models.position()
    assert position == (LAST if point == "after" else 40)
    models.apply(EVERYTHING[position:], after=position)
    assert models.verify(EVERYTHING) == []
    models.close()


def test_a_row_changed_by_hand_is_found(database: Database, models: ReadModels) -> None:
    models.apply(EVERYTHING, after=0)
    before = models.digest()
    database.by_hand("UPDATE order_facts SET delivered = delivered + 1 WHERE order_id = '1'")
    assert models.digest()["order_facts"] != before["order_facts"]
    (difference,) = models.verify(EVERYTHING)
    assert (difference.table, difference.key[3], difference.columns) == ("order_facts", "1", ["delivered"])


@pytest.mark.parametrize("sql", ["DELETE FROM activity WHERE kind = 'order.paid'", "DELETE FROM parcels"])
def test_a_row_removed_by_hand_is_found(database: Database, models: ReadModels, sql: str) -> None:
    models.apply(EVERYTHING, after=0)
    database.by_hand(sql)
    (difference,) = models.verify(EVERYTHING)
    assert difference.stored is None
    assert difference.counted is not None


def test_a_rebuild_corrects_everything(database: Database, models: ReadModels) -> None:
    models.apply(EVERYTHING[:50], after=0)
    database.by_hand("DELETE FROM order_status")
    models.rebuild({0: EVERYTHING})
    again = database.models()
    assert (again.position(), again.verify(EVERYTHING)) == (LAST, [])
    again.close()


def test_a_rebuild_in_many_batches_equals_one_in_a_single_batch(database: Database) -> None:
    database.clear()
    with closing(database.models(sizes=Sizes(rebuild_batch=7))) as models:
        models.apply(EVERYTHING[:30], after=0)
        models.rebuild({0: EVERYTHING[:40]})
        models.apply(EVERYTHING[40:], after=40)
        assert (models.position(), models.verify(EVERYTHING)) == (LAST, [])


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_killed_rebuild_leaves_the_old_rows(database: Database, chunk: int) -> None:
    left = [1_000]

    def fault(point: str) -> None:
        left[0] -= point == "read_models.within"
        if not left[0]:
            raise Crash

    models = database.models(faults=fault, sizes=Sizes(rebuild_batch=10))
    models.apply(EVERYTHING[:30], after=0)
    left[0] = chunk
    with pytest.raises(Crash):
        models.rebuild({0: EVERYTHING})
    models.close()
    again = database.models()
    assert (again.position(), again.verify(EVERYTHING[:30])) == (30, [])
    again.apply(EVERYTHING[30:], after=30)
    assert again.verify(EVERYTHING) == []
    again.close()


@pytest.mark.parametrize("point", ["before", "within", "after"])
def test_a_killed_rebuild_of_an_empty_database_continues_at_its_checkpoint(
    database: Database, point: str
) -> None:
    """As the next start does after the file was deleted: batch by batch, from the checkpoint on."""

    armed = [False]

    def fault(at_: str) -> None:
        if armed[0] and at_ == f"read_models.{point}":
            raise Crash

    killed = database.models(faults=fault)
    killed.apply(EVERYTHING[:15], after=0)
    armed[0] = True
    with pytest.raises(Crash):
        killed.apply(EVERYTHING[15:30], after=15)
    killed.close()
    again = database.models()
    position = again.position()
    assert position == (30 if point == "after" else 15)
    again.apply(EVERYTHING[position:], after=position)
    assert (again.position(), again.verify(EVERYTHING)) == (LAST, [])
    again.close()


def test_each_partition_has_its_own_checkpoint(models: ReadModels) -> None:
    stories = [Story(seller=name).handle(received(), at()).handle(placed(), at()) for name in ("a", "b")]
    ledger = together(stories)
    one, other = ([event for event in ledger if event.seller_id == name] for name in ("a", "b"))
    models.apply(other, partition=7, after=0)
    models.apply(one, partition=3, after=0)
    assert (models.position(3), models.position(7), models.position(1)) == (
        one[-1].position,
        other[-1].position,
        0,
    )
    assert models.digest() == recount(ledger).digests
    models.rebuild({3: one, 7: other})
    assert (models.position(3), models.position(7)) == (one[-1].position, other[-1].position)
    assert models.digest() == recount(ledger).digests
    models.rebuild({3: one})
    assert models.position(7) == 0, "a partition without events is folded from its beginning"
    models.apply(other, partition=7, after=0)
    assert models.digest() == recount(ledger).digests
