"""What the ledger has to tell, in its order: events for the ledger topic, outcomes for theirs.

The stored bytes of an event are the message, but for its last four attributes.  Whole commits are told, so
the marks always stand at the end of one.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from infra.event_store.instants import instant
from infra.event_store.postgres.ledger import PostgresLedger
from infra.kafka.ports import Outgoing
from infra.settings import Settings

CHUNK: Final = 2_000
"""Events and outcomes that one chunk holds; a greater commit is a chunk of its own."""
COMMITS: Final = 200
SEAL: Final = b',"position":'
"""Begins what is added to an event.  Inside a JSON text its quotes would be escaped."""


class Marks(NamedTuple):
    """The last event's position and the last outcome's number that were told."""

    position: int = 0
    outcome: int = 0


class Chunk(NamedTuple):
    """Records, and where the marks stand once these are safe."""

    records: list[Outgoing]
    marks: Marks
    commit: int
    recorded_at: int
    """Of its last commit, microseconds since 1970."""


class Commit(NamedTuple):
    """What the relay needs of a row of `commits`."""

    number: int
    partition: int
    recorded_at: int
    first_position: int
    last_position: int
    first_outcome: int
    last_outcome: int

    @property
    def size(self) -> int:
        return self.last_position - self.first_position + self.last_outcome - self.first_outcome + 2


class Disagrees(Exception):
    """The ledger is not the one that was told of: it was restored, or it is another one."""


def sealed(state: bytes, position: int, previous: int, recorded_at: str, ledger_id: str) -> bytes:
    """A stored event as it is sent.  A position means something in its ledger alone."""
    said = f'{position},"previous":{previous},"recordedat":"{recorded_at}","ledgerid":"{ledger_id}"}}'
    return state[:-1] + SEAL + said.encode()


class Outbox:
    """Reads the ledger's commits one after the other.

    Raises: Disagrees, when no commit ends at the marks.
    """

    def __init__(self, ledger: PostgresLedger, settings: Settings, marks: Marks) -> None:
        self._ledger = ledger
        self._topics = {name: settings.topic(name) for name in ("ledger", "outcomes", "set-aside")}
        self._inbound = settings.topic("inbound")
        self.marks = marks
        self._commit = self._commit_at(marks)
        self._previous: dict[int, int] = dict(ledger.rows(_PREVIOUS, mark=marks.position))

    def _commit_at(self, marks: Marks) -> int:
        if marks == Marks():
            return 0
        found = self._ledger.rows(_AT, position=marks.position, outcome=marks.outcome)
        if not found or Marks(*found[0][1:]) != marks:
            msg = f"no commit of the ledger ends at event {marks.position} and outcome {marks.outcome}"
            raise Disagrees(msg)
        number: int = found[0][0]
        return number

    def next(self) -> Chunk | None:
        """What comes after the marks, or nothing yet."""
        commits = self._commits()
        if not commits:
            return None
        first, last = commits[0], commits[-1]
        events = iter(self._ledger.rows(_EVENTS, first=first.first_position, last=last.last_position))
        outcomes = iter(self._ledger.rows(_OUTCOMES, first=first.first_outcome, last=last.last_outcome))
        records = [record for commit in commits for record in self._of(commit, events, outcomes)]
        return Chunk(records, Marks(last.last_position, last.last_outcome), last.number, last.recorded_at)

    def told(self, chunk: Chunk) -> None:
        """That chunk is where it should be."""
        self.marks, self._commit = chunk.marks, chunk.commit

    def _commits(self) -> Sequence[Commit]:
        taken: list[Commit] = []
        size = 0
        for row in self._ledger.rows(_COMMITS, number=self._commit, most=COMMITS):
            commit = Commit(*row)
            size += commit.size
            if taken and size > CHUNK:
                break
            taken.append(commit)
        return taken

    def _of(self, commit: Commit, events: Iterator[Any], outcomes: Iterator[Any]) -> Iterator[Outgoing]:
        recorded_at = instant(commit.recorded_at).isoformat()
        partition = commit.partition
        for position, stream, state in islice(events, commit.last_position - commit.first_position + 1):
            previous = self._previous.get(partition, 0)
            self._previous[partition] = position
            seller = stream.split("/", 2)[1].encode()
            value = sealed(state, position, previous, recorded_at, self._ledger.ledger_id)
            yield Outgoing(self._topics["ledger"], partition, seller, value)
        for row in islice(outcomes, commit.last_outcome - commit.first_outcome + 1):
            yield self._outcome(commit, recorded_at, row)

    def _outcome(self, commit: Commit, recorded_at: str, row: Any) -> Outgoing:
        said: dict[str, Any] = dict(zip(_OUTCOME_SAYS, row, strict=True))
        said["retryable"] = bool(said["retryable"])
        said["data"] = json.loads(said["data"]) if said["data"] else None
        if said["offset"] is not None:
            said |= {"topic": self._inbound, "partition": commit.partition}
        number, seller = said["number"], said.pop("seller_id")
        outcome = {
            "specversion": "1.0",
            "id": f"{self._ledger.ledger_id}:{number}",
            "source": "jumun",
            "type": "jumun.outcome.v1",
            "time": recorded_at,
            **({"sellerid": seller} if seller else {}),
            "datacontenttype": "application/json",
            "data": {name: value for name, value in said.items() if value is not None},
        }
        topic = self._topics["set-aside" if said["state"] == "set_aside" else "outcomes"]
        return Outgoing(topic, commit.partition, (seller or "").encode(), orjson.dumps(outcome))


_OUTCOME_SAYS: Final = (
    "number", "state", "was", "seller_id", "source", "id", "type", "rule", "data", "retryable", "offset",
    "sha256", "first_event", "last_event", "first_position", "last_position",
)  # fmt: skip
_AT: Final = """
SELECT number, last_position, last_outcome FROM commits
WHERE last_position <= :position AND last_outcome <= :outcome ORDER BY last_position DESC, number DESC LIMIT 1
"""
_PREVIOUS: Final = """
SELECT partition, max(last_position) FROM commits
WHERE first_position <= last_position AND last_position <= :mark GROUP BY partition
"""
_COMMITS: Final = """
SELECT number, partition, recorded_at, first_position, last_position, first_outcome, last_outcome FROM commits
WHERE number > :number ORDER BY number LIMIT :most
"""
_EVENTS: Final = """
SELECT position, originator_id, state FROM stored_events
WHERE position BETWEEN :first AND :last ORDER BY position
"""
_OUTCOMES: Final = """
SELECT number, state, was, seller_id, source, message_id, type, rule, data, retryable, sent_offset, sent_hash,
       first_event, last_event, first_position, last_position
FROM outcomes WHERE number BETWEEN :first AND :last ORDER BY number
"""
