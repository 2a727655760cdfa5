"""Messages on their way through the production system, and what must hold for every record."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256

import psycopg

from benchmarks.production import Production
from infra.audit.verify import verify
from infra.cli.worker import CANNOT
from infra.demo import market
from infra.kafka.client import connect
from infra.kafka.ports import Outgoing
from infra.wire.kafka_records import ledger_position, stored_bytes
from infra.wire.ticks import is_tick
from tests.messages import dispatched, life_cycle, paid, placed, receipt, tick

KILLING = "tests.infra.workers.killing"
GARBAGE = b"\xff not a message"
STOPS_S = 20.0


def a_market(orders: int, seed: int = 7) -> list[bytes]:
    return [line for line in market.messages(orders, seed) if not is_tick(line)]


def start_all(system: Production) -> None:
    for role in ("engine", "relay", "projector"):
        system.start(role)


def test_outcomes_from_before_the_first_event_are_published(system: Production) -> None:
    """The first messages wait for their orders, so they have outcomes and no events when the relay begins."""
    sent = system.publish([dispatched("N-1"), dispatched("N-2")])
    system.start("engine")
    system.wait_decided(sent)
    system.start("relay")
    states = [json.loads(record.value)["data"]["state"] for record in system.published_outcomes()]
    assert states == ["parked", "parked"]


def test_what_is_published_is_decided_relayed_and_folded(system: Production) -> None:
    lines = a_market(60)
    sent = system.publish(lines)
    start_all(system)
    system.wait_decided(sent)
    system.wait_folded()
    with system.ledger() as ledger, system.read_models() as models:
        assert verify(ledger, models).problems == []
        last = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    assert system.published_positions() == list(range(1, last + 1))
    assert sum(system.decided().values()) == sent
    outcomes = [json.loads(record.value)["data"] for record in system.published_outcomes()]
    assert (
        sum("was" not in outcome for outcome in outcomes) == sent
    )  # the others are later outcomes of parked messages
    assert len({outcome["number"] for outcome in outcomes}) == len(outcomes)


def test_an_event_is_published_as_it_is_stored_and_names_the_position_before_it(system: Production) -> None:
    system.publish([receipt(1), *life_cycle("1"), *life_cycle("2", seller="other")])
    start_all(system)
    system.wait_decided(11)
    system.wait_folded()
    with system.ledger() as ledger:
        rows = dict(ledger.rows("SELECT position, state FROM stored_events"))
    before: dict[int, int] = {}
    for record in system.records("ledger"):
        where = ledger_position(record.value)
        assert stored_bytes(record.value) == rows[where.position]
        assert where.previous == before.get(record.partition, 0)
        assert json.loads(record.value)["position"] == where.position
        before[record.partition] = where.position
        assert record.partition == system.partition(record.value)


def test_an_outcome_has_the_record_and_the_hash_of_its_message(system: Production) -> None:
    lines = [GARBAGE, receipt(1), receipt(1), paid("early")]
    system.publish(lines)
    start_all(system)
    system.wait_decided(len(lines))
    system.wait_folded()
    outcomes = [json.loads(record.value) for record in system.published_outcomes()]
    assert sorted(outcome["data"]["state"] for outcome in outcomes) == [
        "accepted",
        "duplicate",
        "parked",
        "set_aside",
    ]
    for outcome in outcomes:
        data = outcome["data"]
        with system.cluster() as cluster:
            sent = cluster.tail(data["topic"], data["partition"], 10)[data["offset"]].value
        assert sha256(sent).hexdigest() == data["sha256"]
    (garbage,) = (outcome["data"] for outcome in outcomes if outcome["data"]["state"] == "set_aside")
    assert (garbage["rule"], garbage["data"]["byte"]) == ("not_utf8", 0)
    (accepted,) = (outcome["data"] for outcome in outcomes if outcome["data"]["state"] == "accepted")
    assert accepted["last_position"] >= accepted["first_position"] > 0


def test_a_message_in_binary_mode_is_the_same_message(system: Production) -> None:
    whole = json.loads(receipt(1))
    headers = [(f"ce_{name}", str(value).encode()) for name, value in whole.items() if name != "data"]
    record = Outgoing(
        system.settings.topic("inbound"),
        system.partition(receipt(1)),
        b"acme",
        json.dumps(whole["data"]).encode(),
        (*headers, ("content-type", b"application/json")),
    )
    with closing(connect(system.settings).publisher()) as publisher:
        publisher.send(record)
        publisher.flush()
    system.publish([receipt(1)])
    system.start("engine")
    system.wait_decided(2)
    assert system.decided() == {"accepted": 1, "duplicate": 1}


def test_a_message_in_another_sellers_partition_is_set_aside(system: Production) -> None:
    wrong = (system.partition(receipt(1)) + 1) % system.settings.partitions
    with closing(connect(system.settings).publisher()) as publisher:
        publisher.send(Outgoing(system.settings.topic("inbound"), wrong, b"acme", receipt(1)))
        publisher.flush()
    system.start("engine")
    system.wait_decided(1)
    with system.ledger() as ledger:
        assert ledger.rows("SELECT state, rule FROM outcomes") == [("set_aside", "wrong_partition")]


def test_a_message_that_kills_its_worker_is_set_aside_at_the_fourth_attempt(system: Production) -> None:
    lines = [receipt(n) for n in range(5)] + [receipt(9, sku="KILLER")] + [receipt(n) for n in range(10, 15)]
    system.publish(lines)
    died = deaths(system, lambda: sum(system.decided().values()) == len(lines))
    assert died == 3  # twice in the batch, once alone
    assert system.decided() == {"accepted": 10, "set_aside": 1}
    with system.ledger() as ledger:
        (rule,) = ledger.rows("SELECT rule, sent_hash FROM outcomes WHERE state = 'set_aside'")
    assert rule == ("kills_the_worker", sha256(lines[5]).hexdigest())


def test_a_deadline_that_kills_its_worker_fails_and_all_others_fire(system: Production) -> None:
    orders = [placed("1"), paid("1"), placed("2", sku="FUSE"), paid("2"), placed("3"), paid("3")]
    sent = system.publish([receipt(1), receipt(2, sku="FUSE"), *orders])
    system.start("engine", module=KILLING, JUMUN_WORKER_NAME="first")
    system.wait_decided(sent)
    partition = system.partition(receipt(1))
    with closing(connect(system.settings).publisher()) as publisher:
        for line in (*[tick("2026-03-09T02:00:00Z")] * 5, tick("2026-04-01T00:00:00Z"), placed("4")):
            publisher.send(Outgoing(system.settings.topic("inbound"), partition, b"", line))
        publisher.flush()
    with system.ledger() as ledger:
        own = ledger.of(partition)
        assert deaths(system, lambda: own.failed_timers(None) != []) == 3
        sent += 1
        system.wait_decided(sent)
        fell = "SELECT count(*) FROM stored_events WHERE topic = 'jumun.order.ship-by-missed.v1'"
        assert ledger.rows(fell) == [(2,)]
        assert [timer.stream for timer in own.failed_timers(None)] == ["order/acme/naver:main:2"]
    assert system.decided() == {"accepted": sent}


def deaths(system: Production, done: Callable[[], bool]) -> int:
    """Restarts the engine that kills itself until `done`.  Returns how often it died."""
    how = {"module": KILLING, "JUMUN_WORKER_NAME": "first"}
    count = 0
    if "engine" not in system.workers:
        system.start("engine", **how)

    def restarted_until_done() -> bool:
        nonlocal count
        if system.workers["engine"].poll() is not None:
            assert system.workers["engine"].returncode == -signal.SIGKILL
            count += 1
            system.start("engine", **how)
        return done()

    system.wait_until(restarted_until_done)
    return count


def test_a_frozen_worker_that_resumes_is_fenced(system: Production) -> None:
    first = [receipt(n) for n in range(100)]
    system.publish(first)
    frozen = system.start("engine", "frozen")
    system.wait_decided(len(first))
    frozen.send_signal(signal.SIGSTOP)
    system.publish([placed(f"{n}") for n in range(50)])
    system.start("engine")
    system.wait_decided(150)
    frozen.send_signal(signal.SIGCONT)
    more = system.publish([paid(f"{n}") for n in range(50)])
    system.wait_decided(150 + more)
    time.sleep(1)
    assert sum(system.decided().values()) == 200
    with system.ledger() as ledger, system.read_models() as models:
        assert [f for f in verify(ledger, models).problems if "read model" not in f] == []


def test_workers_survive_lost_database_sessions(system: Production) -> None:
    """All sessions are ended again and again, and no worker has to be restarted."""
    start_all(system)
    lines = a_market(40)
    sent = system.publish(lines[:100])
    system.wait_decided(sent)
    for _ in range(5):
        with psycopg.connect(system.setting_texts["database_url"], autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND application_name = 'jumun' AND query LIKE %s",
                ("%",),
            )
        time.sleep(0.3)
    sent += system.publish(lines[100:])
    system.wait_decided(sent)
    system.wait_folded()
    assert all(worker.poll() is None for worker in system.workers.values())
    with system.ledger() as ledger, system.read_models() as models:
        assert verify(ledger, models).problems == []


def test_a_worker_that_gets_sigterm_finishes_its_batch_and_leaves_its_group_at_once(
    system: Production,
) -> None:
    system.publish(a_market(40))
    system.start("engine")
    system.wait_until(lambda: bool(system.decided()))
    began = time.monotonic()
    assert system.end("engine") == 0
    assert time.monotonic() - began < STOPS_S
    system.start("engine", "next")
    began = time.monotonic()
    system.wait_until(lambda: any(entry["event"] == "partition_taken_up" for entry in system.log("next")))
    assert time.monotonic() - began < STOPS_S


def test_read_models_are_folded_again_without_the_records_of_the_topic(system: Production) -> None:
    """The read models are rebuilt from the ledger, and the topic is read only from its checkpoint on."""
    sent = system.publish(a_market(30))
    start_all(system)
    system.wait_decided(sent)
    system.wait_folded()
    system.end("projector")
    with system.read_models() as models:
        before = models.digest()
        models.rebuild({})
        assert models.digest() != before
    system.publish([receipt(999, seller="seoul-home"), receipt(998, seller="busan-sport")])
    system.start("projector")
    system.wait_folded()
    with system.ledger() as ledger, system.read_models() as models:
        assert verify(ledger, models).problems == []


def test_a_recreated_inbound_topic_is_read_only_if_an_operator_allows_it(system: Production) -> None:
    lines = [receipt(1), *life_cycle("1")]
    system.publish(lines)
    system.start("engine")
    system.wait_decided(len(lines))
    system.end("engine")
    with system.cluster() as cluster:
        cluster.delete(system.settings.topic("inbound"))
    system.make_topics()
    assert system.start("engine").wait(STOPS_S) == CANNOT
    assert "--new-topic" in (system.logs / "engine.log").read_text("utf-8")
    sent = len(lines) + system.publish([*lines, *life_cycle("2")])  # more is sent again than was lost
    system.start("engine --new-topic", "begins")
    system.wait_decided(sent)
    system.end("begins")
    assert system.decided()["duplicate"] == len(lines)
    sent += system.publish(life_cycle("3"))
    start_all(system)
    system.wait_decided(sent)
    system.wait_folded()
    with system.ledger() as ledger, system.read_models() as models:
        assert verify(ledger, models).problems == []
