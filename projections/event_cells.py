"""A read model that counts every event in one cell of its own choice."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from projections.fold import Recorded
from projections.tables import Stored, Table

Cell = TypeVar("Cell")


class EventCells(ABC, Generic[Cell]):
    """Counts a batch in memory first; then its cells are added to the stored ones."""

    def __init__(self, table: Table[Cell]) -> None:
        self.table = table
        self.tables = (table,)

    @abstractmethod
    def count(
        self, counted: dict[Stored, Cell], recorded: Recorded, at: int, seller: Any, currency: str
    ) -> None:
        """Counts one event among the batch's cells by key.

        `at`: microseconds since 1970.  `currency`: of the event's stream; empty where it has none of its own.
        """

    @abstractmethod
    def add(self, stored: dict[Stored, Cell], more: Cell) -> Cell:
        """Adds a batch's cell to those of its group, by the rest of their keys; the cell that took it."""
