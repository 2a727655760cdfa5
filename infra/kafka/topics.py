"""Defines the four topics with their settings, creates them, and checks them."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from infra.kafka.ports import Cluster, Outgoing
from infra.settings import Settings, TopicName

_MIB: Final = 1024 * 1024
BYTES: Final[Mapping[TopicName, int]] = {
    "inbound": _MIB,
    "ledger": 8 * _MIB,
    "outcomes": 8 * _MIB,
    "set-aside": 2 * _MIB,
}
"""`max.message.bytes` of each topic.  A message has 256 KiB at most.  An event may hold a whole policy, an
outcome names all events of its message, and a dead letter carries the record it came from."""
_BY_ENDING: Final[Mapping[str, int]] = {str(ending): most for ending, most in BYTES.items()}
LARGEST: Final = max(BYTES.values())
_OVERHEAD: Final = 1024
"""The overhead of a batch with one record, without its headers: an upper limit."""
_DAY_MS: Final = 24 * 60 * 60 * 1000


class Wanted(NamedTuple):
    """A topic as it must be."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]


class Finding(NamedTuple):
    """Something about a topic that is not as it must be."""

    topic: str
    what: str
    found: str
    wanted: str
    todo: str

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.what} is {self.found}, should be {self.wanted}: {self.todo}"


class TooFewBrokers(Exception):
    """There are two brokers: too few for three replicas, and replication factor 1 could lose records."""


def wanted(settings: Settings, brokers: int) -> list[Wanted]:
    """The four topics: three replicas, two of them in sync; a single broker (for tests) has one replica.

    Raises: TooFewBrokers.
    """
    if brokers == 2:  # noqa: PLR2004
        raise TooFewBrokers("there are two brokers: start a third one, or use a single one for tests")
    replication, in_sync = (1, 1) if brokers == 1 else (3, 2)
    return [
        Wanted(
            settings.topic(kind),
            settings.partitions,
            replication,
            {
                "cleanup.policy": "delete",
                "max.message.bytes": str(most),
                "message.timestamp.type": "CreateTime",
                "min.insync.replicas": str(in_sync),
                "retention.bytes": "-1",
                "retention.ms": "-1" if kind == "ledger" else str(settings.retention_days * _DAY_MS),
                "unclean.leader.election.enable": "false",
            },
        )
        for kind, most in BYTES.items()
    ]


def create(cluster: Cluster, settings: Settings) -> None:
    """Creates the missing topics; does not change existing ones.  Raises: TooFewBrokers, Unreachable."""
    for topic in wanted(settings, cluster.brokers()):
        cluster.create(*topic)


def check(cluster: Cluster, settings: Settings) -> list[Finding]:
    """The differences between the topics and what they must be.  Raises: TooFewBrokers, Unreachable."""
    expected = wanted(settings, cluster.brokers())
    existing = cluster.topics([topic.name for topic in expected])
    findings: list[Finding] = []
    for topic in expected:
        if topic.name in existing:
            actual = existing[topic.name]
            findings += _shape(topic, actual.partitions, actual.replication)
            findings += _settings(topic, actual.settings)
        else:
            findings.append(Finding(topic.name, "the topic", "missing", "there", "run `jumun topics create`"))
    return findings


def _shape(topic: Wanted, partitions: int, replication: int) -> Iterator[Finding]:
    if partitions != topic.partitions:
        yield Finding(
            topic.name, "the number of partitions", str(partitions), str(topic.partitions),
            f"set JUMUN_PARTITIONS to {partitions}: a seller's partition depends on it, so it never changes",
        )  # fmt: skip
    if replication < topic.replication:
        yield Finding(
            topic.name, "the replication factor", str(replication), str(topic.replication),
            "reassign its partitions to more brokers (kafka-reassign-partitions.sh)",
        )  # fmt: skip


def _settings(topic: Wanted, actual: Mapping[str, str]) -> Iterator[Finding]:
    for key, value in topic.settings.items():
        if actual.get(key) != value:
            yield Finding(
                topic.name, key, actual.get(key, "unknown"), value,
                f"kafka-configs.sh --alter --topic {topic.name} --add-config {key}={value}",
            )  # fmt: skip


def fits(record: Outgoing) -> bool:
    """Whether the record is small enough for its topic; a record that the broker refuses closes the
    publisher.

    A topic that is none of the four has the limit of Kafka's default.
    """
    most = _BY_ENDING.get(record.topic.rpartition(".")[2], _MIB)
    headers = sum(len(key) + len(value) + 10 for key, value in record.headers)
    return len(record.key) + len(record.value) + headers + _OVERHEAD <= most
