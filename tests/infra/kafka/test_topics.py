"""The four topics: made as they must be, and found out where they are not."""

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
from tests.infra.kafka.trying import CLIENTS, gone

DAY_MS = 86_400_000


class Brokers:
    """A cluster of so many brokers, which remembers what was made."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.made: dict[str, Topic] = {}

    def brokers(self) -> int:
        return self._count

    def topics(self, names: Collection[str]) -> Mapping[str, Topic]:
        return {name: self.made[name] for name in names if name in self.made}

    def create(self, name: str, partitions: int, replication: int, settings: Mapping[str, str]) -> None:
        self.made.setdefault(name, Topic("id", partitions, replication, settings))

    def delete(self, name: str) -> None:
        self.made.pop(name, None)

    def tail(self, topic: str, partition: int, most: int) -> Sequence[Record]:
        raise NotImplementedError

    def lag(self, group: str, topic: str) -> Mapping[int, int]:
        raise NotImplementedError

    def close(self) -> None: ...


@pytest.fixture(params=CLIENTS)
def settings(kafka: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    made = Settings(
        kafka=kafka,
        kafka_client=request.param,
        topics=f"t-{uuid.uuid4().hex[:12]}",
        partitions=3,
        retention_days=7,
    )
    yield made
    with closing(connect(made).cluster()) as cluster:
        there = cluster.topics([made.topic(kind) for kind in topics.BYTES])
    gone(made.kafka, *there)


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Cluster]:
    with closing(connect(settings).cluster()) as opened:
        yield opened


def test_topics_as_they_are_made_are_as_they_must_be(cluster: Cluster, settings: Settings) -> None:
    topics.create(cluster, settings)
    topics.create(cluster, settings)  # nothing happens
    assert topics.check(cluster, settings) == []
    there = cluster.topics([settings.topic(kind) for kind in topics.BYTES])
    kept_ms = {
        name.removeprefix(settings.topics): int(one.settings["retention.ms"]) for name, one in there.items()
    }
    days = 7 * DAY_MS
    assert kept_ms == {".inbound": days, ".ledger": -1, ".outcomes": days, ".set-aside": days}
    assert {one.partitions for one in there.values()} == {3}


def test_what_is_missing_or_otherwise_is_found_and_what_to_do_is_said(
    kafka: str, cluster: Cluster, settings: Settings
) -> None:
    topics.create(cluster, settings)
    ledger, inbound = settings.topic("ledger"), settings.topic("inbound")
    gone(kafka, inbound)
    admin: Any = KafkaAdminClient(bootstrap_servers=kafka)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, ledger, {"retention.ms": "1000"})])
    admin.create_partitions({ledger: 5})
    admin.close()
    said = [str(finding) for finding in topics.check(cluster, settings)]
    assert said == [
        f"topic {inbound}: the topic is missing, should be there: run `jumun topics create`",
        f"topic {ledger}: the number of partitions is 5, should be 3: set JUMUN_PARTITIONS to 5: "
        "a seller's partition depends on it, so it never changes",
        f"topic {ledger}: retention.ms is 1000, should be -1: kafka-configs.sh --alter --topic {ledger} "
        "--add-config retention.ms=-1",
    ]


def test_three_brokers_keep_three_copies_of_which_two_are_written_before_all_goes_on() -> None:
    cluster = Brokers(3)
    topics.create(cluster, Settings())
    made = cluster.made["jumun.ledger"]
    assert (made.partitions, made.replication, made.settings["min.insync.replicas"]) == (48, 3, "2")
    assert {one.settings["unclean.leader.election.enable"] for one in cluster.made.values()} == {"false"}
    assert topics.check(cluster, Settings()) == []


def test_a_topic_with_too_few_copies_is_found() -> None:
    cluster = Brokers(3)
    cluster.create("jumun.ledger", *topics.wanted(Settings(), 1)[1][1:])
    topics.create(cluster, Settings())
    found = {(finding.topic, finding.what) for finding in topics.check(cluster, Settings())}
    assert found == {("jumun.ledger", "the replication factor"), ("jumun.ledger", "min.insync.replicas")}


def test_two_brokers_are_a_broken_three_and_nothing_is_made() -> None:
    cluster = Brokers(2)
    with pytest.raises(topics.TooFewBrokers):
        topics.create(cluster, Settings())
    assert cluster.made == {}


@pytest.mark.parametrize("kind", topics.BYTES)
def test_a_message_of_the_largest_size_fits_into_each_topic(kind: str) -> None:
    assert topics.fits(Outgoing(f"jumun.{kind}", 0, b"k" * 64, b"x" * 2 * MAX_BYTES))


def test_a_record_larger_than_its_topic_takes_does_not_fit() -> None:
    assert not topics.fits(Outgoing("jumun.inbound", 0, b"", b"x" * 2**20))
    assert topics.fits(Outgoing("jumun.ledger", 0, b"", b"x" * 2**20))
    assert not topics.fits(Outgoing("jumun.ledger", 0, b"", b"x" * 2**23))
