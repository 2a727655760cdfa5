"""The fence: of two writers of one partition, one is stopped."""

import pytest

from consumers.ports import Stale
from infra.event_store.fence import check_offset


def test_a_batch_that_begins_at_the_next_offset_may_be_written() -> None:
    check_offset(7, 7)


@pytest.mark.parametrize("from_offset", [0, 6, 8])
def test_a_zombie_s_batch_is_refused_whether_it_is_behind_or_ahead(from_offset: int) -> None:
    with pytest.raises(Stale, match=f"next offset is 7, this batch begins at {from_offset}"):
        check_offset(7, from_offset)
