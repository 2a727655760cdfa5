"""When a stream gets a snapshot."""

import pytest

from consumers.ports import Loaded
from consumers.snapshots import is_due
from domain.stock.state import Reservation, StockItem


def item(size: int) -> StockItem:
    reservations = StockItem().reservations
    for number in range(size):
        reservations = reservations.set(str(number), Reservation(()))
    return StockItem(reservations=reservations)


@pytest.mark.parametrize(
    ("version", "snapshot", "size", "due"),
    [
        (300, 0, 0, False),
        (301, 0, 0, True),
        (401, 100, 0, True),
        (400, 100, 0, False),
        (500, 0, 500, False),
        (501, 0, 500, True),
    ],
)
def test_a_snapshot_is_due_once_a_stream_has_grown_by_more_than_300_events_and_its_size(
    version: int, snapshot: int, size: int, due: bool
) -> None:
    assert is_due(Loaded(version, item(size), snapshot)) == due
