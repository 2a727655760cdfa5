"""The checkpoint of each partition: the position of the last folded event.

It is moved in the transaction that writes the rows, so no event is folded twice or skipped.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from infra.read_models.schema import CHECKPOINTS


class CheckpointMismatch(Exception):
    """The events do not follow the checkpoint: another projector has moved it, or events are missing."""

    def __init__(self, partition: int, after: int, position: int) -> None:
        super().__init__(f"the checkpoint of partition {partition} is {position}, not {after}")
        self.partition, self.after, self.position = partition, after, position


def position_of(connection: sa.Connection, partition: int) -> int:
    """The position of the partition's last folded event; 0 if there is none."""
    query = sa.select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.partition == partition)
    return connection.execute(query).scalar() or 0


def positions_of(connection: sa.Connection) -> dict[int, int]:
    """The checkpoint of each partition that has one."""
    return {row.partition: row.position for row in connection.execute(sa.select(CHECKPOINTS))}


def move(connection: sa.Connection, partition: int, after: int, to: int) -> None:
    """Moves a checkpoint by compare-and-set: of two projectors at the same position, one succeeds, one fails.

    Raises: CheckpointMismatch.
    """
    if after == 0:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        first_checkpoint = (
            insert(CHECKPOINTS).values(partition=partition, position=to).on_conflict_do_nothing()
        )
        if connection.execute(first_checkpoint.returning(CHECKPOINTS.c.position)).first() is not None:
            return
    expected = (CHECKPOINTS.c.partition == partition, CHECKPOINTS.c.position == after)
    updated = connection.execute(sa.update(CHECKPOINTS).where(*expected).values(position=to))
    if updated.rowcount != 1:
        raise CheckpointMismatch(partition, after, position_of(connection, partition))
