"""Workers that come and go under load: each partition's commits follow one another, whoever made them."""

import random
from itertools import islice

import pytest

from benchmarks.production import production
from infra.audit.verify import Verdict, chain_findings
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
        sent, there = 0, ["engine-0"]
        for number in range(1, moves + 1):
            sent += system.publish(islice(source, 300))
            if len(there) == 1 or (len(there) < 4 and chance.random() < 0.5):
                there.append(f"engine-{number}")
                system.start("engine", there[-1])
            else:
                system.end(there.pop(chance.randrange(len(there))))
            system.wait_decided(sent - 200)
        sent += system.publish(source)
        system.wait_decided(sent)
        fenced = sum(
            said["event"] == "commit_fenced"
            for log in system.logs.glob("engine-*.log")
            for said in system.log(log.stem)
        )
        with system.ledger() as ledger:
            assert list(chain_findings(ledger, Verdict())) == []
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
