"""HTTP in production: messages are published to Kafka, questions are answered from PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.production import Production
from infra.access import tokens
from infra.http.request_limits import Limits
from infra.kafka.client import connect
from infra.kafka.ports import Cluster, Kafka, Outgoing, Publisher, Unreachable, Unsent
from infra.settings import Settings
from tests.infra.http.conftest import BATCH, STRUCTURED, Server, batch, problem, running
from tests.messages import life_cycle, receipt, tick


def settings_of(production: Production, tmp_path: Path) -> Settings:
    return production.settings.model_copy(update={"http_tokens": tmp_path / "tokens.toml", "http_port": 0})


@pytest.fixture(scope="module")
def production(postgres_url: str, kafka: str) -> Iterator[Production]:
    system = Production(postgres_url, kafka)
    yield system
    system.close()


@pytest.fixture(scope="module")
def served(production: Production, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with all workers except the timekeeper."""
    for role in ("engine", "relay", "projector"):
        production.start(role)
    production.wait_decided(production.publish([receipt(1, seller="first")]))
    with running(settings_of(production, tmp_path_factory.mktemp("http"))) as started:
        yield started


@pytest.fixture(scope="module")
def client(served: Server) -> httpx.Client:
    return served.client(*tokens.RIGHTS)


def posted(client: httpx.Client, *raws: bytes, wait: float) -> httpx.Response:
    return client.post("/messages", content=batch(*raws), headers=BATCH, params={"wait": wait})


def states(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["outcome"]["state"] for one in answer.json()["messages"]]


def test_a_request_that_waits_gets_the_outcomes(client: httpx.Client) -> None:
    raws = [receipt(1, seller=seller) for seller in ("a", "b", "c")]
    assert states(posted(client, *raws, *life_cycle("N-1", seller="a"), wait=30)) == ["accepted"] * 8
    assert states(posted(client, raws[0], receipt(1, seller="b", pieces=9), wait=30)) == [
        "duplicate",
        "conflict",
    ]


def test_of_two_equal_messages_one_is_a_duplicate(client: httpx.Client) -> None:
    answer = posted(client, receipt(2, seller="a"), receipt(2, seller="a"), wait=30)
    assert states(answer) == ["accepted", "duplicate"]


def test_a_request_that_does_not_wait_gets_a_location(client: httpx.Client) -> None:
    answer = client.post("/messages", content=receipt(3, seller="a"), headers=STRUCTURED)
    assert answer.status_code == 202
    while (response := client.get(answer.headers["location"])).status_code != 200:
        problem(response, 404)
    assert response.json()["state"] == "accepted"


def test_a_read_with_min_position_sees_the_message_sent_before(client: httpx.Client) -> None:
    for number in range(10, 13):
        answer = posted(client, receipt(number, seller="d", pieces=1), wait=30).json()
        parameters = {"seller": "d", "min_position": answer["min_position"]}
        response = client.get("/stock", params=parameters)
        assert response.status_code == 200, response.text
        assert response.json()["rows"][0]["on_hand"] == number - 9


def test_a_read_does_not_wait_for_a_position_of_another_seller(client: httpx.Client) -> None:
    posted(client, receipt(1, seller="e"), wait=30)
    position = posted(client, receipt(1, seller="f"), wait=30).json()["min_position"]
    assert client.get("/stock", params={"seller": "e", "min_position": position}).status_code == 200
    problem(client.get("/stock", params={"min_position": position}), 422)


def test_a_tick_without_a_seller_goes_to_every_partition(
    client: httpx.Client, production: Production
) -> None:
    answer = posted(client, tick("2026-03-12T10:00:00+09:00"), wait=5)
    assert answer.status_code == 200
    topic = production.settings.topic("inbound")
    with production.cluster() as cluster:
        tails = [cluster.tail(topic, at, 1) for at in range(production.settings.partitions)]
    assert all(b"time-passed" in tail[-1].value for tail in tails)


@pytest.mark.parametrize(
    "path",
    ["/stock", "/penalty", "/kpi", "/orders", "/orders/N-1", "/returns", "/activity", "/parked", "/outcomes",
     "/parked?seller=a", "/outcomes?seller=a", "/messages?seller=a&hour=2026-03-12T10"],
)  # fmt: skip
def test_every_question_is_answered_on_postgresql(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert {"as_of_position", "as_of"} <= answer.json().keys()


def test_it_is_ready_while_all_servers_can_be_reached(served: Server) -> None:
    body = served.anybody().get("/readyz").json()
    assert body["ready"], body


def test_without_an_engine_messages_are_stored_and_have_no_outcome_yet(
    postgres_url: str, kafka: str, tmp_path: Path
) -> None:
    production = Production(postgres_url, kafka)
    with running(settings_of(production, tmp_path)) as served:
        client = served.client(*tokens.RIGHTS)
        answer = posted(client, receipt(1), wait=0.5)
        assert answer.status_code == 202
        assert answer.json()["messages"][0]["outcome"] is None
        problem(client.get("/messages/shop/in-acme-1?seller=acme"), 404)
    production.close()


class Away:
    """A Kafka whose first publisher fails, and that can be made unreachable."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka, self.away, self.opened = kafka, False, 0

    def publisher(self) -> Publisher:
        self.opened += 1
        if self.away:
            raise Unreachable
        return Failing(self.kafka.publisher(), fails=self.opened == 1)

    def cluster(self) -> Cluster:
        if self.away:
            raise Unreachable
        return self.kafka.cluster()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kafka, name)


class Failing:
    """A publisher that sends everything, and then reports that it has not."""

    def __init__(self, publisher: Publisher, *, fails: bool) -> None:
        self._publisher, self._fails = publisher, fails

    def send(self, record: Outgoing) -> None:
        self._publisher.send(record)

    def flush(self, timeout_s: float = 30.0) -> None:
        self._publisher.flush(timeout_s)
        if self._fails:
            raise Unsent

    def close(self) -> None:
        self._publisher.close()


@pytest.mark.usefixtures("served")
def test_a_message_without_acknowledgement_can_be_sent_again(production: Production, tmp_path: Path) -> None:
    away = Away(connect(production.settings))
    with running(settings_of(production, tmp_path), kafka=away) as server:
        client = server.client(*tokens.RIGHTS)
        answer = client.post("/messages?wait=5", content=receipt(5, seller="g"), headers=STRUCTURED)
        assert "Send them again" in problem(answer, 503)["next"]
        assert answer.headers["retry-after"]
        while client.get("/messages/shop/in-g-5?seller=g").status_code != 200:
            pass  # the message was written nevertheless
        assert states(posted(client, receipt(5, seller="g"), wait=30)) == ["duplicate"]
    assert away.opened == 2


@pytest.mark.usefixtures("served")
def test_it_is_not_ready_while_kafka_cannot_be_reached(production: Production, tmp_path: Path) -> None:
    away = Away(connect(production.settings))
    with running(settings_of(production, tmp_path), kafka=away, limits=Limits(check_every_s=0)) as server:
        away.away = True
        anybody = server.anybody()
        answer = anybody.get("/readyz")
        assert answer.status_code == 503
        assert "Kafka cannot be reached" in answer.text
        away.away = False
        assert anybody.get("/readyz").json()["ready"]
