"""The four topics are created with their settings, and wrong settings are found."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from consumers.envelope import MAX_BYTES
from infra.kafka import topics
from infra.kafka.client import connect
from infra.kafka.ports import Cluster, Outgoing, Record, Topic
from infra.settings import Settings
from tests.infra.kafka.trying import CLIENTS, delete_topics

DAY_MS = 86_400_000


class Brokers:
    """A fake cluster with this number of brokers, which keeps the created topics."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.created: dict[str, Topic] = {}

    def brokers(self) -> int:
        return self._count

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        return {name: self.created[name] for name in names if name in self.created}

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        self.created.setdefault(name, Topic("id", partitions, replication, settings))

    def delete(self, name: str) -> None:
        self.created.pop(name, None)

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        raise NotImplementedError

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        raise NotImplementedError

    def close(self) -> None: ...


@pytest.fixture(params=CLIENTS)
def settings(kafka: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    created = Settings(
        kafka=kafka,
        kafka_client=request.param,
        topics=f"t-{uuid.uuid4().hex[:12]}",
        partitions=3,
        retention_days=7,
    )
    yield created
    with closing(connect(created).cluster()) as cluster:
        existing = cluster.topics([created.topic(kind) for kind in topics.BYTES])
    delete_topics(created.kafka, *existing)


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Cluster]:
    with closing(connect(settings).cluster()) as opened:
        yield opened


def test_created_topics_have_the_expected_settings(cluster: Cluster, settings: Settings) -> None:
    topics.create(cluster, settings)
    topics.create(cluster, settings)  # the second call changes nothing
    assert topics.check(cluster, settings) == []
    existing = cluster.topics([settings.topic(kind) for kind in topics.BYTES])
    kept_ms = {
        name.removeprefix(settings.topics): int(one.settings["retention.ms"])
        for name, one in existing.items()
    }
    days = 7 * DAY_MS
    assert kept_ms == {".inbound": days, ".ledger": -1, ".outcomes": days, ".set-aside": days}
    assert {one.partitions for one in existing.values()} == {3}


def test_a_missing_topic_and_wrong_settings_are_found_with_advice(
    kafka: str, cluster: Cluster, settings: Settings
) -> None:
    topics.create(cluster, settings)
    ledger, inbound = settings.topic("ledger"), settings.topic("inbound")
    delete_topics(kafka, inbound)
    admin: Any = KafkaAdminClient(bootstrap_servers=kafka)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, ledger, {"retention.ms": "1000"})])
    admin.create_partitions({ledger: 5})
    admin.close()
    texts = [str(finding) for finding in topics.check(cluster, settings)]
    assert texts == [
        f"topic {inbound}: the topic is missing, should be there: run `jumun topics create`",
        f"topic {ledger}: the number of partitions is 5, should be 3: set JUMUN_PARTITIONS to 5: "
        "a seller's partition depends on it, so it never changes",
        f"topic {ledger}: retention.ms is 1000, should be -1: kafka-configs.sh --alter --topic {ledger} "
        "--add-config retention.ms=-1",
    ]


def test_three_brokers_have_three_replicas_of_which_two_must_be_in_sync() -> None:
    cluster = Brokers(3)
    topics.create(cluster, Settings())
    ledger = cluster.created["jumun.ledger"]
    assert (ledger.partitions, ledger.replication, ledger.settings["min.insync.replicas"]) == (48, 3, "2")
    assert {one.settings["unclean.leader.election.enable"] for one in cluster.created.values()} == {"false"}
    assert topics.check(cluster, Settings()) == []


def test_a_topic_with_too_few_replicas_is_found() -> None:
    cluster = Brokers(3)
    cluster.create("jumun.ledger", *topics.wanted(Settings(), 1)[1][1:])
    topics.create(cluster, Settings())
    findings = {(finding.topic, finding.what) for finding in topics.check(cluster, Settings())}
    assert findings == {("jumun.ledger", "the replication factor"), ("jumun.ledger", "min.insync.replicas")}


def test_with_two_brokers_nothing_is_created() -> None:
    cluster = Brokers(2)
    with pytest.raises(topics.TooFewBrokers):
        topics.create(cluster, Settings())
    assert cluster.created == {}


@pytest.mark.parametrize("kind", topics.BYTES)
def test_a_message_of_the_largest_size_fits_into_each_topic(kind: str) -> None:
    assert topics.fits(Outgoing(f"jumun.{kind}", 0, b"k" * 64, b"x" * 2 * MAX_BYTES))


def test_a_record_larger_than_the_limit_of_its_topic_does_not_fit() -> None:
    assert not topics.fits(Outgoing("jumun.inbound", 0, b"", b"x" * 2**20))
    assert topics.fits(Outgoing("jumun.ledger", 0, b"", b"x" * 2**20))
    assert not topics.fits(Outgoing("jumun.ledger", 0, b"", b"x" * 2**23))
