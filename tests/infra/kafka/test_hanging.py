"""With a frozen or killed broker, no call hangs and no record is lost or doubled.  Uses its own broker."""

import time
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.kafka.ports import Kafka, Unreachable, Unsent
from tests.conftest import kafka_tool
from tests.infra.kafka.trying import CLIENTS, Reader, a_topic, client_of, poll_until, publish, sent, tail

NAME = ("--name", "kafka-hanging")
NODE = ("--node", "1")


@pytest.fixture(scope="module")
def kafka() -> Generator[str]:
    """A separate broker: freezing it would block other tests."""
    done = kafka_tool("up", *NAME)
    assert done.returncode == 0, done.stderr
    yield done.stdout.strip()
    kafka_tool("remove", *NAME)


@pytest.fixture(params=CLIENTS)
def client(kafka: str, request: pytest.FixtureRequest) -> Kafka:
    return client_of(kafka, request.param)


@pytest.fixture
def topic(kafka: str, client: Kafka) -> Generator[str]:
    with a_topic(kafka, client, 2) as name:
        yield name


@pytest.fixture
def freeze() -> Generator[Callable[[], object]]:
    yield lambda: kafka_tool("freeze", *NODE, *NAME)
    kafka_tool("thaw", *NODE, *NAME)


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_every_client_closes_within_seconds_while_the_broker_hangs(
    client: Kafka, topic: str, freeze: Callable[[], object]
) -> None:
    member, publisher, cluster = Reader(client.member(topic, "closing")), client.publisher(), client.cluster()
    transactional = client.transactional_publisher(topic, topic, [topic])
    poll_until([member], lambda: member.held == {0, 1})
    publisher.send(sent(topic, "a")[0])
    publisher.flush()
    freeze()
    publisher.send(sent(topic, "hangs")[0])
    for one in (member, transactional, cluster, publisher):
        assert seconds_of(one.close) < 15


def test_a_flush_that_is_not_acknowledged_in_time_is_unsent(
    client: Kafka, topic: str, freeze: Callable[[], object]
) -> None:
    publisher = client.publisher()
    publisher.send(sent(topic, "a")[0])
    publisher.flush()
    freeze()
    publisher.send(sent(topic, "hangs")[0])

    def flush() -> None:
        with pytest.raises(Unsent):
            publisher.flush(2.0)

    assert seconds_of(flush) < 10


def test_polls_are_empty_while_the_broker_hangs_and_continue_afterwards(
    client: Kafka, topic: str, freeze: Callable[[], object]
) -> None:
    reader = Reader(client.member(topic, f"polling-{uuid.uuid4().hex}"))
    poll_until([reader], lambda: reader.held == {0, 1})
    freeze()
    for _ in range(3):
        assert 0.4 < seconds_of(lambda: reader.step(0.5)) < 5
    with pytest.raises(Unreachable):
        reader.member.bounds(0)
    kafka_tool("thaw", *NODE, *NAME)
    publish(client, sent(topic, "back"))
    poll_until([reader], lambda: reader.values() == ["back"])
    reader.close()


def test_a_publisher_survives_a_killed_broker_and_doubles_nothing(client: Kafka, topic: str) -> None:
    texts = [str(n) for n in range(2_000)]
    publisher = client.publisher()

    def send() -> None:
        for at, record in enumerate(sent(topic, *texts)):
            publisher.send(record)
            if at % 40 == 0:
                time.sleep(0.03)
        publisher.flush(60)
        publisher.close()

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        time.sleep(0.7)
        kafka_tool("kill", *NODE, *NAME)
        assert kafka_tool("start", *NODE, *NAME).returncode == 0
        sending.result(90)
    assert tail(client, topic) == texts


def test_a_transaction_interrupted_by_a_hanging_broker_is_whole_or_absent_as_its_checkpoint_says(
    client: Kafka, topic: str, freeze: Callable[[], object]
) -> None:
    transactional = client.transactional_publisher(topic, topic, [topic], within_s=3.0)
    transactional.write(sent(topic, "a"), {topic: 1})
    freeze()

    def write() -> None:
        with pytest.raises(Unreachable):
            transactional.write(sent(topic, "b"), {topic: 2})

    assert seconds_of(write) < 25
    kafka_tool("thaw", *NODE, *NAME)
    again = client.transactional_publisher(topic, topic, [topic])
    assert tail(client, topic) == ["a", "b"][: again.checkpoints()[topic]]
    again.close()
