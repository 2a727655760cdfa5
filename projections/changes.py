"""What a batch of events makes of the stored rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field

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
