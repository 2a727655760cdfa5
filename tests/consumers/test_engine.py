"""The batch loop: each message gets an outcome, and no message makes another one fail."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce

import pytest

from consumers.engine import Engine
from consumers.ports import Batch, Committed, Decided, Stale
from consumers.ticks import ALONE, GIVEN_UP
from domain.catalogue import DECIDERS, NAMES
from domain.order.allocate import MirrorAllocation
from domain.order.cancel import NothingOrdered
from domain.streams import StreamId
from infra.demo import market
from infra.event_store.memory import MemoryLedger
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.wire.stored_events import attributes, encode
from tests.bugs import deadline_of, with_bug
from tests.consumers.commits import Commits
from tests.messages import (
    delivered,
    dispatched,
    key,
    life_cycle,
    life_cycles,
    message,
    packed,
    paid,
    placed,
    receipt,
    tick,
)

AnyLedger = MemoryLedger | SqliteLedger | PostgresLedger
on_every_ledger = pytest.mark.parametrize("ledger", ["memory", "sqlite", "postgres"], indirect=True)
"""For tests that depend on the queries of the ledger.  The other tests use only the memory ledger."""


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Iterator[AnyLedger]:
    opened: AnyLedger
    match getattr(request, "param", "memory"):
        case "sqlite":
            opened = SqliteLedger(str(request.getfixturevalue("tmp_path") / "ledger.sqlite"))
        case "postgres":
            url, schema = request.getfixturevalue("postgres_schema")
            opened = PostgresLedger(url, schema=schema)
        case _:
            opened = MemoryLedger()
    yield opened
    opened.close()


@pytest.fixture
def commits() -> Commits:
    return Commits()


@pytest.fixture
def engine(ledger: AnyLedger, commits: Commits) -> Engine:
    return Engine(ledger, on_commit=commits)


def test_an_order_and_its_stock_are_decided_in_one_commit(engine: Engine, commits: Commits) -> None:
    engine.handle([receipt(1), *life_cycle("1")])
    assert commits.sums == {"accepted": 6}
    assert len(commits.batches) == 1
    assert commits.topics("order") == [
        "order.placed",
        "order.paid",
        "order.line-allocated",
        "order.shipment-packed",
        "order.shipment-dispatched",
        "order.shipment-tracked",
    ]
    assert commits.topics("stock") == ["stock.received", "stock.reserved", "stock.shipped"]


def test_the_first_message_of_a_seller_opens_the_seller_with_the_defaults(
    engine: Engine, commits: Commits
) -> None:
    engine.handle([receipt(1)])
    assert commits.topics("seller") == ["seller.opened"]


@on_every_ledger
def test_messages_that_are_sent_again_are_duplicates_also_after_a_restart(
    ledger: AnyLedger, engine: Engine, commits: Commits
) -> None:
    engine.handle(life_cycles(["1"]))
    events = commits.topics()
    engine.handle(life_cycles(["1"]))
    Engine(ledger, on_commit=commits).handle(life_cycles(["1"]))
    assert commits.topics() == events
    assert commits.sums == {"accepted": 6, "duplicate": 12}


def test_the_same_message_in_another_notation_is_a_duplicate(engine: Engine, commits: Commits) -> None:
    once = json.loads(receipt(1))
    again = json.dumps(dict(reversed(once.items())), indent=2).replace("\n", " ")
    engine.handle([receipt(1), again.encode()])
    assert commits.sums == {"accepted": 1, "duplicate": 1}


def test_the_same_id_with_other_content_is_a_conflict(engine: Engine, commits: Commits) -> None:
    engine.handle([receipt(1, pieces=5), receipt(1, pieces=6)])
    assert commits.sums == {"accepted": 1, "conflict": 1}


TRACE, ANOTHER = (f"00-{'4bf92f3577b34da6' * 2}-00f067aa0ba902b{last}-01" for last in "78")


def traced(line: bytes, trace: str) -> bytes:
    return json.dumps({**json.loads(line), "traceparent": trace}).encode()


def test_every_event_has_the_trace_of_its_message_even_if_it_was_parked(
    engine: Engine, commits: Commits
) -> None:
    engine.handle([receipt(1), traced(paid("1"), ANOTHER), traced(placed("1"), TRACE)])
    heads = [attributes(encode(decided)) for decided in commits.events]
    traces = {(head["type"], head.get("traceparent")) for head in heads}
    assert ("jumun.stock.received.v1", None) in traces
    assert ("jumun.order.placed.v1", TRACE) in traces
    assert {("jumun.order.paid.v1", ANOTHER), ("jumun.stock.reserved.v1", ANOTHER)} <= traces


def test_a_message_sent_again_in_another_trace_is_a_duplicate(engine: Engine, commits: Commits) -> None:
    engine.handle([receipt(1), traced(receipt(1), TRACE), traced(receipt(1), ANOTHER)])
    engine.handle([traced(receipt(2), TRACE), traced(receipt(2), ANOTHER), receipt(2)])
    assert commits.sums == {"accepted": 2, "duplicate": 4}


def test_a_message_refused_at_its_last_step_leaves_no_trace(engine: Engine, commits: Commits) -> None:
    two = {**key("1"), "cancellation_id": "c", "reason": "other"}
    lines = [{"line": "1", "pieces": 1}, {"line": "nine", "pieces": 1}]
    cancel = message("cancellation-requested", {**two, "lines": lines}, id="c", actor="kim")
    engine.handle([receipt(1), placed("1"), paid("1"), cancel, packed("1")])
    assert commits.sums == {"accepted": 4, "refused": 1}
    refused = commits.outcomes[3]
    assert (refused.state, refused.was, refused.rule) == ("refused", None, "nothing_ordered")
    assert "order.lines-cancelled" not in commits.topics()


def test_unreadable_bytes_are_set_aside_as_dead_letters(engine: Engine, commits: Commits) -> None:
    engine.handle([b"\xff{", receipt(1), b"{}"])
    assert commits.sums == {"accepted": 1, "set_aside": 2}
    assert [outcome.state for outcome in commits.outcomes] == ["set_aside", "accepted", "set_aside"]
    assert commits.batches[0].dead_letters == [b"\xff{", b"{}"]


@on_every_ledger
def test_an_early_message_is_parked_with_its_followers_in_order(
    ledger: AnyLedger, engine: Engine, commits: Commits
) -> None:
    engine.handle([receipt(1), dispatched("1"), delivered("1"), paid("1"), packed("1")])
    assert commits.sums == {"accepted": 1, "parked": 4}
    engine.handle([placed("1")])
    # they are retried in their order of arrival, so the early dispatch is refused: nothing is packed
    assert commits.sums == {"accepted": 5, "refused": 1}
    assert ledger.waits() == {}


def added(order: str, line: str) -> bytes:
    lines = [{"line": line, "sku": "CHAIR", "pieces": 1, "unit_price": "1000"}]
    data = {**key(order), "amendment_id": f"add-{line}", "lines": lines}
    return message("order-amended", data, id=f"add-{line}-{order}")


def left(order: str, line: str) -> bytes:
    data = {**key(order), "shipment_id": f"s{line}", "lines": [{"line": line, "pieces": 1}]}
    return message("shipment-dispatched", data, id=f"left-{line}-{order}")


@on_every_ledger
@pytest.mark.parametrize("together", [True, False])
def test_an_early_dispatch_does_not_block_the_amendment_that_it_waits_for(
    together: bool, ledger: AnyLedger, engine: Engine, commits: Commits
) -> None:
    early = [left("1", "3"), left("1", "2"), added("1", "2"), paid("1"), added("1", "3")]
    for batch in [[receipt(1), *early, placed("1")]] if together else [[receipt(1), *early], [placed("1")]]:
        engine.handle(batch)
    assert commits.sums == {"accepted": 7}
    assert ledger.waits() == {}
    assert [outcome.was for outcome in commits.outcomes].count("parked") == len(early)


def test_an_early_inspection_does_not_block_the_receipt_that_it_waits_for(
    engine: Engine, commits: Commits
) -> None:
    units = [{"line": "1", "pieces": 2, "condition": "new", "disposition": "restock"}]
    inspection = message(
        "return-inspected", {"return_id": "r1", "inspection_id": "1", "units": units}, id="looked"
    )
    arrival = message("return-received", {"return_id": "r1"}, id="came")
    request = {**key("1"), "return_id": "r1", "lines": [{"line": "1", "pieces": 2}], "reason": "defect"}
    engine.handle([*life_cycles(["1"]), inspection, arrival])
    engine.handle(
        [message("return-requested", request, id="requested", at="2026-03-12T10:00:00+09:00", actor="buyer")]
    )
    assert commits.sums == {"accepted": 9}
    assert commits.topics("return") == ["return.requested", "return.received", "return.inspected"]


def test_an_early_message_does_not_block_others(engine: Engine, commits: Commits) -> None:
    engine.handle([receipt(1), paid("late"), *life_cycle("2")])
    assert commits.sums == {"accepted": 6, "parked": 1}


def test_a_message_may_come_before_its_order_in_one_batch(engine: Engine, commits: Commits) -> None:
    engine.handle([receipt(1), paid("1"), placed("1"), packed("1"), dispatched("1"), delivered("1")])
    assert commits.sums == {"accepted": 6}


@on_every_ledger
def test_parked_messages_are_released_after_a_crash_between_two_commits(
    ledger: AnyLedger, commits: Commits
) -> None:
    Engine(ledger, on_commit=commits).handle([receipt(1), paid("1")])

    def crash(batch: Batch, committed: Committed) -> None:
        commits(batch, committed)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # after the commit that parked a message, before its release
        Engine(ledger, on_commit=crash).handle([delivered("2"), placed("1")])
    assert commits.sums == {"accepted": 2, "parked": 2}
    Engine(ledger, on_commit=commits).handle([packed("1")])
    assert commits.sums == {"accepted": 4, "parked": 1}


@on_every_ledger
def test_a_seller_with_too_many_parked_messages_must_send_again(ledger: AnyLedger, commits: Commits) -> None:
    engine = Engine(ledger, on_commit=commits, parked_per_seller=2)
    engine.handle([paid("1"), paid("2"), paid("3"), receipt(1)])
    assert commits.sums == {"parked": 2, "refused": 1, "accepted": 1}
    engine.handle([placed("1"), placed("3"), paid("3")])
    assert commits.sums == {"parked": 1, "refused": 1, "accepted": 5}


@on_every_ledger
def test_a_bug_fails_only_its_message_and_a_release_decides_it_again(
    ledger: AnyLedger, commits: Commits
) -> None:
    bug = with_bug(lambda command, _: getattr(command, "payment_id", "") == "pay-1", ZeroDivisionError())
    lines = [receipt(1), placed("1"), paid("1"), packed("1"), *life_cycle("2")]
    Engine(ledger, on_commit=commits, deciders=bug).handle(lines)
    assert commits.sums == {"accepted": 7, "failed": 1, "parked": 1}
    ((waiting_stream, state),) = ledger.waits().items()
    assert state == "failed"
    assert "ZeroDivisionError" in ledger.waiting(waiting_stream, 1)[0].reason
    Engine(ledger, on_commit=commits).release(waiting_stream)
    assert commits.sums == {"accepted": 9}


def test_a_refused_follow_up_is_a_bug(ledger: AnyLedger, commits: Commits) -> None:
    refusing = with_bug(lambda command, _: isinstance(command, MirrorAllocation), NothingOrdered(line="1"))
    Engine(ledger, on_commit=commits, deciders=refusing).handle([receipt(1), placed("1"), paid("1")])
    assert commits.sums == {"accepted": 2, "failed": 1}


@on_every_ledger
def test_an_operator_may_drop_a_parked_message(ledger: AnyLedger, engine: Engine, commits: Commits) -> None:
    engine.handle([paid("1"), packed("1")])
    ((waiting_stream, _),) = ledger.waits().items()
    engine.drop(ledger.waiting(waiting_stream, 1)[0])
    assert commits.sums == {"dropped": 1, "parked": 1}
    engine.handle([paid("1")])
    assert commits.sums == {"dropped": 1, "parked": 1, "duplicate": 1}


def test_only_a_tick_moves_time(engine: Engine, commits: Commits) -> None:
    far = message(
        "order-noted", {**key("1"), "note_id": "n", "kind": "picked"}, id="n", at="2099-01-01T00:00:00Z"
    )
    engine.handle([receipt(1), placed("1"), paid("1"), far])
    assert "order.ship-by-missed" not in commits.topics()
    engine.handle([tick("2026-03-20T00:00:00Z")])
    assert commits.topics().count("order.ship-by-missed") == 1
    engine.handle([tick("2026-03-21T00:00:00Z")])
    assert commits.topics().count("order.ship-by-missed") == 1


def test_a_tick_that_fires_nothing_commits_nothing(engine: Engine, commits: Commits) -> None:
    engine.handle([receipt(1), placed("1"), paid("1")])
    before = len(commits.batches)
    engine.handle([tick("2026-03-09T02:00:00Z")] * 100)
    assert len(commits.batches) == before


def test_the_clock_of_a_history_seller_moves_only_by_ticks_that_name_the_seller(
    engine: Engine, commits: Commits
) -> None:
    opened = message("seller-open-requested", {"mode": "history"}, id="o", actor="import")
    engine.handle([opened, receipt(1), placed("1"), paid("1"), tick("2030-01-01T00:00:00Z")])
    assert "order.ship-by-missed" not in commits.topics()
    engine.handle([tick("2030-01-01T00:00:00Z", "acme")])
    assert "order.ship-by-missed" in commits.topics()


@on_every_ledger
@pytest.mark.parametrize("size", [1, 7, 100])
def test_how_messages_are_cut_into_batches_changes_nothing(size: int, ledger: AnyLedger) -> None:
    """Above all deadlines: one that is set and due in the same batch fires as in a later batch."""
    opened = message("seller-open-requested", {"mode": "history"}, id="o", actor="import")
    days = [tick(f"2026-04-{day:02}T00:00:00Z", "acme") for day in range(1, 9)]
    bought = [
        line for number, day in enumerate(days) for line in (placed(f"{number}"), paid(f"{number}"), day)
    ]
    lines = [opened, receipt(1), *bought, *market.messages(40, seed=5)]
    assert by_seller(decided(ledger, lines, size)) == by_seller(decided(MemoryLedger(), lines, 500))


def decided(ledger: AnyLedger, lines: list[bytes], size: int) -> list[Decided]:
    commits = Commits()
    engine = Engine(ledger, on_commit=commits)
    for start in range(0, len(lines), size):
        engine.handle(lines[start : start + size])
    return commits.events


def by_seller(events: Iterable[Decided]) -> list[tuple[str, int, str, str]]:
    """Events without their personal texts, because each ledger has its own tokens for these."""
    return sorted(
        (one.seller_id, one.sequence, one.stream, f"{NAMES[type(one.event)]} {one.event.at.isoformat()}")
        for one in events
    )


@on_every_ledger
def test_many_deadlines_are_fired_in_slices(engine: Engine, commits: Commits) -> None:
    orders = [str(n) for n in range(1_203)]
    lines = [receipt(1, pieces=10_000), *(step(order) for order in orders for step in (placed, paid))]
    for start in range(0, len(lines), 500):
        engine.handle(lines[start : start + 500])
    engine.handle([tick("2026-04-01T00:00:00Z")])
    assert commits.topics().count("order.ship-by-missed") == 1_203
    assert [len(batch.events) for batch in commits.batches[-3:]] == [500, 500, 203]


def missed(commits: Commits) -> int:
    return commits.topics().count("order.ship-by-missed")


def three_orders() -> list[bytes]:
    """The messages of three orders.  The second one has the SKU FUSE, for which tests inject bugs."""
    orders = [placed("1"), placed("2", sku="FUSE"), placed("3")]
    return [receipt(1), receipt(2, sku="FUSE"), *orders, *map(paid, "123")]


@on_every_ledger
def test_a_deadline_with_a_bug_fails_alone_and_fires_once_the_bug_is_fixed(
    ledger: AnyLedger, commits: Commits
) -> None:
    Engine(ledger, on_commit=commits).handle(three_orders())
    broken = Engine(ledger, on_commit=commits, deciders=with_bug(deadline_of("FUSE"), ZeroDivisionError()))
    broken.handle([tick("2026-04-01T00:00:00Z")])
    assert missed(commits) == 2
    (failed,) = ledger.failed_timers("acme")
    broken.fire([failed])
    assert ledger.failed_timers(None) == [failed]
    mended = Engine(ledger, on_commit=commits)
    mended.handle([tick("2026-05-01T00:00:00Z")])
    assert missed(commits) == 2
    mended.fire([failed])
    assert (missed(commits), ledger.failed_timers(None)) == (3, [])
    mended.fire([failed])
    assert missed(commits) == 3


@on_every_ledger
def test_a_deadline_that_kills_the_worker_fails_and_all_others_fire(
    ledger: AnyLedger, commits: Commits
) -> None:
    Engine(ledger, on_commit=commits).handle(three_orders())
    batch = [tick("2026-03-09T02:00:00Z"), tick("2026-04-01T00:00:00Z"), placed("4")]
    assert list(map(Engine(ledger).has_due_deadline, batch)) == [False, True, False]
    deadly = with_bug(deadline_of("FUSE"), SystemExit())
    for attempt in range(1, GIVEN_UP):
        with pytest.raises(SystemExit):
            Engine(ledger, on_commit=commits, deciders=deadly).handle(batch, attempt=attempt)
        assert missed(commits) == (0 if attempt < ALONE else 1)
    Engine(ledger, on_commit=commits, deciders=deadly).handle(batch, attempt=GIVEN_UP)
    assert missed(commits) == 2
    assert [timer.stream for timer in ledger.failed_timers(None)] == ["order/acme/naver:main:2"]
    assert commits.sums == {"accepted": 9}


@on_every_ledger
def test_a_zombie_writer_is_rolled_back_and_drops_its_caches(ledger: AnyLedger, commits: Commits) -> None:
    zombie = Engine(ledger, on_commit=commits)
    zombie.handle([receipt(1)])
    Engine(ledger, on_commit=commits).handle([placed("1")])
    with pytest.raises(Stale):
        zombie.handle([placed("2")])
    zombie.handle([paid("1"), placed("2")])
    assert commits.sums == {"accepted": 4}


def test_personal_texts_are_only_in_the_vault(engine: Engine, commits: Commits) -> None:
    secret = "Kim Minji 010-1234"
    lines = [{"line": "1", "sku": "CHAIR", "pieces": 1, "note": f"for {secret}"}]
    data = {**key("1"), "currency": "KRW", "lines": lines, "buyer": secret}
    engine.handle([message("order-placed", data, id="1")])
    (batch,) = commits.batches
    assert len(batch.vaulted) == 2
    assert secret not in str(replace(batch, vaulted=[]))


@on_every_ledger
def test_snapshots_change_nothing_but_time(ledger: AnyLedger, engine: Engine, commits: Commits) -> None:
    orders = [str(n) for n in range(400)]
    lines = [receipt(1, pieces=500), *(step(order) for order in orders for step in (placed, paid))]
    for start in range(0, len(lines), 100):
        engine.handle(lines[start : start + 100])
    stream = StreamId("stock/acme/CHAIR")
    assert any(stream in batch.snapshots for batch in commits.batches)
    loaded = ledger.load([stream])[stream]
    assert 0 < loaded.snapshot < loaded.version
    stock, events = DECIDERS["stock"], [one for one in commits.events if one.stream == stream]
    assert (loaded.version, loaded.state) == (
        len(events),
        reduce(stock.evolve, (decided.event for decided in events), stock.start),
    )


def test_events_are_the_same_whatever_the_batches() -> None:
    lines = [receipt(1), *(line for n in range(6) for line in life_cycle(str(n)))]
    one, seven, all_at_once = (
        [encode(event) for event in decided(MemoryLedger(), lines, size)] for size in (1, 7, 500)
    )
    assert one == seven == all_at_once
