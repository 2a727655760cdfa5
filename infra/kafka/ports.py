"""What the workers need of Kafka: a Protocol for each way of using it, two adapters, one contract test.

Offsets and marks are the user's to keep: a group's offsets only show lag, but for the relay's mark, which is
part of its transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

Headers = tuple[tuple[str, bytes], ...]
BUSY_S: Final = 30.0
"""A member that does not poll for longer is left behind: others take its partitions until it polls again.

A join waits for members that are busy, but no longer; so this is also how long a coordinator that froze
meanwhile is waited for.
"""
TRANSACTION_S: Final = 30.0
STRUCTURED: Final[Headers] = (("content-type", b"application/cloudevents+json"),)
"""The one header of a structured CloudEvent: the library pays dearly for each."""


class Record(NamedTuple):
    """A record as read.  `value` is empty where the record has none."""

    partition: int
    offset: int
    value: bytes
    headers: Headers
    timestamp_ms: int


class Outgoing(NamedTuple):
    """A record to be written.  The partition is explicit: clients differ in how they choose one."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers = STRUCTURED


class Polled(NamedTuple):
    """What one poll brought, to be heeded in this order."""

    revoked: Collection[int]
    """Partitions that another member has now: what is kept of them must be forgotten."""
    assigned: Collection[int]
    """Partitions that came: each is paused until `begin`."""
    records: Mapping[int, Sequence[Record]]
    """By partition, in the order of their offsets."""


class Unsent(Exception):
    """Not all records were acknowledged, each may have been written or not.  Open another publisher."""


class Fenced(Exception):
    """Another has taken over under the same transactional id; nothing of this chunk will be seen."""


class Unreachable(Exception):
    """The cluster cannot be reached, or does not answer in time."""


class OutOfRange(Exception):
    """The offset asked for is not in the topic: it was deleted, or never written."""

    def __init__(self, partition: int, offset: int, first: int, end: int) -> None:
        super().__init__(f"partition {partition} holds offsets {first} to {end}, not {offset}")
        self.partition, self.offset, self.first, self.end = partition, offset, first, end


class Member(Protocol):
    """A member of a consumer group on one topic.  Reads what is committed; bytes, never decoded.

    All methods are called on one thread.  Its partitions move one by one (cooperative, sticky).
    """

    def poll(self, timeout_s: float, most: int = 500) -> Polled:
        """Waits for records, or for partitions to come or go.  While the cluster is away, nothing comes.

        Raises: OutOfRange; Fenced, where another member has this one's name; Unreachable, where waiting
        is of no use.
        """
        ...

    def begin(self, partition: int, offset: int) -> None:
        """Reads this partition from that offset on.

        Raises: OutOfRange, Unreachable.
        """
        ...

    def pause(self, partitions: Collection[int]) -> None:
        """Nothing of these is read until `begin`; the membership stays."""
        ...

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first offset still there, and the one after the last committed record.

        Raises: Unreachable.
        """
        ...

    def committed_offset(self, partition: int) -> int | None:
        """The group's offset for it.  Raises: Unreachable."""
        ...

    def commit_offsets(self, offsets: Mapping[int, int]) -> None:
        """Notes how far the group has come, for lag displays; whether that succeeds does not matter."""
        ...

    def close(self) -> None:
        """Leaves the group, within a few seconds even if the cluster hangs."""
        ...


class Publisher(Protocol):
    """Writes records, each acknowledged by all replicas in sync, never doubled by a retry."""

    def send(self, record: Outgoing) -> None:
        """Raises: Unsent, also for a record that the broker would refuse for its size."""
        ...

    def flush(self, timeout_s: float = 30.0) -> None:
        """Returns once all that was sent is acknowledged.  Raises: Unsent."""
        ...

    def close(self) -> None: ...


class TransactionalPublisher(Protocol):
    """Writes chunks, each whole or not at all, together with the marks it comes to.

    Opening one fences off whoever wrote under the same transactional id.
    """

    def checkpoints(self) -> Mapping[str, int]:
        """The mark last written for each topic; none where it has expired or was never written.

        Raises: Unreachable.
        """
        ...

    def write(self, records: Sequence[Outgoing], checkpoints: Mapping[str, int]) -> None:
        """One transaction.  After any error the writer is closed, and what became of the chunk is what the
        marks say once it is opened anew.

        Raises: Fenced, Unreachable, Unsent.
        """
        ...

    def close(self) -> None: ...


class Topic(NamedTuple):
    """A topic as the cluster has it."""

    id: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    allowed: frozenset[str] = frozenset()
    """What this login may do with it, by the cluster's names: READ, WRITE, ..."""


class Cluster(Protocol):
    """What is asked of the cluster itself.  All methods raise Unreachable."""

    def brokers(self) -> int: ...

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        """Those of them that exist."""
        ...

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        """Makes the topic; nothing happens where it is there already."""
        ...

    def delete(self, name: str) -> None:
        """Deletes the topic with all its records, and returns once it is gone; nothing happens where it is
        not there."""
        ...

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        """Its last committed records, at most so many, in the order of their offsets."""
        ...

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        """Records by partition that the group has not marked yet."""
        ...

    def close(self) -> None: ...


class Kafka(Protocol):
    """One client library, given the settings."""

    def member(self, topic: str, group: str, *, name: str | None = None) -> Member:
        """`name`: a static member, which keeps its partitions through a quick restart.

        Raises: Unreachable.
        """
        ...

    def publisher(self) -> Publisher:
        """Raises: Unreachable."""
        ...

    def transactional_publisher(
        self, transactional_id: str, group: str, topics: Collection[str], *, within_s: float = TRANSACTION_S
    ) -> TransactionalPublisher:
        """The marks are offsets of `group` on partition 0 of each of `topics`.

        `within_s`: seconds within which a chunk is written or given up.

        Raises: Unreachable.
        """
        ...

    def cluster(self) -> Cluster:
        """Raises: Unreachable."""
        ...
