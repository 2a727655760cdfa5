"""Views in memory beside what is stored of them, and the rows that differ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from projections.fold import NOTHING, Derived, Fold, Group, Recorded, Rows, Share
from projections.instants import micros_of
from projections.penalty_risk import PENALTY_RISK
from projections.tables import Stored


@dataclass(slots=True)
class Changes:
    """What a batch makes of the stored rows, by table."""

    written: dict[str, list[Stored]] = field(default_factory=dict[str, list[Stored]])
    """Rows that are new, or of which it is not known what is stored."""
    changed: dict[str, list[tuple[Stored, Stored]]] = field(
        default_factory=dict[str, list[tuple[Stored, Stored]]]
    )
    """Rows as they are stored, and as they shall be."""
    deleted: dict[str, list[Stored]] = field(default_factory=dict[str, list[Stored]])

    def write(self, table: str, row: Stored) -> None:
        self.written.setdefault(table, []).append(row)

    def change(self, table: str, before: Stored, after: Stored) -> None:
        self.changed.setdefault(table, []).append((before, after))

    def delete(self, table: str, key: Stored) -> None:
        self.deleted.setdefault(table, []).append(key)

    def rows(self) -> Iterator[tuple[str, Stored]]:
        """All rows that are written or changed, as they shall be."""
        for table, rows in self.written.items():
            yield from ((table, row) for row in rows)
        for table, pairs in self.changed.items():
            yield from ((table, after) for _, after in pairs)


@dataclass(slots=True)
class Open:
    """A view in memory, and what is stored of it."""

    fold: Fold[Any]
    view: Any
    head: Any
    stored: dict[tuple[str, Stored], Stored]
    """By table and the rest of their key."""
    derived: Derived = NOTHING


class Shares:
    """What is added to and taken from cells, by key."""

    def __init__(self) -> None:
        self.by_cell: dict[Stored, list[tuple[int, Share]]] = {}

    def change(self, seller: str, before: Derived, after: Derived) -> None:
        """What both have in common cancels out, and is left alone."""
        gone = list(before.shares)
        for share in after.shares:
            if before.channel == after.channel and share in gone:
                gone.remove(share)
            else:
                self._add(seller, after.channel, share, 1)
        for share in gone:
            self._add(seller, before.channel, share, -1)

    def _add(self, seller: str, channel: str, share: Share, sign: int) -> None:
        key = (seller, channel, *share[:2])
        self.by_cell.setdefault(key, []).append((sign, share))


def opened_view(fold: Fold[Any], group: Group, rows: Rows) -> Open:
    view = fold.opened(group, rows)
    if not rows:
        return Open(fold, view, fold.head(view), {})
    stored: dict[tuple[str, Stored], Stored] = {}
    for table, row in fold.rows(view):
        kept = table.stored(row)
        stored[table.name, kept[table.within]] = kept
    return Open(fold, view, fold.head(view), stored, fold.derived(view))


def folded(opened: Open, recorded: Recorded, at: int, seller: Any) -> str:
    """Folds one event into its view.  Returns the currency of its amounts."""
    fold, head = opened.fold, opened.head
    if recorded.version == 1:
        fold.begin(opened.view, seller.zone, seller.currency)
    kind = type(recorded.event)
    method = fold.methods.get(kind)
    if method is not None:
        method(fold, opened.view, recorded.event, at)
        if recorded.inferred:
            fold.inferred(opened.view, recorded.event)
        if kind not in fold.silent:
            head.position, head.recorded_at = recorded.position, micros_of(recorded.recorded_at)
    currency: str = head.currency if fold.kind != "stock" else ""
    return currency or str(seller.currency)


def changed(opened: Open, changes: Changes, shares: Shares) -> None:
    """Writes the rows of a view that are not stored like that; takes back and gives what follows from it."""
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
    was, now = opened.derived, fold.derived(view)
    opened.derived = now
    if was.shares != now.shares or was.channel != now.channel:
        shares.change(opened.head.seller_id, was, now)
    if was.facts != now.facts:
        _risk(was.facts, now.facts, changes)


def _risk(before: Iterable[Stored], after: Iterable[Stored], changes: Changes) -> None:
    gone = {PENALTY_RISK.key_of(row): row for row in before}
    for row in after:
        stored = gone.pop(PENALTY_RISK.key_of(row), None)
        if stored is None:
            changes.write(PENALTY_RISK.name, row)
        elif stored != row:
            changes.change(PENALTY_RISK.name, stored, row)
    for key in gone:
        changes.delete(PENALTY_RISK.name, key)
