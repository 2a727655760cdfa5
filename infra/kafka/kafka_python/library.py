"""Typed access to the parts of kafka-python that are used here; the library has no type annotations."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, Protocol, cast

from infra.kafka.ports import Record

_KAFKA: Any = import_module("kafka")
_STRUCTS: Any = import_module("kafka.structs")
_ADMIN: Any = import_module("kafka.admin")
NET_CLIENT: Final[Any] = import_module("kafka.net.compat").KafkaNetClient
COORDINATOR: Final[Any] = import_module("kafka.coordinator.consumer").ConsumerCoordinator
STABLE: Final[Any] = import_module("kafka.coordinator.base").MemberState.STABLE
STICKY: Final[Any] = import_module("kafka.coordinator.assignors.cooperative_sticky").CooperativeStickyAssignor
murmur2: Final[Callable[[bytes], int]] = import_module("kafka.partitioner.default").murmur2
EARLIEST: Final[Any] = _KAFKA.OffsetSpec.EARLIEST
LATEST: Final[Any] = _KAFKA.OffsetSpec.LATEST
READ_COMMITTED: Final[Any] = _KAFKA.IsolationLevel.READ_COMMITTED


class TopicPartition(Protocol):
    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class Fetched(Protocol):
    """A record as the library returns it from a poll."""

    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Consumer(Protocol):
    _coordinator: Any

    def subscribe(self, topics: Sequence[str], *, listener: object) -> None: ...
    def partitions_for_topic(self, topic: str) -> Collection[int]: ...
    def assign(self, partitions: Sequence[TopicPartition]) -> None: ...
    def poll(self, timeout_ms: float, max_records: int) -> Mapping[TopicPartition, Sequence[Fetched]]: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    def position(self, partition: TopicPartition, timeout_ms: float) -> int | None: ...
    def beginning_offsets(
        self, partitions: Sequence[TopicPartition], timeout_ms: float
    ) -> Mapping[TopicPartition, int]: ...
    def end_offsets(
        self, partitions: Sequence[TopicPartition], timeout_ms: float
    ) -> Mapping[TopicPartition, int]: ...
    def committed(self, partition: TopicPartition, *, timeout_ms: float) -> int | None: ...
    def commit_async(self, offsets: Mapping[TopicPartition, object]) -> object: ...
    def close(self, *, autocommit: bool, timeout_ms: float) -> None: ...


class Sent(Protocol):
    """The future of a sent record."""

    def add_errback(self, call: Callable[[BaseException], object]) -> object: ...


class Result(Protocol):
    """The future of a transactional request."""

    def wait(self, timeout_ms: float) -> bool: ...


class Transactions(Protocol):
    """A producer's transaction manager.  The producer's own methods wait for ever if the cluster hangs."""

    last_error: BaseException | None

    def begin_transaction(self) -> None: ...
    def send_offsets_to_transaction(
        self, offsets: Mapping[TopicPartition, object], group_metadata: object
    ) -> Result: ...
    def begin_commit(self) -> Result: ...


class Sender(Protocol):
    """The background thread of a producer."""

    def wakeup(self) -> None: ...
    def force_close(self) -> None: ...
    def join(self, timeout: float) -> None: ...


class Producer(Protocol):
    _sender: Sender
    _transaction_manager: Transactions

    def send(
        self, topic: str, *, value: bytes, key: bytes, headers: list[tuple[str, bytes]], partition: int
    ) -> Sent: ...
    def flush(self, timeout: float) -> None: ...
    def init_transactions(self) -> None: ...
    def close(self, timeout: float) -> None: ...


class OffsetAndTimestamp(Protocol):
    offset: int


class Admin(Protocol):
    def describe_cluster(self) -> Mapping[str, Any]: ...
    def describe_topics(self, topics: Sequence[str]) -> Sequence[Mapping[str, Any]]: ...
    def describe_configs(
        self, config_resources: Iterable[object], *, config_filter: str
    ) -> Mapping[str, Any]: ...
    def create_topics(self, new_topics: Mapping[str, object], *, wait_for_metadata: bool) -> object: ...
    def list_group_offsets(
        self, group_specs: Mapping[str, Sequence[TopicPartition] | None]
    ) -> Mapping[str, Mapping[TopicPartition, OffsetAndTimestamp]]: ...
    def list_partition_offsets(
        self, topic_partition_specs: Mapping[TopicPartition, object], isolation_level: object
    ) -> Mapping[TopicPartition, OffsetAndTimestamp]: ...
    def close(self) -> None: ...


class Client(Protocol):
    """The network client that consumers, producers and admin clients use."""

    _manager: Any

    def close(self) -> None: ...


Config = Mapping[str, Any]


def consumer(config: Config) -> Consumer:
    return cast("Consumer", _KAFKA.KafkaConsumer(**config))


def producer(config: Config) -> Producer:
    return cast("Producer", _KAFKA.KafkaProducer(**config))


def admin(config: Config) -> Admin:
    return cast("Admin", _KAFKA.KafkaAdminClient(**config))


def client(config: Config) -> Client:
    return cast("Client", NET_CLIENT(**config))


def at(topic: str, partition: int) -> TopicPartition:
    return cast("TopicPartition", _KAFKA.TopicPartition(topic, partition))


def offset_and_metadata(offset: int) -> object:
    """An offset in the form in which a group commits it."""
    return cast("object", _STRUCTS.OffsetAndMetadata(offset, "", -1))


def group_without_member(group: str) -> object:
    """Group metadata that commits offsets of a group without being a member."""
    return cast("object", _STRUCTS.ConsumerGroupMetadata(group))


def record(fetched: Fetched) -> Record:
    headers = tuple((name, value or b"") for name, value in fetched.headers)
    return Record(fetched.partition, fetched.offset, fetched.value or b"", headers, fetched.timestamp)


class Handles(NamedTuple):
    """Private parts of a producer, for which there is no public access."""

    sender: Sender
    transactions: Transactions


def handles(producer: Producer) -> Handles:
    return Handles(producer._sender, producer._transaction_manager)  # pyright: ignore[reportPrivateUsage]


def coordinator(consumer: Consumer) -> Any:
    """The client-side group coordinator of a consumer."""
    return consumer._coordinator  # pyright: ignore[reportPrivateUsage]


def stop_trying(client: Client) -> None:
    """Stops the client from reconnecting."""
    client._manager.closed = True  # pyright: ignore[reportPrivateUsage]


def topic_resource(name: str) -> object:
    return cast("object", _ADMIN.ConfigResource(_ADMIN.ConfigResourceType.TOPIC, name))


def partitions_of(described: Mapping[str, Any]) -> Collection[int]:
    return [partition["partition_index"] for partition in described["partitions"]]
