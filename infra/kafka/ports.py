"""The port for Kafka: one Protocol for each kind of use.  There are two adapters and one contract test.

The workers keep their positions in their databases; the committed offsets of a consumer group only show its
lag. The relay is the exception: its checkpoints are committed offsets, part of its transactions.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

Headers = tuple[tuple[str, bytes], ...]
MAX_POLL_INTERVAL_S: Final = 30.0
"""The max poll interval: a member that does not poll for longer loses its partitions until it polls again.

A rebalance waits this long for members that are busy.  So a member also waits this long for a coordinator
that froze during a rebalance.
"""
TRANSACTION_S: Final = 30.0
STRUCTURED: Final[Headers] = (("content-type", b"application/cloudevents+json"),)
"""The only header of a structured CloudEvent: each header costs kafka-python much time."""


class Record(NamedTuple):
    """A record as read.  `value` is empty where the record has none."""

    partition: int
    offset: int
    value: bytes
    headers: Headers
    timestamp_ms: int


class Outgoing(NamedTuple):
    """A record to publish.  The partition is explicit, because clients differ in how they choose one."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers = STRUCTURED


class Polled(NamedTuple):
    """The result of one poll; the worker must handle its parts in this order."""

    revoked: Collection[int]
    """Partitions that are no longer this member's: the worker must drop its state of them."""
    assigned: Collection[int]
    """Newly assigned partitions; each is paused until `begin`."""
    records: Mapping[int, Sequence[Record]]
    """By partition, in the order of their offsets."""


class Unsent(Exception):
    """Some records were not acknowledged; each may have been written or not.  Open another publisher."""


class Fenced(Exception):
    """Another process has taken over: one with the same transactional id, or a group member with the same
    name. No consumer will see the records of this transaction."""


class Unreachable(Exception):
    """The cluster is unreachable, does not answer in time, or refuses the request."""


class OutOfRange(Exception):
    """The requested offset is not in the partition: it was deleted, or never written."""

    def __init__(self, partition: int, offset: int, first: int, end: int) -> None:
        super().__init__(f"partition {partition} holds offsets {first} to {end}, not {offset}")
        self.partition, self.offset, self.first, self.end = partition, offset, first, end


class Member(Protocol):
    """A member of a consumer group on one topic.  It reads committed records only (read_committed), as bytes.

    All methods must be called on one thread.  Rebalances are incremental (cooperative-sticky).
    """

    def poll(self, timeout_s: float, most: int = 500) -> Polled:
        """Waits for records, or for partitions to be assigned or revoked.  While the cluster is unreachable,
        the result is empty.

        Raises: OutOfRange; Fenced, where another member has the same name; Unreachable, where a retry cannot
        help.
        """
        ...

    def begin(self, partition: int, offset: int) -> None:
        """Starts to read the partition at this offset (seek and resume).

        Raises: OutOfRange, Unreachable.
        """
        ...

    def pause(self, partitions: Collection[int]) -> None:
        """Stops reading these partitions until `begin`; they stay assigned."""
        ...

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first available offset, and the offset after the last committed record.

        Raises: Unreachable.
        """
        ...

    def committed_offset(self, partition: int) -> int | None:
        """The committed offset of the group; None if there is none.  Raises: Unreachable."""
        ...

    def commit_offsets(self, offsets: Mapping[int, int]) -> None:
        """Commits offsets of the group, only to show the lag.  Ignores errors."""
        ...

    def close(self) -> None:
        """Leaves the group; takes a few seconds at most, even if the cluster hangs."""
        ...


class Publisher(Protocol):
    """Publishes records: all in-sync replicas acknowledge each one, and a retry never doubles it."""

    def send(self, record: Outgoing) -> None:
        """Queues a record.  Raises: Unsent, also for a record that is too large for the broker."""
        ...

    def flush(self, timeout_s: float = 30.0) -> None:
        """Waits until all records sent are acknowledged.  Raises: Unsent."""
        ...

    def close(self) -> None: ...


class TransactionalPublisher(Protocol):
    """Publishes batches of records in transactions, each atomically with its checkpoints.

    Opening one fences every other producer with the same transactional id.
    """

    def checkpoints(self) -> Mapping[str, int]:
        """The last checkpoint of each topic; a topic is missing if its checkpoint has expired or never
        existed.

        Raises: Unreachable.
        """
        ...

    def write(self, records: Sequence[Outgoing], checkpoints: Mapping[str, int]) -> None:
        """Writes records and checkpoints in one transaction.

        After any error the publisher is closed.  Open another one: its checkpoints say whether the
        transaction was committed.

        Raises: Fenced, Unreachable, Unsent.
        """
        ...

    def close(self) -> None: ...


class Topic(NamedTuple):
    """An existing topic."""

    id: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    allowed: frozenset[str] = frozenset()
    """The operations that this user may do on it, by Kafka's names: READ, WRITE, ..."""


class Cluster(Protocol):
    """Administers the cluster and reads its state.  All methods raise Unreachable."""

    def brokers(self) -> int: ...

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        """The topics of these names that exist."""
        ...

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        """Creates the topic; does nothing if it exists."""
        ...

    def delete(self, name: str) -> None:
        """Deletes the topic with all its records, and waits for it.  Does nothing if there is no topic."""
        ...

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        """The last committed records, at most `most`, in the order of their offsets."""
        ...

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        """By partition: the number of records after the committed offset of the group."""
        ...

    def close(self) -> None: ...


class Kafka(Protocol):
    """One client library, configured from the settings."""

    def member(self, topic: str, group: str, *, name: str | None = None) -> Member:
        """Opens a group member.  `name`: makes it a static member, which keeps its partitions in a quick
        restart.

        Raises: Unreachable.
        """
        ...

    def publisher(self) -> Publisher:
        """Raises: Unreachable."""
        ...

    def transactional_publisher(
        self, transactional_id: str, group: str, topics: Collection[str], *, within_s: float = TRANSACTION_S
    ) -> TransactionalPublisher:
        """The checkpoints are the committed offsets of `group` on partition 0 of each of `topics`.

        `within_s`: timeout of one transaction, in seconds.

        Raises: Unreachable.
        """
        ...

    def cluster(self) -> Cluster:
        """Raises: Unreachable."""
        ...
