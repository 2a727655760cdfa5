"""Reads the ledger as an outbox, in commit order: events for the ledger topic, outcomes for their topics.

Only whole commits are published, so the checkpoint is always at the end of a commit.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from infra.event_store.chain import Commit
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.reading.commits import commits_after, last_commit_up_to, last_positions
from infra.event_store.reading.events import StoredEvent, events_between
from infra.event_store.reading.outcomes import outcomes_between
from infra.kafka.ports import Outgoing
from infra.settings import TOPIC_NAMES, Settings, TopicName
from infra.wire.kafka_records import LedgerPosition, event_record, outcome_record
from infra.wire.stored_outcomes import StoredOutcome
from projections.instants import instant

CHUNK: Final = 2_000
"""The maximum number of events and outcomes in a chunk; a larger commit is a chunk of its own."""
COMMITS: Final = 200


class RelayCheckpoint(NamedTuple):
    """The position of the last published event and the number of the last published outcome."""

    position: int = 0
    outcome: int = 0


class Chunk(NamedTuple):
    """Records to publish in one transaction, and the checkpoint after them."""

    records: list[Outgoing]
    checkpoint: RelayCheckpoint
    commit: int
    recorded_at: int
    """Time of its last commit, in microseconds since 1970."""


class Disagrees(Exception):
    """The topics hold events of another ledger: this one was restored, or is a different one."""


class Outbox:
    """Reads the ledger's commits in chunks, from a checkpoint on.

    Raises: Disagrees, when no commit ends at the checkpoint.
    """

    def __init__(self, ledger: PostgresLedger, settings: Settings, checkpoint: RelayCheckpoint) -> None:
        self._ledger = ledger
        self._topics: dict[TopicName, str] = {name: settings.topic(name) for name in TOPIC_NAMES}
        self.checkpoint = checkpoint
        self._commit = self._commit_at(checkpoint)
        self._previous = last_positions(ledger, checkpoint.position)

    def _commit_at(self, checkpoint: RelayCheckpoint) -> int:
        if checkpoint == RelayCheckpoint():
            return 0
        commit = last_commit_up_to(self._ledger, checkpoint.position, checkpoint.outcome)
        if commit is None or RelayCheckpoint(commit.last_position, commit.last_outcome) != checkpoint:
            msg = (
                f"no commit of the ledger ends at event {checkpoint.position}"
                f" and outcome {checkpoint.outcome}"
            )
            raise Disagrees(msg)
        return commit.number

    def next(self) -> Chunk | None:
        """The chunk after the checkpoint; None if there is nothing to publish."""
        commits = self._commits()
        if not commits:
            return None
        first, last = commits[0], commits[-1]
        events = iter(events_between(self._ledger, first.first_position, last.last_position))
        outcomes = iter(outcomes_between(self._ledger, first.first_outcome, last.last_outcome))
        records = [record for commit in commits for record in self._records(commit, events, outcomes)]
        return Chunk(
            records, RelayCheckpoint(last.last_position, last.last_outcome), last.number, last.recorded_at
        )

    def published(self, chunk: Chunk) -> None:
        """Moves the checkpoint past a chunk, after its transaction."""
        self.checkpoint, self._commit = chunk.checkpoint, chunk.commit

    def _commits(self) -> Sequence[Commit]:
        chunk: list[Commit] = []
        size = 0
        for commit in commits_after(self._ledger, self._commit, COMMITS):
            size += commit.event_count + commit.outcome_count
            if chunk and size > CHUNK:
                break
            chunk.append(commit)
        return chunk

    def _records(
        self, commit: Commit, events: Iterator[StoredEvent], outcomes: Iterator[StoredOutcome]
    ) -> Iterator[Outgoing]:
        recorded_at, ledger_id = instant(commit.recorded_at).isoformat(), self._ledger.ledger_id
        partition = commit.partition
        for event in islice(events, commit.event_count):
            location = LedgerPosition(
                event.position, self._previous.get(partition, 0), recorded_at, ledger_id
            )
            self._previous[partition] = event.position
            yield event_record(self._topics["ledger"], partition, event.stream, event.state, location)
        for outcome in islice(outcomes, commit.outcome_count):
            yield outcome_record(self._topics, partition, outcome, recorded_at, ledger_id)
