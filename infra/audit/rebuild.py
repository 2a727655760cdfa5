"""Rebuilds the read models from the ledger, partition by partition, in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from infra.audit.history import recorded_between
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.commits import last_positions, next_commit_range
from infra.read_models.store import ReadModels
from projections.fold import Recorded

Step = Callable[[int], None]
"""Called with the number of events folded since the last call."""
COMMITS: Final = 100
"""Commits of a partition read together, so that the database sorts only their events for each chunk."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The ledger that was folded, and the number of its partitions and events."""

    ledger_id: str
    partitions: int
    events: int


def _no_progress(events: int) -> None:
    del events


def rebuild(
    ledger: LedgerReader,
    ledger_id: str,
    read_models: ReadModels,
    step: Step = _no_progress,
    commits: int = COMMITS,
) -> Rebuilt:
    """Folds all events that are in the ledger at the start; the projector folds the later ones."""
    ends = last_positions(ledger)
    folded = 0

    def on_folded(events: int) -> None:
        nonlocal folded
        folded += events
        step(events)

    events = {
        partition: _events(ledger, partition, last, on_folded, commits) for partition, last in ends.items()
    }
    read_models.rebuild(events, ledger_id=ledger_id)
    return Rebuilt(ledger_id, len(ends), folded)


def _events(ledger: LedgerReader, partition: int, last: int, step: Step, commits: int) -> Iterator[Recorded]:
    position = number = 0
    while position < last:
        number, up_to = next_commit_range(ledger, partition, number, last, commits)
        for chunk in recorded_between(ledger, partition, position, up_to):
            yield from chunk
            step(len(chunk))
        position = up_to
