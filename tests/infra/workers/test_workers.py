"""One message's way through the production way, and what must hold for every record on it."""

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
from tests.messages import life_cycle, paid, placed, receipt, tick

KILLING = "tests.infra.workers.killing"
GARBAGE = b"\xff not a message"
STOPS_S = 20.0


def a_market(orders: int, seed: int = 7) -> list[bytes]:
    return [line for line in market.messages(orders, seed) if not is_tick(line)]


def start_all(made: Production) -> None:
    for role in ("engine", "relay", "projector"):
        made.start(role)


def test_what_is_published_is_decided_told_and_folded(made: Production) -> None:
    lines = a_market(60)
    sent = made.publish(lines)
    start_all(made)
    made.wait_decided(sent)
    made.wait_folded()
    with made.ledger() as ledger, made.read_models() as models:
        assert verify(ledger, models).findings == []
        last = ledger.rows("SELECT max(position) FROM stored_events")[0][0]
    assert made.told_positions() == list(range(1, last + 1))
    assert sum(made.decided().values()) == sent
    said = [json.loads(record.value)["data"] for record in made.told_outcomes()]
    assert sum("was" not in outcome for outcome in said) == sent  # the others speak of one that had waited
    assert len({outcome["number"] for outcome in said}) == len(said)


def test_an_event_is_told_as_it_is_stored_and_names_the_one_before_it(made: Production) -> None:
    made.publish([receipt(1), *life_cycle("1"), *life_cycle("2", seller="other")])
    start_all(made)
    made.wait_decided(11)
    made.wait_folded()
    with made.ledger() as ledger:
        rows = dict(ledger.rows("SELECT position, state FROM stored_events"))
    before: dict[int, int] = {}
    for record in made.told("ledger"):
        where = ledger_position(record.value)
        assert stored_bytes(record.value) == rows[where.position]
        assert where.previous == before.get(record.partition, 0)
        assert json.loads(record.value)["position"] == where.position
        before[record.partition] = where.position
        assert record.partition == made.partition(record.value)


def test_an_outcome_says_of_which_bytes_it_speaks(made: Production) -> None:
    lines = [GARBAGE, receipt(1), receipt(1), paid("early")]
    made.publish(lines)
    start_all(made)
    made.wait_decided(len(lines))
    made.wait_folded()
    said = [json.loads(record.value) for record in made.told_outcomes()]
    assert sorted(outcome["data"]["state"] for outcome in said) == [
        "accepted",
        "duplicate",
        "parked",
        "set_aside",
    ]
    for outcome in said:
        data = outcome["data"]
        with made.cluster() as cluster:
            sent = cluster.tail(data["topic"], data["partition"], 10)[data["offset"]].value
        assert sha256(sent).hexdigest() == data["sha256"]
    (garbage,) = (outcome["data"] for outcome in said if outcome["data"]["state"] == "set_aside")
    assert (garbage["rule"], garbage["data"]["byte"]) == ("not_utf8", 0)
    (accepted,) = (outcome["data"] for outcome in said if outcome["data"]["state"] == "accepted")
    assert accepted["last_position"] >= accepted["first_position"] > 0


def test_a_message_in_binary_mode_is_the_same_message(made: Production) -> None:
    whole = json.loads(receipt(1))
    headers = [(f"ce_{name}", str(value).encode()) for name, value in whole.items() if name != "data"]
    record = Outgoing(
        made.settings.topic("inbound"),
        made.partition(receipt(1)),
        b"acme",
        json.dumps(whole["data"]).encode(),
        (*headers, ("content-type", b"application/json")),
    )
    with closing(connect(made.settings).publisher()) as publisher:
        publisher.send(record)
        publisher.flush()
    made.publish([receipt(1)])
    made.start("engine")
    made.wait_decided(2)
    assert made.decided() == {"accepted": 1, "duplicate": 1}


def test_a_message_in_another_sellers_partition_is_set_aside(made: Production) -> None:
    wrong = (made.partition(receipt(1)) + 1) % made.settings.partitions
    with closing(connect(made.settings).publisher()) as publisher:
        publisher.send(Outgoing(made.settings.topic("inbound"), wrong, b"acme", receipt(1)))
        publisher.flush()
    made.start("engine")
    made.wait_decided(1)
    with made.ledger() as ledger:
        assert ledger.rows("SELECT state, rule FROM outcomes") == [("set_aside", "wrong_partition")]


def test_a_message_that_kills_its_worker_is_set_aside_at_the_fourth_attempt(made: Production) -> None:
    lines = [receipt(n) for n in range(5)] + [receipt(9, sku="KILLER")] + [receipt(n) for n in range(10, 15)]
    made.publish(lines)
    died = deaths(made, lambda: sum(made.decided().values()) == len(lines))
    assert died == 3  # twice in the batch, once alone
    assert made.decided() == {"accepted": 10, "set_aside": 1}
    with made.ledger() as ledger:
        (rule,) = ledger.rows("SELECT rule, sent_hash FROM outcomes WHERE state = 'set_aside'")
    assert rule == ("kills_the_worker", sha256(lines[5]).hexdigest())


