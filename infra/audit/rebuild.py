"""The read models folded anew from the ledger, partition by partition, in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from infra.audit.history import recorded_between
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.commits import last_positions, next_commit_range
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


def rebuild(
    ledger: LedgerReader,
    ledger_id: str,
    read_models: ReadModels,
    step: Step = _nobody,
    commits: int = COMMITS,
) -> Rebuilt:
    """All that the ledger holds now; what it holds later is the projector's."""
    ends = last_positions(ledger)
    folded = 0

    def told(events: int) -> None:
        nonlocal folded
        folded += events
        step(events)

    events = {partition: _events(ledger, partition, last, told, commits) for partition, last in ends.items()}
    read_models.rebuild(events, ledger_id=ledger_id)
    return Rebuilt(ledger_id, len(ends), folded)


def _events(ledger: LedgerReader, partition: int, last: int, step: Step, commits: int) -> Iterator[Recorded]:
    place = number = 0
    while place < last:
        number, up_to = next_commit_range(ledger, partition, number, last, commits)
        for chunk in recorded_between(ledger, partition, place, up_to):
            yield from chunk
            step(len(chunk))
        place = up_to
