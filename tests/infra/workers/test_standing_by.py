"""Relay and timekeeper: one leads, the others stand by, and both refuse to continue where that is unsafe."""

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
"""It takes seven seconds if no other tests run; concurrent tests make it slower."""
CANNOT = 5
IDLE_S = 10.0
MOST_OF_A_CORE = 0.06
"""It is under 0.03 if no other tests run; concurrent tests increase it."""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_another_relay_takes_over_within_ten_seconds(how: signal.Signals, system: Production) -> None:
    system.start("engine")
    first = system.start("relay", "first")
    system.publish([receipt(1)])
    system.wait_until(lambda: len(system.published_positions()) == 2)
    system.start("relay", "second")
    time.sleep(2)
    first.send_signal(how)
    began = time.monotonic()
    system.publish(life_cycle("1"))
    system.wait_decided(6)
    with system.ledger() as ledger:
        last = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    system.wait_until(lambda: system.published_positions()[-1] == last)
    assert time.monotonic() - began < TAKES_OVER_S
    if how is signal.SIGSTOP:  # it resumes, and is fenced or stands by
        first.send_signal(signal.SIGCONT)
        system.publish(life_cycle("2"))
        system.wait_decided(11)
        time.sleep(2)
    system.wait_until(lambda: system.published_positions() == list(range(1, last_position(system) + 1)))


def last_position(system: Production) -> int:
    with system.ledger() as ledger:
        last: int = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    return last


def test_a_relay_whose_checkpoint_has_expired_continues_at_the_end_of_the_topic(system: Production) -> None:
    system.start("engine")
    system.start("relay")
    system.publish([b"garbage", *life_cycles(["1", "2"])])
    system.wait_decided(12)
    system.wait_until(lambda: system.published_positions()[-1:] == [last_position(system)])
    system.end("relay")
    with system.ledger() as ledger:
        delete_group(system, f"{system.settings.topics}-relay-{ledger.ledger_id}")
    system.publish(life_cycle("3"))
    system.wait_decided(17)
    system.start("relay")
    system.wait_until(lambda: system.published_positions() == list(range(1, last_position(system) + 1)))
    numbers = [json.loads(record.value)["data"]["number"] for record in system.published_outcomes()]
    assert sorted(numbers) == list(range(1, 18))


def delete_group(system: Production, group: str) -> None:
    from kafka import KafkaAdminClient  # noqa: PLC0415

    admin: Any = KafkaAdminClient(bootstrap_servers=system.settings.kafka)
    admin.delete_groups([group])
    admin.close()


def test_a_relay_refuses_a_ledger_that_differs_from_its_topic(system: Production) -> None:
    system.start("engine")
    system.start("relay")
    system.publish(life_cycles(["1"]))
    system.wait_decided(6)
    system.wait_until(lambda: system.published_positions()[-1:] == [last_position(system)])
    system.end("relay")
    with psycopg.connect(system.setting_texts["database_url"]) as connection:
        table = sql.Identifier(system.setting_texts["ledger_schema"], "stored_events")
        connection.execute(sql.SQL("UPDATE {} SET state = state || ' '::bytea").format(table))
    relay = system.start("relay")
    assert relay.wait(60) == CANNOT
    log = (system.logs / "relay.log").read_text()
    assert "is not the ledger's event there" in " ".join(log.split())
    assert "Restore" in log


def test_each_partition_gets_a_tick_once_per_second(system: Production) -> None:
    system.start("timekeeper", "one")
    system.start("timekeeper", "two")
    system.wait_until(lambda: len(system.records("inbound")) >= 5 * system.settings.partitions)
    by_partition: dict[int, list[str]] = {}
    for record in system.records("inbound"):
        by_partition.setdefault(record.partition, []).append(json.loads(record.value)["data"]["to"])
    assert len(by_partition) == system.settings.partitions
    for ticks in by_partition.values():
        times = [datetime.fromisoformat(to) for to in ticks]
        assert times == sorted(times)
        assert (
            len(set(ticks)) >= len(ticks) - 1
        )  # at a change of the leader, two ticks of the same second are possible


def test_a_jump_of_more_than_a_day_is_refused_unless_an_operator_allows_it(system: Production) -> None:
    send_tick(system, datetime.now(UTC) - timedelta(days=2))
    keeper = system.start("timekeeper")
    assert keeper.wait(60) == CANNOT
    assert len(system.records("inbound")) == 1
    system.start("timekeeper --allow-jump")
    system.wait_until(lambda: len(system.records("inbound")) > system.settings.partitions)


def send_tick(system: Production, at: datetime) -> None:
    publisher = connect(system.settings).publisher()
    publisher.send(Outgoing(system.settings.topic("inbound"), 0, b"", tick(at)))
    publisher.flush()
    publisher.close()


def test_idle_the_system_commits_nothing_and_hardly_uses_the_processor(
    postgres_url: str, kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the default number of partitions, each of which gets a tick once per second."""
    with production(postgres_url, kafka, partitions=48) as system:
        system.start("timekeeper --allow-jump", "timekeeper")
        for role in ("engine", "relay", "projector"):
            system.start(role)
        sent = system.publish([receipt(1)])
        system.wait_decided(sent)
        system.wait_folded()
        time.sleep(3)
        before, cpu, began = written(system), cpu_s(system), time.monotonic()
        time.sleep(IDLE_S)
        used = (cpu_s(system) - cpu) / (time.monotonic() - began)
        assert written(system) == before
    with capsys.disabled():
        print(f"\n  idle: {used:.1%} of a core for all four workers", end="")
    assert used < MOST_OF_A_CORE


def written(system: Production) -> list[object]:
    """Values that change with every write to a table of the ledger or of the read models."""
    changes: list[object] = []
    with psycopg.connect(system.setting_texts["database_url"]) as connection:
        for schema in (system.setting_texts["ledger_schema"], system.setting_texts["read_models_schema"]):
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
            for (table,) in tables.fetchall():
                last = sql.SQL("SELECT count(*), max(xmin::text::bigint) FROM {}")
                changes += connection.execute(last.format(sql.Identifier(schema, table))).fetchall()
    return changes


def cpu_s(system: Production) -> float:
    ticks = 0
    for worker in system.workers.values():
        fields = Path(f"/proc/{worker.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
