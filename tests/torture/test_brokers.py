"""One or all of three brokers fail under load: no acknowledged message is lost, and the workers recover."""

import os
import random
import statistics
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import reduce
from itertools import islice

import pytest
from kafka.errors import KafkaError

from benchmarks.production import Production, production
from infra.kafka.client import connect
from infra.kafka.ports import MAX_POLL_INTERVAL_S, Outgoing, Publisher, Unreachable, Unsent
from infra.settings import TopicName
from tests.conftest import kafka_tool
from tests.infra.kafka.trying import KAFKA, PARTITIONS, Reader, a_topic, client_of, poll_until
from tests.torture.load import lines
from tests.torture.test_kills import check_system

NAME = "trio"
CLIENTS = ["kafka-python", *(["confluent-kafka"] if os.environ.get("JUMUN_TORTURE") else [])]
"""Only the default client in the short form; both in the long form."""
MOMENTS = ["before any joins", *(["while the second joins"] if os.environ.get("JUMUN_TORTURE") else [])]
NODES = (1, 2, 3)
RECOVERS_S = 90.0
GATHERS_S = 60.0
ENDS_S = 60.0
MANY = 300
"""More messages than can have been in flight when the fault began."""


@pytest.fixture(scope="module")
def three_brokers() -> Iterator[str]:
    """A separate cluster, so that its faults do not disturb other tests."""
    done = kafka_tool("up", "--brokers", "3", "--name", NAME)
    assert done.returncode == 0, done.stderr
    yield done.stdout.strip()
    kafka_tool("remove", "--name", NAME)


class Upstream:
    """Publishes continuously, and repeats what was not acknowledged, as an upstream service does."""

    def __init__(self, system: Production, source: Iterator[bytes]) -> None:
        self._system = system
        self._source = source
        self._publisher: Publisher | None = None
        self.acknowledged = 0
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def _publish(self) -> None:
        while chunk := list(islice(self._source, 50)):
            while not self._sent(chunk):
                if self.ended.wait(0.2):
                    return
            self.acknowledged += len(chunk)
            if self.ended.is_set():
                break
            time.sleep(0.05)
        if self._publisher is not None:
            self._publisher.close()

    def _sent(self, chunk: list[bytes]) -> bool:
        topic = self._system.settings.topic("inbound")
        try:
            if self._publisher is None:
                self._publisher = connect(self._system.settings).publisher()
            for line in chunk:
                self._publisher.send(Outgoing(topic, self._system.partition(line), b"", line))
            self._publisher.flush(20)
        except (Unsent, Unreachable):
            if self._publisher is not None:
                self._publisher.close()
            self._publisher = None
            return False
        return True

    def stop(self) -> None:
        self.ended.set()
        self._thread.join(ENDS_S)
        assert not self._thread.is_alive(), f"still publishing {ENDS_S} s after the request to stop"


