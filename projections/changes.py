"""Collects the changes of stored rows that a batch of events causes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from projections.tables import Stored


@dataclass(slots=True)
class Changes:
    """The rows to write, to change and to delete, by table name."""

    written: dict[str, list[Stored]] = field(default_factory=dict[str, list[Stored]])
    """New rows, and rows whose stored values are unknown (upserts)."""
    changed: dict[str, list[tuple[Stored, Stored]]] = field(
        default_factory=dict[str, list[tuple[Stored, Stored]]]
    )
    """Pairs of the stored row and the new row."""
    deleted: dict[str, list[Stored]] = field(default_factory=dict[str, list[Stored]])

    def write(self, table: str, row: Stored) -> None:
        self.written.setdefault(table, []).append(row)

    def change(self, table: str, before: Stored, after: Stored) -> None:
        self.changed.setdefault(table, []).append((before, after))

    def delete(self, table: str, key: Stored) -> None:
        self.deleted.setdefault(table, []).append(key)

    def rows(self) -> Iterator[tuple[str, Stored]]:
        """The new values of all rows that are written or changed."""
        for table, rows in self.written.items():
            yield from ((table, row) for row in rows)
        for table, pairs in self.changed.items():
            yield from ((table, after) for _, after in pairs)
