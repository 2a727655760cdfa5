"""Base class of a read model that counts every event in one cell."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from projections.fold import Recorded
from projections.tables import Stored, Table

Cell = TypeVar("Cell")


class EventCells(ABC, Generic[Cell]):
    """Counts the events of a batch in memory, then adds the batch's cells to the stored cells."""

    def __init__(self, table: Table[Cell]) -> None:
        self.table = table
        self.tables = (table,)

    @abstractmethod
    def count(
        self, cells: dict[Stored, Cell], recorded: Recorded, at: int, seller: Any, currency: str
    ) -> None:
        """Counts one event in its cell.  `cells`: the batch's cells, by key.

        `at`: microseconds since 1970.  `currency`: that of the event's stream; empty if it has none.
        """

    @abstractmethod
    def add(self, stored: dict[Stored, Cell], addition: Cell) -> Cell:
        """Adds a batch's cell to a stored cell and returns it.  `stored`: a group's cells by rest of key."""
