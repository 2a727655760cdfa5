"""A read model whose rows follow from the views of folds: replaced whenever such a view changes."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from projections.changes import Changes
from projections.fold import Fold
from projections.tables import Stored, Table

View = TypeVar("View")
StoredRows = tuple[Stored, ...]
Derive = Callable[[View], StoredRows]


class DerivedRows:
    """Each source says which rows follow from one view of its fold."""

    nothing: Final[StoredRows] = ()
    """What follows from a view of which nothing is known yet."""

    def __init__(self, table: Table[Any]) -> None:
        self.table = table
        self.tables = (table,)
        self.sources: dict[type[Fold[Any]], Callable[[Any], StoredRows]] = {}

    def of(
        self, fold: type[Fold[View]]
    ) -> Callable[[Callable[[View], StoredRows]], Callable[[View], StoredRows]]:
        """Registers the function that gives the rows of one view of `fold`."""

        def register(derive: Derive[View]) -> Derive[View]:
            self.sources[fold] = derive
            return derive

        return register

    def replace(self, before: StoredRows, after: StoredRows, changes: Changes) -> None:
        """Notes how the stored rows of a view change."""
        table = self.table
        gone = {table.key_of(row): row for row in before}
        for row in after:
            stored = gone.pop(table.key_of(row), None)
            if stored is None:
                changes.write(table.name, row)
            elif stored != row:
                changes.change(table.name, stored, row)
        for key in gone:
            changes.delete(table.name, key)
