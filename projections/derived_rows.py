"""A read model whose rows are derived from the views of folds.  When a view changes, they are replaced."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from projections.changes import Changes
from projections.fold import Fold
from projections.tables import Stored, Table

View = TypeVar("View")
StoredRows = tuple[Stored, ...]
Derive = Callable[[View], StoredRows]


class DerivedRows:
    """A read model with one table.  For each source fold, a function derives rows from one view."""

    nothing: Final[StoredRows] = ()
    """A view without events has no rows."""

    def __init__(self, table: Table[Any]) -> None:
        self.table = table
        self.tables = (table,)
        self.sources: dict[type[Fold[Any]], Callable[[Any], StoredRows]] = {}

    def of(
        self, fold: type[Fold[View]]
    ) -> Callable[[Callable[[View], StoredRows]], Callable[[View], StoredRows]]:
        """Registers the function that derives the rows from one view of `fold`."""

        def register(derive: Derive[View]) -> Derive[View]:
            self.sources[fold] = derive
            return derive

        return register

    def replace(self, before: StoredRows, after: StoredRows, changes: Changes) -> None:
        """Adds the differences between the old and the new rows of a view to `changes`."""
        table = self.table
        obsolete = {table.key_of(row): row for row in before}
        for row in after:
            stored = obsolete.pop(table.key_of(row), None)
            if stored is None:
                changes.write(table.name, row)
            elif stored != row:
                changes.change(table.name, stored, row)
        for key in obsolete:
            changes.delete(table.name, key)
