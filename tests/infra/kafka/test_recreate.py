"""`jumun topics recreate`: the published topics are deleted and created again; the inbound topic stays."""

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from typer.testing import CliRunner

from infra.cli.topics import app
from infra.kafka import topics
from infra.kafka.client import connect
from infra.kafka.ports import Cluster
from infra.settings import Settings, TopicName
from tests.infra.kafka.trying import CLIENTS, delete_topics, publish, sent, tail

PUBLISHED: tuple[TopicName, ...] = ("ledger", "outcomes", "set-aside")


@pytest.fixture(params=CLIENTS)
def settings(
    kafka: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings of four topics with one record each."""
    values = {
        "kafka": kafka,
        "kafka_client": request.param,
        "topics": f"t-{uuid.uuid4().hex[:12]}",
        "partitions": "2",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"JUMUN_{name.upper()}", value)
    created = Settings()
    with closing(connect(created).cluster()) as cluster:
        topics.create(cluster, created)
    for name in ("inbound", *PUBLISHED):
        publish(connect(created), sent(created.topic(name), "old"))
    yield created
    delete_topics(kafka, *(created.topic(name) for name in ("inbound", *PUBLISHED)))


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Cluster]:
    with closing(connect(settings).cluster()) as opened:
        yield opened


def test_the_published_topics_are_empty_and_the_inbound_topic_is_unchanged(
    settings: Settings, cluster: Cluster
) -> None:
    names = [settings.topic(name) for name in ("inbound", *PUBLISHED)]
    before = cluster.topics(names)
    result = CliRunner().invoke(app, ["recreate", "--yes"])
    assert result.exit_code == 0, result.output
    after = cluster.topics(names)
    assert topics.check(cluster, settings) == []
    same = {name for name in names if before[name].id == after[name].id}
    assert same == {settings.topic("inbound")}
    assert tail(connect(settings), settings.topic("inbound")) == ["old"]
    for name in PUBLISHED:
        assert tail(connect(settings), settings.topic(name)) == []


def test_without_a_yes_nothing_is_deleted(settings: Settings) -> None:
    result = CliRunner().invoke(app, ["recreate"], input="n\n")
    assert result.exit_code == 1
    for name in PUBLISHED:
        assert tail(connect(settings), settings.topic(name)) == ["old"]


def test_a_missing_topic_counts_as_deleted(settings: Settings, cluster: Cluster) -> None:
    cluster.delete(settings.topic("ledger"))
    cluster.delete(settings.topic("ledger"))
    assert settings.topic("ledger") not in cluster.topics([settings.topic("ledger")])
    assert CliRunner().invoke(app, ["anew", "--yes"]).exit_code == 0
    assert topics.check(cluster, settings) == []
