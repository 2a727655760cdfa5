"""How far each partition is folded: moved with the rows, so that nothing is folded twice or left out."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from infra.read_models.schema import CHECKPOINTS


class CheckpointMismatch(Exception):
    """The events do not follow on what is stored: another projector has moved on, or some are missing."""

    def __init__(self, partition: int, after: int, position: int) -> None:
        super().__init__(f"partition {partition} stands at {position}, not at {after}")
        self.partition, self.after, self.position = partition, after, position


def position_of(connection: sa.Connection, partition: int) -> int:
    """Position of the last event of the partition that was folded in."""
    asked = sa.select(CHECKPOINTS.c.position).where(CHECKPOINTS.c.partition == partition)
    return connection.execute(asked).scalar() or 0


def positions_of(connection: sa.Connection) -> dict[int, int]:
    """The place of each partition that anything was folded of."""
    return {row.partition: row.position for row in connection.execute(sa.select(CHECKPOINTS))}


def move(connection: sa.Connection, partition: int, after: int, to: int) -> None:
    """Compare-and-set: of two projectors at the same place, one moves it and the other fails.

    Raises: OutOfPlace.
    """
    if after == 0:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        begun = insert(CHECKPOINTS).values(partition=partition, position=to).on_conflict_do_nothing()
        if connection.execute(begun.returning(CHECKPOINTS.c.position)).first() is not None:
            return
    is_it = (CHECKPOINTS.c.partition == partition, CHECKPOINTS.c.position == after)
    moved = connection.execute(sa.update(CHECKPOINTS).where(*is_it).values(position=to))
    if moved.rowcount != 1:
        raise CheckpointMismatch(partition, after, position_of(connection, partition))
