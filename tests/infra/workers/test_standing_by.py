"""Relay and timekeeper: one works, the others stand by; and neither goes on where it must not."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from benchmarks.production import Production, production
from infra.kafka.client import connect
from infra.kafka.ports import Outgoing
from infra.wire.ticks import tick
from tests.messages import life_cycle, life_cycles, receipt

TAKES_OVER_S = 10.0 if os.environ.get("JUMUN_TORTURE") else 25.0
"""Alone it takes seven seconds; other tests that run beside it make everything slower."""
CANNOT = 5
IDLE_S = 10.0
MOST_OF_A_CORE = 0.06
"""Measured alone it is under 0.03; other tests that run beside it make everything dearer."""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_another_relay_takes_over_within_ten_seconds(how: signal.Signals, made: Production) -> None:
    made.start("engine")
    first = made.start("relay", "first")
    made.publish([receipt(1)])
    made.wait_until(lambda: len(made.told_positions()) == 2)
    made.start("relay", "second")
    time.sleep(2)
    first.send_signal(how)
    began = time.monotonic()
    made.publish(life_cycle("1"))
    made.wait_decided(6)
    with made.ledger() as ledger:
        last = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    made.wait_until(lambda: made.told_positions()[-1] == last)
    assert time.monotonic() - began < TAKES_OVER_S
    if how is signal.SIGSTOP:  # it wakes, and is fenced off or stands by
        first.send_signal(signal.SIGCONT)
        made.publish(life_cycle("2"))
        made.wait_decided(11)
        time.sleep(2)
    made.wait_until(lambda: made.told_positions() == list(range(1, last_position(made) + 1)))


def last_position(made: Production) -> int:
    with made.ledger() as ledger:
        found: int = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    return found


def test_a_relay_whose_mark_has_expired_goes_on_from_the_topics_end(made: Production) -> None:
    made.start("engine")
    made.start("relay")
    made.publish([b"garbage", *life_cycles(["1", "2"])])
    made.wait_decided(12)
    made.wait_until(lambda: made.told_positions()[-1:] == [last_position(made)])
    made.end("relay")
    with made.ledger() as ledger:
        forget_marks(made, f"{made.settings.topics}-relay-{ledger.ledger_id}")
    made.publish(life_cycle("3"))
    made.wait_decided(17)
    made.start("relay")
    made.wait_until(lambda: made.told_positions() == list(range(1, last_position(made) + 1)))
    numbers = [json.loads(record.value)["data"]["number"] for record in made.told_outcomes()]
    assert sorted(numbers) == list(range(1, 18))


def forget_marks(made: Production, group: str) -> None:
    from kafka import KafkaAdminClient  # noqa: PLC0415

    admin: Any = KafkaAdminClient(bootstrap_servers=made.settings.kafka)
    admin.delete_groups([group])
    admin.close()


def test_a_relay_refuses_a_ledger_that_is_not_the_one_it_told_of(made: Production) -> None:
    made.start("engine")
    made.start("relay")
    made.publish(life_cycles(["1"]))
    made.wait_decided(6)
    made.wait_until(lambda: made.told_positions()[-1:] == [last_position(made)])
    made.end("relay")
    with psycopg.connect(made.said["database_url"]) as connection:
        table = sql.Identifier(made.said["ledger_schema"], "stored_events")
        connection.execute(sql.SQL("UPDATE {} SET state = state || ' '::bytea").format(table))
    relay = made.start("relay")
    assert relay.wait(60) == CANNOT
    said = (made.logs / "relay.log").read_text()
    assert "is not the ledger's event there" in " ".join(said.split())
    assert "Restore" in said


def test_time_is_told_once_a_second_to_each_partition(made: Production) -> None:
    made.start("timekeeper", "one")
    made.start("timekeeper", "two")
    made.wait_until(lambda: len(made.told("inbound")) >= 5 * made.settings.partitions)
    by_partition: dict[int, list[str]] = {}
    for record in made.told("inbound"):
        by_partition.setdefault(record.partition, []).append(json.loads(record.value)["data"]["to"])
    assert len(by_partition) == made.settings.partitions
    for told in by_partition.values():
        times = [datetime.fromisoformat(to) for to in told]
        assert times == sorted(times)
        assert len(set(told)) >= len(told) - 1  # a change of keepers may tell one second twice


def test_a_jump_of_more_than_a_day_is_refused_unless_an_operator_says_so(made: Production) -> None:
    tell(made, datetime.now(UTC) - timedelta(days=2))
    keeper = made.start("timekeeper")
    assert keeper.wait(60) == CANNOT
    assert len(made.told("inbound")) == 1
    made.start("timekeeper --allow-jump")
    made.wait_until(lambda: len(made.told("inbound")) > made.settings.partitions)


def tell(made: Production, at: datetime) -> None:
    publisher = connect(made.settings).publisher()
    publisher.send(Outgoing(made.settings.topic("inbound"), 0, b"", tick(at)))
    publisher.flush()
    publisher.close()


def test_idle_the_system_commits_nothing_and_hardly_uses_the_processor(
    postgres_url: str, kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With as many partitions as there are by default, each told the time once a second."""
    with production(postgres_url, kafka, partitions=48) as made:
        made.start("timekeeper --allow-jump", "timekeeper")
        for role in ("engine", "relay", "projector"):
            made.start(role)
        sent = made.publish([receipt(1)])
        made.wait_decided(sent)
        made.wait_folded()
        time.sleep(3)
        before, cpu, began = written(made), cpu_s(made), time.monotonic()
        time.sleep(IDLE_S)
        used = (cpu_s(made) - cpu) / (time.monotonic() - began)
        assert written(made) == before
    with capsys.disabled():
        print(f"\n  idle: {used:.1%} of a core for all four workers", end="")
    assert used < MOST_OF_A_CORE


def written(made: Production) -> list[object]:
    """What changes whenever a row of this ledger or of these read models is written."""
    found: list[object] = []
    with psycopg.connect(made.said["database_url"]) as connection:
        for schema in (made.said["ledger_schema"], made.said["read_models_schema"]):
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
            for (table,) in tables.fetchall():
                last = sql.SQL("SELECT count(*), max(xmin::text::bigint) FROM {}")
                found += connection.execute(last.format(sql.Identifier(schema, table))).fetchall()
    return found


def cpu_s(made: Production) -> float:
    ticks = 0
    for worker in made.workers.values():
        fields = Path(f"/proc/{worker.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
