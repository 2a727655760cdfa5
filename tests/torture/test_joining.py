"""Engine workers join and leave under load: the commits of each partition stay contiguous."""

import random
from itertools import islice

import pytest

from benchmarks.production import production
from infra.audit.verify import Verdict, chain_damage
from tests.torture.load import lines


@pytest.mark.parametrize("client", ["kafka-python", "confluent-kafka"])
def test_workers_join_and_leave_under_load(
    postgres_url: str, kafka: str, client: str, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    moves = 20 if long else 6
    chance = random.Random(moves)
    with production(postgres_url, kafka, client=client) as system:
        source = iter(lines(orders=moves * 60, seed=moves))
        system.start("engine", "engine-0")
        sent, running = 0, ["engine-0"]
        for number in range(1, moves + 1):
            sent += system.publish(islice(source, 300))
            if len(running) == 1 or (len(running) < 4 and chance.random() < 0.5):
                running.append(f"engine-{number}")
                system.start("engine", running[-1])
            else:
                system.end(running.pop(chance.randrange(len(running))))
            system.wait_decided(sent - 200)
        sent += system.publish(source)
        system.wait_decided(sent)
        fenced = sum(
            record["event"] == "commit_fenced"
            for log in system.logs.glob("engine-*.log")
            for record in system.log(log.stem)
        )
        with system.ledger() as ledger:
            assert list(chain_damage(ledger, Verdict())) == []
            offsets = ledger.rows("SELECT partition, from_offset, next_offset FROM commits ORDER BY number")
            workers = ledger.rows("SELECT count(DISTINCT worker) FROM commits")[0][0]
        ends: dict[int, int] = {}
        for partition, begins, end in offsets:
            assert begins == ends.get(partition, 0)
            ends[partition] = end
        assert sum(system.decided().values()) == sent
        with capsys.disabled():
            print(
                f"\n  {moves} joins and leaves ({client}), {workers} workers; attempts fenced off: {fenced}",
                end="",
            )
