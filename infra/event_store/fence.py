"""The fence: a batch must begin where its partition's last commit ended.

It is a compare-and-set on the offset, within the transaction of the commit.  A zombie worker, which believes
that a partition is still its own, is stopped by it: another worker has moved the partition on, so nothing of
the zombie's batch is written.  On PostgreSQL the function `commit_batch` in `postgres/commit.sql` compares,
and raises MOVED_ON.
"""

from typing import Final

from consumers.ports import Stale

MOVED_ON: Final = "JM001"
"""The SQLSTATE by which PostgreSQL says that the offsets differ."""


def check_offset(stands_at: int, from_offset: int) -> None:
    """`stands_at`: next offset of the partition's last commit, 0 if it has none.

    Raises: Stale, when the batch does not begin there.
    """
    if stands_at != from_offset:
        msg = f"the partition stands at {stands_at}, this batch begins at {from_offset}"
        raise Stale(msg)
