"""What the engine needs of the world, and what it hands over: one batch, committed whole or not at all."""

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
"""What became of a message.  At any time each message ever sent is in exactly one of these."""
STATES: Final[tuple[State, ...]] = get_args(State)


class Carried(NamedTuple):
    """What all events that one message causes carry of it."""

    correlation: str
    """Its source and id."""
    part: int = 1
    of: int = 1
    traceparent: str | None = None
    """Of W3C Trace Context."""


def event_id(seller_id: str, sequence: int) -> str:
    return f"{seller_id}:{sequence}"


class Decided(NamedTuple):
    """An event as decided: who it belongs to, where it stands, and what caused it."""

    seller_id: str
    sequence: int
    """Gapless per seller, from 1."""
    stream: StreamId
    version: int
    """Gapless per stream, from 1."""
    event: Event
    carried: Carried
    """Of the message that began it."""
    cause: str | None
    """Id of the event that this one follows from; none where it is the message itself."""
    inferred: bool = False

    @property
    def id(self) -> str:
        return event_id(self.seller_id, self.sequence)


class RecordRef(NamedTuple):
    """Where a message stood in its partition, and sha256 of the bytes that its publisher sent."""

    offset: int
    sha256: str


class Outcome(NamedTuple):
    """What became of one message.  `was`: the state it leaves, where it was not sent just now."""

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
    """The batch's events that it caused: from the first index up to, not including, the second."""
    record_ref: RecordRef | None = None
    """By which its publisher can tell it; none where it had waited."""

    @classmethod
    def of(  # noqa: PLR0913  an outcome's facts are all named
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
        """What became of a message that could be read."""
        envelope = message.envelope
        names = envelope.sellerid, envelope.source, envelope.id, envelope.type
        return cls(state, was, *names, rule, data or {}, retryable, events)

    @classmethod
    def unreadable(cls, error: Unreadable) -> Self:
        """What becomes of bytes that could not be read."""
        return cls("set_aside", None, None, None, None, None, error.rule, error.data)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits: for its subject to become known, or for a bug to be mended."""

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
    """A stream as stored."""

    version: int
    state: Any
    snapshot: int = 0
    """The version of its newest snapshot."""


@dataclass(slots=True)
class Batch:
    """Everything that one commit writes."""

    from_offset: int
    next_offset: int
    events: list[Decided] = field(default_factory=list[Decided])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    inbox: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    """(key, digest) of each message that is now known for ever."""
    bodies: list[str] = field(default_factory=list[str])
    """The messages as decided on, canonical JSON."""
    vaulted: list[VaultedText] = field(default_factory=list[VaultedText])
    dead_letters: list[bytes] = field(default_factory=list[bytes])
    """Bytes that could not be read, one per `dead_letters` outcome, in the same order."""
    parked: list[Waiting] = field(default_factory=list[Waiting])
    unparked: list[int] = field(default_factory=list[int])
    """Numbers of messages that wait no longer, or wait anew for another reason (then also in `parked`)."""
    timers: list[Timer] = field(default_factory=list[Timer])
    fired: list[Timer] = field(default_factory=list[Timer])
    failed_timers: list[Timer] = field(default_factory=list[Timer])
    clocks: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """Up to where time has passed, by seller, or `""` for the live ones."""
    sequences: dict[str, int] = field(default_factory=dict[str, int])
    """The seller's sequence after this batch."""
    live: dict[str, bool] = field(default_factory=dict[str, bool])
    """Sellers opened in this batch: whether the partition's ticks move them."""
    snapshots: dict[StreamId, Loaded] = field(default_factory=dict[StreamId, Loaded])

    @property
    def is_empty(self) -> bool:
        return not (self.outcomes or self.events or self.fired or self.failed_timers)


@dataclass(frozen=True, slots=True)
class Committed:
    """`first_position` is 0 where the batch held no event."""

    first_position: int
    recorded_at: datetime


class Stale(Exception):
    """Another writer has moved on: drop all caches, read again, decide again."""


class Ledger(Protocol):
    """Where the decisions of one partition are kept; its streams, and what is known, are everybody's.

    One implementation per database, one contract test for all.
    """

    @property
    def secret(self) -> bytes: ...

    def next_offset(self) -> int: ...

    def seen_digests(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The digest of each of these messages that is known already."""
        ...

    def load(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Loaded]:
        """Each of these streams that exists, in one query, from its newest snapshot on."""
        ...

    def sequences(self, sellers: Sequence[str]) -> Mapping[str, int]: ...

    def waits(self) -> Mapping[StreamId, State]:
        """Each place where messages wait, and the state of the first of them."""
        ...

    def waiting(self, stream: StreamId, limit: int) -> list[Waiting]: ...

    def waiting_count(self, seller_id: str) -> int: ...

    def next_number(self) -> int:
        """The number for the next message that has to wait."""
        ...

    def clock(self, name: str) -> datetime | None:
        """Up to where time had passed at the last commit, for that seller, or `""` for the live ones."""
        ...

    def next_due(self, seller_id: str | None, after: datetime | None) -> datetime | None:
        """When the next deadline of that seller, or of any live one, falls that lies after `after`."""
        ...

    def due(self, seller_id: str | None, after: datetime | None, to: datetime, limit: int) -> list[Timer]:
        """Deadlines after `after` and up to `to`, sorted by (due, seller, key)."""
        ...

    def commit(self, batch: Batch) -> Committed:
        """Writes the whole batch or nothing.

        Raises: Stale, when its offset is not the ledger's.
        """
        ...
