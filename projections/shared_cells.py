"""A read model whose cells are sums of the contributions of many views.

When a view changes, its old contribution is subtracted and the new one is added.  So a late event corrects
past days.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from projections.changes import Changes
from projections.fold import Fold
from projections.tables import Stored, Table

View = TypeVar("View")
Share = tuple[Any, ...]
"""What is added to one cell: the rest of its key, then the amounts.

A plain tuple, because every event of an order creates about a dozen.
"""


class Cell(Protocol):
    """One row that shares are added to."""

    def add(self, share: Any, sign: int) -> None:
        """Adds a share, or with `sign` -1 subtracts it."""
        ...

    @property
    def empty(self) -> bool:
        """True if the cell counts nothing any more.  Then its row is deleted."""
        ...


SomeCell = TypeVar("SomeCell", bound=Cell)


class Contribution(NamedTuple):
    """What one view adds: the common prefix of its cells' keys, and its shares."""

    prefix: Stored
    shares: tuple[Share, ...]


NO_CONTRIBUTION: Final = Contribution((), ())
Contribute = Callable[[View], Contribution]


class SharedCells(Generic[SomeCell]):
    """A read model with one table.  For each source fold, a function computes a view's contribution."""

    nothing: Final = NO_CONTRIBUTION
    """A view without events contributes nothing."""

    def __init__(self, table: Table[SomeCell], key_parts: int) -> None:
        """`key_parts`: how many values of a share complete its cell's key."""
        self.table = table
        self.tables = (table,)
        self.key_parts = key_parts
        self.sources: dict[type[Fold[Any]], Callable[[Any], Contribution]] = {}

    def of(self, fold: type[Fold[View]]) -> Callable[[Contribute[View]], Contribute[View]]:
        """Registers the function that computes the contribution of one view of `fold`."""

        def register(contribute: Contribute[View]) -> Contribute[View]:
            self.sources[fold] = contribute
            return contribute

        return register


class Pending:
    """The shares that a batch adds to and subtracts from the cells of one table, by key."""

    def __init__(self, cells: SharedCells[Any]) -> None:
        self.cells = cells
        self.by_key: dict[Stored, list[tuple[int, Share]]] = {}

    def replace(self, before: Contribution, after: Contribution) -> None:
        """Replaces a contribution.  Shares that are in both are skipped."""
        left = list(before.shares)
        same_prefix = before.prefix == after.prefix
        for share in after.shares:
            if same_prefix and share in left:
                left.remove(share)
            else:
                self._add(after.prefix, share, 1)
        for share in left:
            self._add(before.prefix, share, -1)

    def _add(self, prefix: Stored, share: Share, sign: int) -> None:
        key = (*prefix, *share[: self.cells.key_parts])
        self.by_key.setdefault(key, []).append((sign, share))

    def apply(self, cells: Mapping[Stored, Cell], changes: Changes) -> None:
        """Applies the shares to the cached cells and adds the changed rows to `changes`."""
        table = self.cells.table
        for key, signed in self.by_key.items():
            cell = cells[key]
            for sign, share in signed:
                cell.add(share, sign)
            if cell.empty:
                changes.delete(table.name, key)
            else:
                changes.write(table.name, table.stored(cell))
