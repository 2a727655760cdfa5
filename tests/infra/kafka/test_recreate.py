"""`jumun topics recreate`: what is told is deleted and made again; what came in stays."""

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
from tests.infra.kafka.trying import CLIENTS, gone, publish, sent, tail

TOLD: tuple[TopicName, ...] = ("ledger", "outcomes", "set-aside")


@pytest.fixture(params=CLIENTS)
def settings(
    kafka: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """With one record in each of the four topics."""
    said = {
        "kafka": kafka,
        "kafka_client": request.param,
        "topics": f"t-{uuid.uuid4().hex[:12]}",
        "partitions": "2",
    }
    for name, value in said.items():
        monkeypatch.setenv(f"JUMUN_{name.upper()}", value)
    made = Settings()
    with closing(connect(made).cluster()) as cluster:
        topics.create(cluster, made)
    for name in ("inbound", *TOLD):
        publish(connect(made), sent(made.topic(name), "old"))
    yield made
    gone(kafka, *(made.topic(name) for name in ("inbound", *TOLD)))


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Cluster]:
    with closing(connect(settings).cluster()) as opened:
        yield opened


def test_what_is_told_is_empty_again_and_what_came_in_is_there(settings: Settings, cluster: Cluster) -> None:
    names = [settings.topic(name) for name in ("inbound", *TOLD)]
    before = cluster.topics(names)
    result = CliRunner().invoke(app, ["recreate", "--yes"])
    assert result.exit_code == 0, result.output
    after = cluster.topics(names)
    assert topics.check(cluster, settings) == []
    same = {name for name in names if before[name].id == after[name].id}
    assert same == {settings.topic("inbound")}
    assert tail(connect(settings), settings.topic("inbound")) == ["old"]
    for name in TOLD:
        assert tail(connect(settings), settings.topic(name)) == []


def test_without_a_yes_nothing_is_deleted(settings: Settings) -> None:
    result = CliRunner().invoke(app, ["recreate"], input="n\n")
    assert result.exit_code == 1
    for name in TOLD:
        assert tail(connect(settings), settings.topic(name)) == ["old"]


def test_a_topic_that_is_not_there_is_deleted_already(settings: Settings, cluster: Cluster) -> None:
    cluster.delete(settings.topic("ledger"))
    cluster.delete(settings.topic("ledger"))
    assert settings.topic("ledger") not in cluster.topics([settings.topic("ledger")])
    assert CliRunner().invoke(app, ["anew", "--yes"]).exit_code == 0
    assert topics.check(cluster, settings) == []