def test_a_deadline_that_kills_its_worker_is_given_up_and_all_others_fall(made: Production) -> None:
    orders = [placed("1"), paid("1"), placed("2", sku="FUSE"), paid("2"), placed("3"), paid("3")]
    sent = made.publish([receipt(1), receipt(2, sku="FUSE"), *orders])
    made.start("engine", module=KILLING, JUMUN_WORKER_NAME="first")
    made.wait_decided(sent)
    partition = made.partition(receipt(1))
    with closing(connect(made.settings).publisher()) as publisher:
        for line in (*[tick("2026-03-09T02:00:00Z")] * 5, tick("2026-04-01T00:00:00Z"), placed("4")):
            publisher.send(Outgoing(made.settings.topic("inbound"), partition, b"", line))
        publisher.flush()
    with made.ledger() as ledger:
        own = ledger.of(partition)
        assert deaths(made, lambda: own.failed_timers(None) != []) == 3
        sent += 1
        made.wait_decided(sent)
        fell = "SELECT count(*) FROM stored_events WHERE topic = 'jumun.order.ship-by-missed.v1'"
        assert ledger.rows(fell) == [(2,)]
        assert [timer.stream for timer in own.failed_timers(None)] == ["order/acme/naver:main:2"]
    assert made.decided() == {"accepted": sent}


def deaths(made: Production, done: Callable[[], bool]) -> int:
    """How often the engine that kills itself was started again until it was done."""
    how = {"module": KILLING, "JUMUN_WORKER_NAME": "first"}
    count = 0
    if "engine" not in made.workers:
        made.start("engine", **how)

    def looked() -> bool:
        nonlocal count
        if made.workers["engine"].poll() is not None:
            assert made.workers["engine"].returncode == -signal.SIGKILL
            count += 1
            made.start("engine", **how)
        return done()

    made.wait_until(looked)
    return count


def test_a_frozen_worker_that_wakes_again_is_fenced_off(made: Production) -> None:
    first = [receipt(n) for n in range(100)]
    made.publish(first)
    frozen = made.start("engine", "frozen")
    made.wait_decided(len(first))
    frozen.send_signal(signal.SIGSTOP)
    made.publish([placed(f"{n}") for n in range(50)])
    made.start("engine")
    made.wait_decided(150)
    frozen.send_signal(signal.SIGCONT)
    more = made.publish([paid(f"{n}") for n in range(50)])
    made.wait_decided(150 + more)
    time.sleep(1)
    assert sum(made.decided().values()) == 200
    with made.ledger() as ledger, made.read_models() as models:
        assert [f for f in verify(ledger, models).findings if "read model" not in f] == []


def test_the_database_may_be_away_for_a_while(made: Production) -> None:
    """All its sessions are ended again and again: nobody has to be started again."""
    start_all(made)
    lines = a_market(40)
    sent = made.publish(lines[:100])
    made.wait_decided(sent)
    for _ in range(5):
        with psycopg.connect(made.said["database_url"], autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND application_name = 'jumun' AND query LIKE %s",
                ("%",),
            )
        time.sleep(0.3)
    sent += made.publish(lines[100:])
    made.wait_decided(sent)
    made.wait_folded()
    assert all(worker.poll() is None for worker in made.workers.values())
    with made.ledger() as ledger, made.read_models() as models:
        assert verify(ledger, models).findings == []


def test_a_worker_that_is_told_to_stop_finishes_and_leaves_at_once(made: Production) -> None:
    made.publish(a_market(40))
    made.start("engine")
    made.wait_until(lambda: bool(made.decided()))
    began = time.monotonic()
    assert made.end("engine") == 0
    assert time.monotonic() - began < STOPS_S
    made.start("engine", "next")
    began = time.monotonic()
    made.wait_until(lambda: any(said["event"] == "partition_taken_up" for said in made.log("next")))
    assert time.monotonic() - began < STOPS_S


def test_events_that_were_told_are_not_needed_to_fold_again(made: Production) -> None:
    """The read models are made anew from the ledger, though the topic is only read on from its mark."""
    sent = made.publish(a_market(30))
    start_all(made)
    made.wait_decided(sent)
    made.wait_folded()
    made.end("projector")
    with made.read_models() as models:
        before = models.digest()
        models.rebuild({})
        assert models.digest() != before
    made.publish([receipt(999, seller="seoul-home"), receipt(998, seller="busan-sport")])
    made.start("projector")
    made.wait_folded()
    with made.ledger() as ledger, made.read_models() as models:
        assert verify(ledger, models).findings == []


def test_an_inbound_topic_made_anew_is_gone_on_with_only_when_an_operator_says_so(made: Production) -> None:
    known = [receipt(1), *life_cycle("1")]
    made.publish(known)
    made.start("engine")
    made.wait_decided(len(known))
    made.end("engine")
    with made.cluster() as cluster:
        cluster.delete(made.settings.topic("inbound"))
    made.make_topics()
    assert made.start("engine").wait(STOPS_S) == CANNOT
    assert "--new-topic" in (made.logs / "engine.log").read_text("utf-8")
    sent = len(known) + made.publish([*known, *life_cycle("2")])  # more than was lost is sent again
    made.start("engine --new-topic", "begins")
    made.wait_decided(sent)
    made.end("begins")
    assert made.decided()["duplicate"] == len(known)
    sent += made.publish(life_cycle("3"))
    start_all(made)
    made.wait_decided(sent)
    made.wait_folded()
    with made.ledger() as ledger, made.read_models() as models:
        assert verify(ledger, models).findings == []
