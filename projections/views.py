"""Cached views: each view together with its stored rows, to find the rows that changed."""

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
"""A read model derived from the views of a fold, and the function that derives it from one view."""


@dataclass(slots=True)
class CachedView:
    """A view in memory, with its rows as they are stored."""

    fold: Fold[Any]
    view: Any
    head: Any
    stored: dict[tuple[str, Stored], Stored]
    """The stored rows, by table name and the rest of the key."""
    derived: list[Any] = field(default_factory=list[Any])
    """The stored rows or contributions derived from the view, one entry per follower."""


CachedViews = dict[tuple[Fold[Any], Group], CachedView]
"""The cached views, by fold and key."""


def cached_view(fold: Fold[Any], group: Group, rows: Rows, followers: Sequence[Follower]) -> CachedView:
    view = fold.opened(group, rows)
    if not rows:
        return CachedView(fold, view, fold.head(view), {}, [model.nothing for model, _ in followers])
    stored: dict[tuple[str, Stored], Stored] = {}
    for table, row in fold.rows(view):
        values = table.stored(row)
        stored[table.name, values[table.within]] = values
    return CachedView(fold, view, fold.head(view), stored, [derive(view) for _, derive in followers])


def fold_event(cached: CachedView, recorded: Recorded, at: int, seller: Any) -> str:
    """Folds one event into the view.  Returns the currency of the view's amounts."""
    fold, view = cached.fold, cached.view
    if recorded.version == 1:
        fold.begin(view, seller)
    kind = type(recorded.event)
    method = fold.methods.get(kind)
    if method is not None:
        method(fold, view, recorded.event, at)
        if recorded.inferred:
            fold.inferred(view, recorded.event)
        if kind not in fold.silent:
            head = cached.head
            head.position, head.recorded_at = recorded.position, micros_of(recorded.recorded_at)
    return fold.currency(view)


def collect_changes(
    cached: CachedView,
    followers: Sequence[Follower],
    changes: Changes,
    pending: dict[SharedCells[Any], Pending],
) -> None:
    """Adds the changed rows of a view, and those derived from it, to `changes` and `pending`."""
    fold, view, stored_rows = cached.fold, cached.view, cached.stored
    fold.finish(view)
    for table, row in fold.rows(view):
        after = table.stored(row)
        key = (table.name, after[table.within])
        stored = stored_rows.get(key)
        if stored == after:
            continue
        stored_rows[key] = after
        if stored is None:
            changes.write(table.name, after)
        else:
            changes.change(table.name, stored, after)
    for index, (model, derive) in enumerate(followers):
        before, now = cached.derived[index], derive(view)
        if before == now:
            continue
        cached.derived[index] = now
        if isinstance(model, DerivedRows):
            model.replace(before, now, changes)
        else:
            pending[model].replace(before, now)
