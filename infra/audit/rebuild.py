"""The read models folded anew from the ledger, partition by partition, in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from infra.audit.history import recorded_between
from infra.event_store.sql_ledger import SqlLedger
from infra.read_models.store import ReadModels
from projections.fold import Recorded

Step = Callable[[int], None]
"""Told how many events more were folded."""
COMMITS: Final = 100
"""Of a partition, read as one piece: the database sorts no more than these for each chunk."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """From which ledger, and how much."""

    ledger_id: str
    partitions: int
    events: int


def _nobody(events: int) -> None:
    del events


def count(ledger: SqlLedger) -> int:
    """Events that the ledger holds."""
    found: int = ledger.rows("SELECT coalesce(max(position), 0) FROM stored_events")[0][0]
    return found


def rebuild(ledger: SqlLedger, ledger_id: str, read_models: ReadModels, step: Step = _nobody) -> Rebuilt:
    """All that the ledger holds now; what it holds later is the projector's."""
    ends: list[tuple[int, int]] = ledger.rows(_ENDS)
    folded = 0

    def told(events: int) -> None:
        nonlocal folded
        folded += events
        step(events)

    events = {partition: _events(ledger, partition, last, told) for partition, last in ends}
    read_models.rebuild(events, ledger_id=ledger_id)
    return Rebuilt(ledger_id, len(ends), folded)


def _events(ledger: SqlLedger, partition: int, last: int, step: Step) -> Iterator[Recorded]:
    place = number = 0
    while place < last:
        asked = {"at": partition, "number": number, "last": last, "commits": COMMITS}
        number, upto = ledger.rows(_PIECE, **asked)[0]
        for chunk in recorded_between(ledger, partition, place, upto):
            yield from chunk
            step(len(chunk))
        place = upto


_ENDS: Final = """
SELECT partition, max(last_position) FROM commits WHERE first_position <= last_position
GROUP BY partition ORDER BY partition
"""
_PIECE: Final = """
SELECT max(number), max(last_position) FROM (
    SELECT number, last_position FROM commits
    WHERE partition = :at AND number > :number
      AND first_position <= last_position AND last_position <= :last
    ORDER BY number LIMIT :commits) piece
"""
