"""What became of each message, and what a run moved."""

from dataclasses import dataclass, field
from typing import Any

from consumers.envelope import Inbound
from consumers.ports import Batch, Outcome, State


def outcome_of(  # noqa: PLR0913  an outcome's facts are all named
    message: Inbound,
    state: State,
    was: State | None,
    rule: str | None = None,
    data: dict[str, Any] | None = None,
    *,
    retryable: bool = False,
    events: tuple[int, int] = (0, 0),
) -> Outcome:
    envelope = message.envelope
    return Outcome(
        state,
        was,
        envelope.sellerid,
        envelope.source,
        envelope.id,
        envelope.type,
        rule,
        data or {},
        retryable,
        events,
    )


@dataclass(slots=True)
class Moved:
    """What a run moved: messages by the state they came to."""

    states: dict[State, int] = field(default_factory=dict[State, int])
    events: int = 0
    commits: int = 0

    def count(self, batch: Batch) -> None:
        for outcome in batch.outcomes:
            self.states[outcome.state] = self.states.get(outcome.state, 0) + 1
        self.events += len(batch.events)
        self.commits += 1
