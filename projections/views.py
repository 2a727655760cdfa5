"""Views in memory beside what is stored of them, and the rows that differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from projections.changes import Changes
from projections.derived_rows import DerivedRows
from projections.fold import Fold, Group, Recorded, Rows
from projections.instants import micros_of
from projections.shared_cells import Pending, SharedCells
from projections.tables import Stored

Follower = tuple[DerivedRows | SharedCells[Any], Callable[[Any], Any]]
"""A read model that follows from the views of a fold, and what of it follows from one."""


@dataclass(slots=True)
class Open:
    """A view in memory, and what is stored of it."""

    fold: Fold[Any]
    view: Any
    head: Any
    stored: dict[tuple[str, Stored], Stored]
    """By table and the rest of their key."""
    derived: list[Any] = field(default_factory=list[Any])
    """What follows from it in other tables, follower by follower."""


Opened = dict[tuple[Fold[Any], Group], Open]
"""Views by fold and key."""


def opened_view(fold: Fold[Any], group: Group, rows: Rows, followers: Sequence[Follower]) -> Open:
    view = fold.opened(group, rows)
    if not rows:
        return Open(fold, view, fold.head(view), {}, [model.nothing for model, _ in followers])
    stored: dict[tuple[str, Stored], Stored] = {}
    for table, row in fold.rows(view):
        kept = table.stored(row)
        stored[table.name, kept[table.within]] = kept
    return Open(fold, view, fold.head(view), stored, [follows(view) for _, follows in followers])


def folded(opened: Open, recorded: Recorded, at: int, seller: Any) -> str:
    """Folds one event into its view.  Returns the currency of the view's amounts."""
    fold, view = opened.fold, opened.view
    if recorded.version == 1:
        fold.begin(view, seller)
    kind = type(recorded.event)
    method = fold.methods.get(kind)
    if method is not None:
        method(fold, view, recorded.event, at)
        if recorded.inferred:
            fold.inferred(view, recorded.event)
        if kind not in fold.silent:
            head = opened.head
            head.position, head.recorded_at = recorded.position, micros_of(recorded.recorded_at)
    return fold.currency(view)


def changed(
    opened: Open,
    followers: Sequence[Follower],
    changes: Changes,
    pending: dict[SharedCells[Any], Pending],
) -> None:
    """Notes which rows of a view, and which that follow from it, are not stored like that."""
    fold, view, known = opened.fold, opened.view, opened.stored
    fold.finish(view)
    for table, row in fold.rows(view):
        after = table.stored(row)
        key = (table.name, after[table.within])
        stored = known.get(key)
        if stored == after:
            continue
        known[key] = after
        if stored is None:
            changes.write(table.name, after)
        else:
            changes.change(table.name, stored, after)
    for index, (model, follows) in enumerate(followers):
        before, now = opened.derived[index], follows(view)
        if before == now:
            continue
        opened.derived[index] = now
        if isinstance(model, DerivedRows):
            model.replace(before, now, changes)
        else:
            pending[model].replace(before, now)
