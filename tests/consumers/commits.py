"""Collects the batches that engines commit, with any kind of ledger."""

from collections import Counter

from consumers.ports import Batch, Committed, Decided, Outcome
from domain.catalogue import NAMES


class Commits:
    """An `on_commit` callback that keeps each committed batch."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def __call__(self, batch: Batch, _: Committed) -> None:
        self.batches.append(batch)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for batch in self.batches for outcome in batch.outcomes]

    @property
    def events(self) -> list[Decided]:
        return [decided for batch in self.batches for decided in batch.events]

    @property
    def sums(self) -> dict[str, int]:
        """The number of messages in each current state."""
        now: Counter[str] = Counter()
        for outcome in self.outcomes:
            now[outcome.state] += 1
            if outcome.was is not None:
                now[outcome.was] -= 1
        return {state: count for state, count in now.items() if count}

    def topics(self, kind: str = "") -> list[str]:
        """Event names without their common prefix and suffix, of one kind of stream or of all."""
        names = [NAMES[type(decided.event)] for decided in self.events if decided.stream.startswith(kind)]
        return [name.removeprefix("jumun.").removesuffix(".v1") for name in names]
