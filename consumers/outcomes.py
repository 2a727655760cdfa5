"""Counts what a run has committed."""

from dataclasses import dataclass, field

from consumers.ports import Batch, State


@dataclass(slots=True)
class Moved:
    """Counts of a run: messages by their new state, events and commits."""

    states: dict[State, int] = field(default_factory=dict[State, int])
    events: int = 0
    commits: int = 0

    def count(self, batch: Batch) -> None:
        for outcome in batch.outcomes:
            self.states[outcome.state] = self.states.get(outcome.state, 0) + 1
        self.events += len(batch.events)
        self.commits += 1