def trio(*command: str) -> None:
    done: subprocess.CompletedProcess[str] = kafka_tool(*command, "--name", NAME)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_group_meets_elsewhere_when_the_broker_that_coordinates_it_freezes(
    three_brokers: str, kafka: str, name: str, moment: str
) -> None:
    del kafka  # requested so that the test counts as one of a real broker
    client, group = client_of(three_brokers, name), uuid.uuid4().hex
    with a_topic(three_brokers, client, PARTITIONS, 3) as topic, ExitStack() as afterwards:

        def joining() -> Reader:
            reader = Reader(client.member(topic, group), begins=False)
            afterwards.callback(reader.close)
            return reader

        readers: list[Reader] = []
        patience_s = GATHERS_S
        if moment == "while the second joins":
            patience_s += MAX_POLL_INTERVAL_S
            readers = [joining()]
            poll_until(readers, lambda: len(readers[0].held) == PARTITIONS)
            readers.append(joining())
            for _ in range(20):
                readers[1].step()  # its join waits for the first reader, which does not poll
        node = _coordinator(three_brokers, topic, group)
        trio("freeze", "--node", node)
        afterwards.callback(trio, "thaw", "--node", node)
        readers = readers or [joining(), joining()]
        poll_until(readers, lambda: all(len(each.held) == PARTITIONS // 2 for each in readers), patience_s)


def _coordinator(servers: str, topic: str, group: str) -> str:
    """The broker that leads the partition of `__consumer_offsets` in which the group is stored."""
    with closing(client_of(servers, "kafka-python").cluster()) as cluster:
        cluster.lag(group, topic)  # the first request makes a new cluster create these partitions
    with closing(KAFKA.KafkaAdminClient(bootstrap_servers=servers)) as admin:
        leaders = [one["leader_id"] for one in admin.describe_topics(["__consumer_offsets"])[0]["partitions"]]
    hashed = reduce(lambda before, char: (31 * before + ord(char)) % 2**32, group, 0)
    return str(leaders[min(hashed, 2**32 - hashed) % len(leaders)])


# kafka-python leaves the socket of a connection that broke while it opened to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("client", CLIENTS)
def test_brokers_are_killed_frozen_and_all_stopped_under_load(
    postgres_url: str,
    three_brokers: str,
    kafka: str,
    client: str,
    long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del kafka  # requested so that the test counts as one of a real broker
    faults = ["kill"] * (20 if long else 1) + ["freeze"] * (10 if long else 1) + ["stop"] * (3 if long else 1)
    chance = random.Random(len(faults))
    chance.shuffle(faults)
    with production(postgres_url, three_brokers, client=client) as system:
        system.keeps_alive = True
        for role in ("engine", "relay", "projector"):
            system.start(role)
        upstream = Upstream(system, iter(lines(orders=400_000, seed=3, sellers=200)))
        try:
            recoveries = [_through(system, fault, chance.choice(NODES)) for fault in faults]
        finally:
            upstream.stop()
        with system.cluster() as cluster:
            topic, partitions = system.settings.topic("inbound"), range(system.settings.partitions)
            sent = sum(len(cluster.tail(topic, partition, 10**9)) for partition in partitions)
        check_system(system, sent)
        assert sent >= upstream.acknowledged
        with capsys.disabled():
            median, worst = statistics.median(recoveries), max(recoveries)
            print(
                f"\n  {len(faults)} faults of three brokers ({client}):"
                f" {upstream.acknowledged:,} messages acknowledged, none lost;"
                f" decided again after {median:.1f} s (median), {worst:.1f} s (worst);"
                f" {system.revived} workers started again",
                end="",
            )


def _through(system: Production, fault: str, node: int) -> float:
    """Seconds until messages published after the fault are decided.  Then it repairs the cluster."""
    time.sleep(1)
    began = time.monotonic()
    if fault == "kill":
        trio("kill", "--node", str(node))
    elif fault == "freeze":
        trio("freeze", "--node", str(node))
    else:
        trio("down")
        trio("up", "--brokers", "3")
    time.sleep(0.5)
    seen = sum(system.decided().values())
    try:
        system.wait_until(lambda: sum(system.decided().values()) > seen + MANY, RECOVERS_S)
    except AssertionError as error:
        raise AssertionError(f"not recovered from {fault} of broker {node}: {error}") from error
    took = time.monotonic() - began
    if fault == "kill":
        trio("start", "--node", str(node))
    elif fault == "freeze":
        trio("thaw", "--node", str(node))
    system.wait_until(lambda: _whole(system), RECOVERS_S)
    return took


def _whole(system: Production) -> bool:
    """Whether all replicas of every partition are in sync."""
    try:
        admin = KAFKA.KafkaAdminClient(bootstrap_servers=system.settings.kafka)
    except KafkaError:
        return False
    try:
        names: tuple[TopicName, ...] = ("inbound", "ledger", "outcomes")
        descriptions = admin.describe_topics([system.settings.topic(name) for name in names])
        return all(len(at["isr_nodes"]) == len(NODES) for topic in descriptions for at in topic["partitions"])
    except KafkaError:
        return False
    finally:
        admin.close()
