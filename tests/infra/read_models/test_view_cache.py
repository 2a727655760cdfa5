"""The cache keeps the views of each partition separately, and all of them in bounded memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.read_models.view_cache import ViewCache
from projections.fold import Group, Recorded, Rows
from projections.tables import Table
from tests.projections.story import Story, at
from tests.projections.test_folds import placed, received

PARTITIONS = 48


class Loads:
    """A loader that counts the loaded groups and has no stored rows."""

    def __init__(self) -> None:
        self.streams = 0

    def __call__(self, tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
        self.streams += len(groups) if tables[0].name in {"sellers", "order_status"} else 0
        return {}


def story(number: int) -> list[Recorded]:
    seller = Story(seller=f"seller-{number}").handle(received(), at()).handle(placed(), at())
    return seller.events


def fold(views: ViewCache, partition: int, events: Sequence[Recorded], after: int) -> None:
    projection = views.take(partition, after)
    projection.fold(events)
    views.keep(partition, events[-1].position, projection)


def test_a_partition_with_another_checkpoint_loses_its_own_views_and_no_others() -> None:
    loads = Loads()
    views = ViewCache(loads, 10_000)
    stories = [story(number) for number in range(PARTITIONS)]
    for partition, events in enumerate(stories):
        fold(views, partition, events[:-1], 0)
    loads.streams = 0
    for partition, events in enumerate(stories):
        fold(views, partition, events[-1:], events[-2].position + (partition == 7))
    assert loads.streams > 0
    once = loads.streams
    fold(views, 7, stories[7][-1:], 0)
    assert loads.streams == 2 * once, "only the views of one partition, both times"


def test_views_of_a_failed_fold_are_not_kept() -> None:
    loads = Loads()
    views = ViewCache(loads, 10_000)
    events = story(1)
    fold(views, 1, events[:-1], 0)
    views.take(1, events[-2].position)  # then the fold fails
    loads.streams = 0
    fold(views, 1, events[-1:], events[-2].position)
    assert loads.streams > 0


def test_all_partitions_together_keep_at_most_the_limit() -> None:
    most = 30
    views = ViewCache(Loads(), most)
    held: list[int] = []
    for partition in range(PARTITIONS):
        fold(views, partition, story(partition), 0)
        held = [projection.kept for _, projection in views.by_partition.values()]
        assert sum(held) <= most
    assert held[-1] > 0, "the views of the partition that was folded last"
    assert held[0] == 0
