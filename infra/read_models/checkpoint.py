"""How far each partition is folded: moved with the rows, so that nothing is folded twice or left out."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from infra.read_models.schema import PLACES


class OutOfPlace(Exception):
    """The events do not follow on what is stored: another projector has moved on, or some are missing."""

    def __init__(self, partition: int, after: int, place: int) -> None:
        super().__init__(f"partition {partition} stands at {place}, not at {after}")
        self.partition, self.after, self.place = partition, after, place


def place_of(connection: sa.Connection, partition: int) -> int:
    """Position of the last event of the partition that was folded in."""
    asked = sa.select(PLACES.c.position).where(PLACES.c.partition == partition)
    return connection.execute(asked).scalar() or 0


def places_of(connection: sa.Connection) -> dict[int, int]:
    """The place of each partition that anything was folded of."""
    return {row.partition: row.position for row in connection.execute(sa.select(PLACES))}


def move(connection: sa.Connection, partition: int, after: int, to: int) -> None:
    """Compare-and-set: of two projectors at the same place, one moves it and the other fails.

    Raises: OutOfPlace.
    """
    if after == 0:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        begun = insert(PLACES).values(partition=partition, position=to).on_conflict_do_nothing()
        if connection.execute(begun.returning(PLACES.c.position)).first() is not None:
            return
    is_it = (PLACES.c.partition == partition, PLACES.c.position == after)
    moved = connection.execute(sa.update(PLACES).where(*is_it).values(position=to))
    if moved.rowcount != 1:
        raise OutOfPlace(partition, after, place_of(connection, partition))
