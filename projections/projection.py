"""Folds batches of events into all read models and returns the changed rows.

Views are cached between batches; missing ones are loaded with `Load`.  Without `Load` nothing is stored, and
the same class recounts a ledger in memory.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from domain.streams import StreamId
from projections.changes import Changes
from projections.derived_rows import DerivedRows
from projections.event_cells import EventCells
from projections.fold import Fold, Group, Recorded, Rows
from projections.instants import micros_of
from projections.read_models import READ_MODELS, ReadModel
from projections.sellers import Sellers
from projections.shared_cells import Pending, SharedCells
from projections.tables import Stored, Table
from projections.views import CachedView, CachedViews, Follower, cached_view, collect_changes, fold_event

Load = Callable[[tuple[Table[Any], ...], Sequence[Group]], Mapping[Group, Rows]]
"""Loads the stored rows of these tables, by group."""
Streams = dict[str, tuple[CachedView, ...]]
"""The views that the events of each stream change."""


def nothing_stored(tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
    del tables, groups
    return {}


class Projection:
    """All read models, with their views and cells in LRU caches.

    Every row belongs to one seller, so the seller's own view is loaded for each of its events.
    """

    def __init__(self, load: Load = nothing_stored, read_models: Iterable[ReadModel] = READ_MODELS) -> None:
        models = tuple(read_models)
        self._load = load
        self._folds = [model for model in models if isinstance(model, Fold)]
        self._sellers = next(fold for fold in self._folds if isinstance(fold, Sellers))
        self._followers: dict[Fold[Any], tuple[Follower, ...]] = {
            fold: tuple(_followers(fold, models)) for fold in self._folds
        }
        self._shared = [model for model in models if isinstance(model, SharedCells)]
        self._counters = [model for model in models if isinstance(model, EventCells)]
        self._views: CachedViews = {}
        self._cells: dict[SharedCells[Any], dict[Stored, Any]] = {model: {} for model in self._shared}
        self._counter_cells: dict[EventCells[Any], dict[Stored, dict[Stored, Any]]] = {
            model: {} for model in self._counters
        }
        """The cells of each group, by the rest of their key."""

    def fold(self, batch: Sequence[Recorded]) -> Changes:
        """Folds the batch and returns the changed rows.  After an exception, discard the projection."""
        streams = self._open(batch)
        sellers = {seller: self._seller(seller) for seller in {recorded.seller_id for recorded in batch}}
        counters = [(model, dict[Stored, Any]()) for model in self._counters]
        for recorded in batch:
            seller = sellers[recorded.seller_id]
            at = micros_of(recorded.event.at)
            currency = ""
            for view in streams[recorded.stream]:
                currency = fold_event(view, recorded, at, seller) or currency
            for model, cells in counters:
                model.count(cells, recorded, at, seller, currency)
        changes = Changes()
        pending = {model: Pending(model) for model in self._shared}
        for view in {id(view): view for views in streams.values() for view in views}.values():
            collect_changes(view, self._followers[view.fold], changes, pending)
        for contributions in pending.values():
            self._add_shares(contributions, changes)
        for model, cells in counters:
            self._add_counted(model, cells, changes)
        return changes

    @property
    def kept(self) -> int:
        """The size of the largest cache: the number of views, or of cells of one table."""
        return max(map(len, self._caches))

    def forget(self, most: int) -> None:
        """Removes the least recently used views and cells until each cache has at most `most` entries."""
        for cache in self._caches:
            for key in list(cache)[: max(0, len(cache) - most)]:
                del cache[key]

    @property
    def _caches(self) -> list[dict[Any, Any]]:
        return [self._views, *self._cells.values(), *self._counter_cells.values()]

    def _open(self, batch: Sequence[Recorded]) -> Streams:
        """Loads the missing views of the batch.  Returns the views of each stream."""
        first = {recorded.stream: recorded.version for recorded in reversed(batch)}
        for seller in {recorded.seller_id for recorded in batch}:
            first.setdefault(self._sellers.stream(seller), 0)
        missing: dict[Fold[Any], dict[Group, None]] = {}
        keys = {stream: self._keys_of(stream) for stream in first}
        views = self._views
        for stream, version in first.items():
            for key in keys[stream]:
                cached = views.pop(key, None)
                if cached is not None:
                    views[key] = cached  # most recently used
                    continue
                fold, group = key
                if version == 1 and not fold.several_streams:
                    views[key] = cached_view(fold, group, {}, self._followers[fold])
                else:
                    missing.setdefault(fold, {})[group] = None
        for fold, groups in missing.items():
            rows = self._load(fold.tables, list(groups))
            for group in groups:
                views[fold, group] = cached_view(fold, group, rows.get(group, {}), self._followers[fold])
        return {stream: tuple(views[key] for key in keys[stream]) for stream in first}

    def _seller(self, seller_id: str) -> Any:
        fold = self._sellers
        return self._views[fold, fold.group(fold.stream(seller_id))].view

    def _keys_of(self, stream: str) -> list[tuple[Fold[Any], Group]]:
        kind = StreamId(stream).kind
        return [(fold, fold.group(stream)) for fold in self._folds if kind in fold.kinds]

    def _add_counted(
        self, model: EventCells[Any], batch_cells: Mapping[Stored, Any], changes: Changes
    ) -> None:
        groups, table = self._counter_cells[model], model.table
        missing = list({key[: table.group]: None for key in batch_cells if key[: table.group] not in groups})
        stored = self._load(model.tables, missing)
        for group in missing:
            rows = stored.get(group, {}).get(table.name, ())
            groups[group] = {table.stored(row)[table.within]: row for row in rows}
        touched: dict[int, Any] = {}
        for key, batch_cell in batch_cells.items():
            cell = model.add(groups[key[: table.group]], batch_cell)
            touched[id(cell)] = cell
        for cell in touched.values():
            changes.write(table.name, table.stored(cell))

    def _add_shares(self, pending: Pending, changes: Changes) -> None:
        table, cells = pending.cells.table, self._cells[pending.cells]
        missing = [key for key in pending.by_key if key not in cells]
        stored = self._load(pending.cells.tables, missing)
        for key in missing:
            rows = stored.get(key)
            cells[key] = rows[table.name][0] if rows else table.row(*key)
        pending.apply(cells, changes)


def _followers(fold: Fold[Any], models: Iterable[ReadModel]) -> Iterable[Follower]:
    for model in models:
        if isinstance(model, DerivedRows | SharedCells) and type(fold) in model.sources:
            yield model, model.sources[type(fold)]
