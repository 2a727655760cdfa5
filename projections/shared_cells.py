"""A read model of cells that many views add to.

What a view adds is subtracted and added again when the view changes, so a late event corrects past days by
construction.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from projections.changes import Changes
from projections.fold import Fold
from projections.tables import Stored, Table

View = TypeVar("View")
Share = tuple[Any, ...]
"""What is added to one cell: the rest of the cell's key, then amounts.

Plain, because every event of an order makes a dozen of them.
"""


class Cell(Protocol):
    """One row that shares are added to."""

    def add(self, share: Any, sign: int) -> None:
        """Adds a share, or with `sign` -1 subtracts it."""
        ...

    @property
    def empty(self) -> bool:
        """Nothing counts in it any more: such a row is deleted, as if it had never been."""
        ...


SomeCell = TypeVar("SomeCell", bound=Cell)


class Contribution(NamedTuple):
    """What one view adds: the beginning of all its cells' keys, and its shares."""

    prefix: Stored
    shares: tuple[Share, ...]


NO_CONTRIBUTION: Final = Contribution((), ())
Contribute = Callable[[View], Contribution]


class SharedCells(Generic[SomeCell]):
    """Each source says what one view of its fold adds to which cells."""

    nothing: Final = NO_CONTRIBUTION
    """What a view adds of which nothing is known yet."""

    def __init__(self, table: Table[SomeCell], key_parts: int) -> None:
        """`key_parts`: how many values of a share complete its cell's key."""
        self.table = table
        self.tables = (table,)
        self.key_parts = key_parts
        self.sources: dict[type[Fold[Any]], Callable[[Any], Contribution]] = {}

    def of(self, fold: type[Fold[View]]) -> Callable[[Contribute[View]], Contribute[View]]:
        """Registers the function that gives what one view of `fold` adds."""

        def register(contribute: Contribute[View]) -> Contribute[View]:
            self.sources[fold] = contribute
            return contribute

        return register


class Pending:
    """What a batch adds to and subtracts from the cells of one table, by key."""

    def __init__(self, cells: SharedCells[Any]) -> None:
        self.cells = cells
        self.by_key: dict[Stored, list[tuple[int, Share]]] = {}

    def replace(self, before: Contribution, after: Contribution) -> None:
        """What both have in common cancels out, and is left alone."""
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

    def apply(self, known: Mapping[Stored, Cell], changes: Changes) -> None:
        """Adds it all to the cells in memory, and notes how the stored rows change."""
        table = self.cells.table
        for key, signed in self.by_key.items():
            cell = known[key]
            for sign, share in signed:
                cell.add(share, sign)
            if cell.empty:
                changes.delete(table.name, key)
            else:
                changes.write(table.name, table.stored(cell))
