"""Workers of every kind are killed with SIGKILL at random moments: nothing is lost, doubled or reordered."""

import random
import signal
import time
from collections import Counter
from itertools import islice

import pytest

from benchmarks.production import Production, production
from infra.audit.verify import verify
from infra.kafka.ports import Record
from infra.wire.kafka_records import ledger_position
from tests.torture.load import lines

ROLES = ("engine", "relay", "projector", "timekeeper")


def in_order(records: list[Record]) -> None:
    """Within a partition, positions increase strictly, and each record names the position before it."""
    before: dict[int, int] = {}
    for record in records:
        where = ledger_position(record.value)
        assert where.previous == before.get(record.partition, 0)
        assert where.position > where.previous
        before[record.partition] = where.position


def check_system(system: Production, sent: int) -> None:
    """Checks what must hold after any fault."""
    system.wait_decided(sent)
    system.wait_folded()
    with system.ledger() as ledger, system.read_models() as models:
        assert verify(ledger, models).problems == []
        last = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    system.wait_until(lambda: system.published_positions()[-1:] == [last])
    in_order(system.records("ledger"))
    assert system.published_positions() == list(range(1, last + 1))
    assert sum(system.decided().values()) == sent


@pytest.mark.parametrize("client", ["kafka-python", "confluent-kafka"])
def test_workers_are_killed_at_random_moments(
    postgres_url: str, kafka: str, client: str, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = 200 if long else 12
    chance = random.Random(f"{client} {kills}")
    with production(postgres_url, kafka, client=client) as system:
        workers = [f"{role}-{number}" for role in ROLES for number in (1, 2)]
        for name in workers:
            start(system, name)
        source = iter(lines(orders=kills * 40, seed=kills))
        sent, killed = 0, Counter[str]()
        for _ in range(kills):
            sent += system.publish(islice(source, 250))
            time.sleep(chance.uniform(0.0, 1.5))
            name = chance.choice(workers)
            system.end(name, signal.SIGKILL)
            killed[name.partition("-")[0]] += 1
            start(system, name)
        sent += system.publish(source)
        check_system(system, sent)
        with capsys.disabled():
            print(
                f"\n  {kills} kills ({client}): {dict(killed)}; {sent:,} messages: {system.decided()}", end=""
            )


def start(system: Production, name: str) -> None:
    """Worker 1 of each role keeps its name, and so its partitions, at a restart.  Worker 2 joins as new."""
    role, _, number = name.partition("-")
    keeps = name if number == "1" else ""
    system.start("timekeeper --allow-jump" if role == "timekeeper" else role, name, JUMUN_WORKER_NAME=keeps)
