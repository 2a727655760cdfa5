"""The four topics: what they must be like, how they are made, and what is found to be otherwise."""

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
"""Of a batch of records, at most.  A message has 256 KiB at most; an event may hold a whole policy, an
outcome names all events its message caused, and what is set aside carries the record it came from."""
_BY_ENDING: Final[Mapping[str, int]] = {str(ending): most for ending, most in BYTES.items()}
LARGEST: Final = max(BYTES.values())
_OVERHEAD: Final = 1024
"""Of a batch with one record, generously, without its headers."""
_DAY_MS: Final = 24 * 60 * 60 * 1000


class Wanted(NamedTuple):
    """What a topic must be like."""

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
    """Two brokers: three copies have no room, and one would be lost with its broker."""


def wanted(settings: Settings, brokers: int) -> list[Wanted]:
    """Three copies of which two must be there, unless there is a single broker, for trying it.

    Raises: TooFewBrokers.
    """
    if brokers == 2:  # noqa: PLR2004
        raise TooFewBrokers("there are two brokers: start the third one, or run a single one to try it")
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
    """Makes those that are missing; the others stay as they are.  Raises: TooFewBrokers, Unreachable."""
    for topic in wanted(settings, cluster.brokers()):
        cluster.create(*topic)


def check(cluster: Cluster, settings: Settings) -> list[Finding]:
    """What is not as it must be, topic by topic.  Raises: TooFewBrokers, Unreachable."""
    asked = wanted(settings, cluster.brokers())
    there = cluster.topics([topic.name for topic in asked])
    findings: list[Finding] = []
    for topic in asked:
        if topic.name in there:
            found = there[topic.name]
            findings += _shape(topic, found.partitions, found.replication)
            findings += _settings(topic, found.settings)
        else:
            findings.append(Finding(topic.name, "it", "missing", "there", "run `jumun topics create`"))
    return findings


def _shape(topic: Wanted, partitions: int, replication: int) -> Iterator[Finding]:
    if partitions != topic.partitions:
        yield Finding(
            topic.name, "the number of partitions", str(partitions), str(topic.partitions),
            f"set JUMUN_PARTITIONS to {partitions}: a seller's partition depends on it, so it never changes",
        )  # fmt: skip
    if replication < topic.replication:
        yield Finding(
            topic.name, "the number of copies", str(replication), str(topic.replication),
            "reassign its partitions to more brokers (kafka-reassign-partitions.sh)",
        )  # fmt: skip


def _settings(topic: Wanted, found: Mapping[str, str]) -> Iterator[Finding]:
    for key, value in topic.settings.items():
        if found.get(key) != value:
            yield Finding(
                topic.name, key, found.get(key, "unknown"), value,
                f"kafka-configs.sh --alter --topic {topic.name} --add-config {key}={value}",
            )  # fmt: skip


def fits(record: Outgoing) -> bool:
    """Whether its topic takes a record of that size: one that it refuses costs the writer.

    A topic that is none of the four takes what Kafka's own default allows.
    """
    most = _BY_ENDING.get(record.topic.rpartition(".")[2], _MIB)
    headers = sum(len(key) + len(value) + 10 for key, value in record.headers)
    return len(record.key) + len(record.value) + headers + _OVERHEAD <= most
