"""The engine's port to its ledger: what it reads there, and the batch that it commits whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, Protocol, Self, get_args

from consumers.envelope import Inbound, Unreadable
from consumers.personal_data import VaultedText
from domain.deadlines import Timer
from domain.message import Event
from domain.streams import StreamId

State = Literal["accepted", "duplicate", "conflict", "refused", "parked", "failed", "set_aside", "dropped"]
"""The state of a message.  At any time each message ever sent is in exactly one of these states."""
STATES: Final[tuple[State, ...]] = get_args(State)


class Carried(NamedTuple):
    """The metadata of a message that each event it causes carries."""

    correlation: str
    """The message's source and id."""
    part: int = 1
    of: int = 1
    traceparent: str | None = None
    """The `traceparent` of W3C Trace Context."""


def event_id(seller_id: str, sequence: int) -> str:
    return f"{seller_id}:{sequence}"


class Decided(NamedTuple):
    """A decided event with its seller, its stream and version, and its cause."""

    seller_id: str
    sequence: int
    """Gapless per seller, from 1."""
    stream: StreamId
    version: int
    """Gapless per stream, from 1."""
    event: Event
    carried: Carried
    """The metadata of the message that caused it."""
    cause: str | None
    """Id of the event that caused this one; None if the message itself did."""
    inferred: bool = False

    @property
    def id(self) -> str:
        return event_id(self.seller_id, self.sequence)


class RecordRef(NamedTuple):
    """A message's offset in its partition, and the SHA-256 of the bytes that its publisher sent."""

    offset: int
    sha256: str


class Outcome(NamedTuple):
    """The outcome of one message.  `was`: its previous state, if it was parked or failed before."""

    state: State
    was: State | None
    seller_id: str | None
    source: str | None
    message_id: str | None
    type: str | None
    rule: str | None = None
    data: Mapping[str, Any] = {}
    retryable: bool = False
    events: tuple[int, int] = (0, 0)
    """The events it caused, as indexes into the batch's events: the first, and the one after the last."""
    record_ref: RecordRef | None = None
    """The record that the message came in, for its publisher; None if the message had waited."""

    @classmethod
    def of(  # noqa: PLR0913  every fact of an outcome, by name
        cls,
        message: Inbound,
        state: State,
        was: State | None = None,
        rule: str | None = None,
        data: Mapping[str, Any] | None = None,
        *,
        retryable: bool = False,
        events: tuple[int, int] = (0, 0),
    ) -> Self:
        """The outcome of a message that could be read."""
        envelope = message.envelope
        names = envelope.sellerid, envelope.source, envelope.id, envelope.type
        return cls(state, was, *names, rule, data or {}, retryable, events)

    @classmethod
    def unreadable(cls, error: Unreadable) -> Self:
        """The outcome of bytes that could not be read."""
        return cls("set_aside", None, None, None, None, None, error.rule, error.data)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting message: parked until its subject is known, or failed until a bug is fixed."""

    number: int
    waits_at: StreamId
    seller_id: str
    key: bytes
    digest: bytes
    body: str
    state: State
    reason: str
    since: datetime


class Loaded(NamedTuple):
    """A stream's state and version, as loaded from the ledger."""

    version: int
    state: Any
    snapshot: int = 0
    """The version of its newest snapshot; 0 if it has none."""


@dataclass(slots=True)
class Batch:
    """Everything that one commit writes."""

    from_offset: int
    next_offset: int
    events: list[Decided] = field(default_factory=list[Decided])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    inbox: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    """(key, digest) of each new message, kept for ever."""
    bodies: list[str] = field(default_factory=list[str])
    """The new messages as they were decided, in canonical JSON."""
    vaulted: list[VaultedText] = field(default_factory=list[VaultedText])
    dead_letters: list[bytes] = field(default_factory=list[bytes])
    """Bytes that could not be read, one per `set_aside` outcome, in the same order."""
    parked: list[Waiting] = field(default_factory=list[Waiting])
    unparked: list[int] = field(default_factory=list[int])
    """Numbers of messages that wait no longer, or now wait for another reason (then also in `parked`)."""
    timers: list[Timer] = field(default_factory=list[Timer])
    fired: list[Timer] = field(default_factory=list[Timer])
    failed_timers: list[Timer] = field(default_factory=list[Timer])
    clocks: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """The new time of each clock, by seller; `""` is the shared clock of the live sellers."""
    sequences: dict[str, int] = field(default_factory=dict[str, int])
    """Each seller's sequence after this batch."""
    live: dict[str, bool] = field(default_factory=dict[str, bool])
    """Sellers opened in this batch: whether they are live, so that the partition's ticks move their clock."""
    snapshots: dict[StreamId, Loaded] = field(default_factory=dict[StreamId, Loaded])

    @property
    def is_empty(self) -> bool:
        return not (self.outcomes or self.events or self.fired or self.failed_timers)


@dataclass(frozen=True, slots=True)
class Committed:
    """What the ledger returns for a commit.  `first_position` is 0 if the batch held no event."""

    first_position: int
    recorded_at: datetime


class Stale(Exception):
    """Another writer has committed first: drop all caches, read the ledger again, decide again."""


class Ledger(Protocol):
    """The ledger as one partition's engine sees it.  All partitions share its streams and its inbox.

    One implementation per database, one contract test for all.
    """

    @property
    def secret(self) -> bytes: ...

    def next_offset(self) -> int: ...

    def seen_digests(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The digest of each message that the inbox already holds, by key; other keys are left out."""
        ...

    def load(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Loaded]:
        """Loads streams in one query, from their newest snapshots on; unknown streams are left out."""
        ...

    def sequences(self, sellers: Sequence[str]) -> Mapping[str, int]: ...

    def waits(self) -> Mapping[StreamId, State]:
        """Each stream at which messages wait, with the state of the first of them."""
        ...

    def waiting(self, stream: StreamId, limit: int) -> list[Waiting]: ...

    def waiting_count(self, seller_id: str) -> int: ...

    def next_number(self) -> int:
        """The number of the next message that has to wait."""
        ...

    def clock(self, name: str) -> datetime | None:
        """The time of a seller's clock at the last commit.  `""`: the clock that all live sellers share."""
        ...

    def next_due(self, seller_id: str | None, after: datetime | None) -> datetime | None:
        """The next deadline after `after` of this seller, or of any live seller if None."""
        ...

    def due(self, seller_id: str | None, after: datetime | None, to: datetime, limit: int) -> list[Timer]:
        """The timers due after `after` and up to `to`, sorted by (due, seller, key)."""
        ...

    def commit(self, batch: Batch) -> Committed:
        """Writes the whole batch or nothing.

        Raises: Stale, when the batch does not begin at the ledger's next offset.
        """
        ...
