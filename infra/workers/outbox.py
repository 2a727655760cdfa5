"""What the ledger has to tell, in its order: events for the ledger topic, outcomes for theirs.

Whole commits are told, so the marks always stand at the end of one.
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
"""Events and outcomes that one chunk holds; a greater commit is a chunk of its own."""
COMMITS: Final = 200


class RelayCheckpoint(NamedTuple):
    """The last event's position and the last outcome's number that were told."""

    position: int = 0
    outcome: int = 0


class Chunk(NamedTuple):
    """Records, and where the marks stand once these are safe."""

    records: list[Outgoing]
    checkpoint: RelayCheckpoint
    commit: int
    recorded_at: int
    """Of its last commit, microseconds since 1970."""


class Disagrees(Exception):
    """The ledger is not the one that was told of: it was restored, or it is another one."""


class Outbox:
    """Reads the ledger's commits one after the other.

    Raises: Disagrees, when no commit ends at the marks.
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
        """What comes after the marks, or nothing yet."""
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
        """That chunk is where it should be."""
        self.checkpoint, self._commit = chunk.checkpoint, chunk.commit

    def _commits(self) -> Sequence[Commit]:
        taken: list[Commit] = []
        size = 0
        for commit in commits_after(self._ledger, self._commit, COMMITS):
            size += commit.event_count + commit.outcome_count
            if taken and size > CHUNK:
                break
            taken.append(commit)
        return taken

    def _records(
        self, commit: Commit, events: Iterator[StoredEvent], outcomes: Iterator[StoredOutcome]
    ) -> Iterator[Outgoing]:
        recorded_at, ledger_id = instant(commit.recorded_at).isoformat(), self._ledger.ledger_id
        partition = commit.partition
        for event in islice(events, commit.event_count):
            place = LedgerPosition(event.position, self._previous.get(partition, 0), recorded_at, ledger_id)
            self._previous[partition] = event.position
            yield event_record(self._topics["ledger"], partition, event.stream, event.state, place)
        for outcome in islice(outcomes, commit.outcome_count):
            yield outcome_record(self._topics, partition, outcome, recorded_at, ledger_id)
