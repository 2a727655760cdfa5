"""Each partition's views are kept apart, and all of them together in bounded memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.read_models.view_cache import ViewCache
from projections.fold import Group, Recorded, Rows
from projections.tables import Table
from tests.projections.story import Story, at
from tests.projections.test_folds import placed, received

PARTITIONS = 48


class Loads:
    """Counts what is asked for; nothing was ever stored."""

    def __init__(self) -> None:
        self.streams = 0

    def __call__(self, tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
        self.streams += len(groups) if tables[0].name in {"sellers", "order_status"} else 0
        return {}


def story(number: int) -> list[Recorded]:
    told = Story(seller=f"seller-{number}").handle(received(), at()).handle(placed(), at())
    return told.events


def fold(views: ViewCache, partition: int, events: Sequence[Recorded], after: int) -> None:
    projection = views.take(partition, after)
    projection.fold(events)
    views.keep(partition, events[-1].position, projection)


def test_a_partition_whose_place_is_another_loses_its_own_views_and_no_others() -> None:
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
    assert loads.streams == 2 * once, "the views of one partition, both times"


def test_views_that_a_failure_may_have_spoiled_are_not_brought_back() -> None:
    loads = Loads()
    views = ViewCache(loads, 10_000)
    events = story(1)
    fold(views, 1, events[:-1], 0)
    views.take(1, events[-2].position)  # and the fold failed
    loads.streams = 0
    fold(views, 1, events[-1:], events[-2].position)
    assert loads.streams > 0


def test_all_partitions_together_keep_no_more_than_they_may() -> None:
    most = 30
    views = ViewCache(Loads(), most)
    held: list[int] = []
    for partition in range(PARTITIONS):
        fold(views, partition, story(partition), 0)
        held = [projection.kept for _, projection in views.by_partition.values()]
        assert sum(held) <= most
    assert held[-1] > 0, "who was folded last has his views"
    assert held[0] == 0
