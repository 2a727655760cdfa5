"""All read models at once: a batch of events in, the rows that changed out.

Views are kept between batches.  What is missing is asked for through `Load`; without one, nothing was ever
stored, and the same class recounts a ledger in memory.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from domain.streams import seller_stream
from projections.activity import ACTIVITY, ActivityCell, Cells, add, cell_for, count, counted
from projections.fold import Fold, Group, Recorded, Rows
from projections.instants import local_day, micros_of
from projections.kpis import FULFILMENT_KPIS, KpiCell
from projections.orders.fold import Orders
from projections.penalty_risk import PENALTY_RISK
from projections.returns import Returns
from projections.sellers import Sellers
from projections.stock import Stock
from projections.tables import Stored, Table
from projections.views import Changes, Open, Shares, changed, folded, opened_view

FOLDS: Final[dict[str, Fold[Any]]] = {fold.kind: fold for fold in (Sellers(), Stock(), Orders(), Returns())}
TABLES: Final[tuple[Table[Any], ...]] = (
    *(table for fold in FOLDS.values() for table in fold.tables),
    PENALTY_RISK,
    FULFILMENT_KPIS,
    ACTIVITY,
)
Load = Callable[[tuple[Table[Any], ...], Sequence[Group]], Mapping[Group, Rows]]
"""The stored rows of these tables, by group."""


def nothing_stored(tables: tuple[Table[Any], ...], groups: Sequence[Group]) -> Mapping[Group, Rows]:
    del tables, groups
    return {}


class Projection:
    """Views and cells by key, the longest unused first."""

    def __init__(self, load: Load = nothing_stored) -> None:
        self._load = load
        self._views: dict[str, Open] = {}
        self._kpis: dict[Stored, KpiCell] = {}
        self._activity: dict[Stored, Cells] = {}

    def fold(self, batch: Sequence[Recorded]) -> Changes:
        """What the batch changes.  After an exception, throw the projection away."""
        touched = self._open(batch)
        activity: dict[Stored, ActivityCell] = {}
        views = self._views
        sellers = {seller: views[seller_stream(seller)].view for seller in {r.seller_id for r in batch}}
        for recorded in batch:
            seller, event = sellers[recorded.seller_id], recorded.event
            at = micros_of(event.at)
            currency = folded(views[recorded.stream], recorded, at, seller)
            kind, reason, currency, units, value = counted(event, currency)
            key = (recorded.seller_id, local_day(seller.zone, at), kind, reason, currency)
            cell = activity.get(key)
            if cell is None:
                cell = activity[key] = ActivityCell(*key)
            count(cell, recorded, units, value)
        changes = Changes()
        shares = Shares()
        for stream in touched:
            changed(views[stream], changes, shares)
        self._add_shares(shares, changes)
        self._add_activity(activity, changes)
        return changes

    @property
    def kept(self) -> int:
        """How many views are in memory, or cells, if they are more."""
        return max(len(self._views), len(self._kpis), len(self._activity))

    def forget(self, most: int) -> None:
        """Lets go of the views and cells that were not used for longest, until at most so many are kept."""
        for kept in (self._views, self._kpis, self._activity):
            for key in list(kept)[: max(0, len(kept) - most)]:
                del kept[key]  # type: ignore[arg-type]

    def _open(self, batch: Sequence[Recorded]) -> list[str]:
        """The streams of the batch, each with its view in memory, the least lately used first."""
        first = {recorded.stream: recorded.version for recorded in reversed(batch)}
        for seller in {recorded.seller_id for recorded in batch}:
            first.setdefault(seller_stream(seller), 0)
        missing: dict[str, list[tuple[str, Group]]] = {}
        views = self._views
        for stream, version in first.items():
            known = views.pop(stream, None)
            if known is not None:
                views[stream] = known  # used last
                continue
            kind = stream.partition("/")[0]
            fold = FOLDS[kind]
            if version == 1:  # its first event: nothing can be stored of it
                views[stream] = opened_view(fold, fold.group(stream), {})
            else:
                missing.setdefault(kind, []).append((stream, fold.group(stream)))
        for kind, streams in missing.items():
            fold = FOLDS[kind]
            found = self._load(fold.tables, [group for _, group in streams])
            for stream, group in streams:
                views[stream] = opened_view(fold, group, found.get(group, {}))
        return list(first)

    def _add_activity(self, activity: Mapping[Stored, ActivityCell], changes: Changes) -> None:
        days = {key[: ACTIVITY.group] for key in activity}
        missing = [day for day in days if day not in self._activity]
        found = self._load((ACTIVITY,), missing)
        for day in missing:
            rows = found.get(day, {}).get(ACTIVITY.name, ())
            self._activity[day] = {(row.reason, row.currency): row for row in rows}
        touched: dict[Stored, ActivityCell] = {}
        for key, more in activity.items():
            day = key[: ACTIVITY.group]
            cell = cell_for(self._activity[day], more)
            add(cell, more)
            touched[*day, cell.reason, cell.currency] = cell
        for cell in touched.values():
            changes.write(ACTIVITY.name, ACTIVITY.stored(cell))

    def _add_shares(self, shares: Shares, changes: Changes) -> None:
        self._fetch_kpis(list(shares.by_cell))
        for key, signed in shares.by_cell.items():
            cell = self._kpis[key]
            for sign, share in signed:
                cell.add(share, sign)
            if cell.empty:
                changes.delete(FULFILMENT_KPIS.name, key)
            else:
                changes.write(FULFILMENT_KPIS.name, FULFILMENT_KPIS.stored(cell))

    def _fetch_kpis(self, keys: list[Stored]) -> None:
        missing = [key for key in keys if key not in self._kpis]
        found = self._load((FULFILMENT_KPIS,), missing)
        for key in missing:
            rows = found.get(key)
            self._kpis[key] = rows[FULFILMENT_KPIS.name][0] if rows else KpiCell(*key)
