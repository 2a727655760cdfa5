"""The fence: a batch is committed only if it begins at the next offset of its partition.

It is a compare-and-set on the offset, in the transaction of the commit.  It stops a zombie worker, which
believes that it still owns a partition: another worker has already committed a later offset, so nothing of
the zombie's batch is written.  On PostgreSQL the function `commit_batch` in `postgres/commit.sql` compares
the offsets and raises OFFSET_MISMATCH.
"""

from typing import Final

from consumers.ports import Stale

OFFSET_MISMATCH: Final = "JM001"
"""The SQLSTATE that `commit_batch` raises when the offsets differ."""


def check_offset(next_offset: int, from_offset: int) -> None:
    """`next_offset`: of the partition's last commit; 0 if it has none.

    Raises: Stale, when the batch does not begin there.
    """
    if next_offset != from_offset:
        msg = f"the partition's next offset is {next_offset}, this batch begins at {from_offset}"
        raise Stale(msg)
