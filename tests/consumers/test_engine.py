"""The batch loop: each message gets its outcome, and none costs another."""

import json
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.engine import ALONE, GIVEN_UP, Engine
from consumers.ports import Stale
from domain import catalogue
from infra.demo import market
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.sql_ledger import LOAD, SqlLedger
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.wire.stored_events import attributes
from tests.planting import deadline_of, planted
from tests.telling import (
    delivered,
    dispatched,
    key,
    life,
    lives,
    message,
    packed,
    paid,
    placed,
    receipt,
    tick,
)


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Iterator[SqlLedger]:
    made: SqliteLedger | PostgresLedger
    if request.param == "sqlite":
        made = SqliteLedger(str(request.getfixturevalue("tmp_path") / "ledger.sqlite"))
    else:
        url, schema = request.getfixturevalue("postgres_schema")
        made = PostgresLedger(url, schema=schema)
    yield made
    made.close()


@pytest.fixture
def engine(ledger: SqlLedger) -> Engine:
    return Engine(ledger)


def outcomes(ledger: SqlLedger) -> list[tuple[str, str | None, str | None]]:
    """(state, the state it left, rule) of each outcome, in order."""
    return rows(ledger, "SELECT state, was, rule FROM outcomes ORDER BY number")


def sums(ledger: SqlLedger) -> dict[str, int]:
    """Messages by the state they are in now."""
    now: Counter[str] = Counter()
    for state, was, _ in outcomes(ledger):
        now[state] += 1
        if was is not None:
            now[was] -= 1
    return {state: count for state, count in now.items() if count}


def topics(ledger: SqlLedger, stream: str = "%") -> list[str]:
    found = rows(
        ledger,
        "SELECT topic FROM stored_events WHERE originator_id LIKE :stream ORDER BY position",
        stream=stream,
    )
    return [topic.removeprefix("jumun.").removesuffix(".v1") for (topic,) in found]


def rows(ledger: SqlLedger, statement: str, **params: Any) -> list[Any]:
    return ledger.rows(statement, **params)


def test_an_order_and_its_stock_are_decided_in_one_commit(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1), *life("1")])
    assert sums(ledger) == {"accepted": 6}
    assert len(rows(ledger, "SELECT * FROM commits")) == 1
    assert topics(ledger, "order/%") == [
        "order.placed",
        "order.paid",
        "order.line-allocated",
        "order.shipment-packed",
        "order.shipment-dispatched",
        "order.shipment-tracked",
    ]
    assert topics(ledger, "stock/%") == ["stock.received", "stock.reserved", "stock.shipped"]


def test_a_sellers_first_message_opens_him_with_the_defaults(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1)])
    assert topics(ledger, "seller/%") == ["seller.opened"]


def test_sent_twice_done_once_for_ever(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle(lives(["1"]))
    events = topics(ledger)
    engine.handle(lives(["1"]))
    Engine(ledger).handle(lives(["1"]))
    assert topics(ledger) == events
    assert sums(ledger) == {"accepted": 6, "duplicate": 12}


def test_the_same_message_written_differently_is_the_same(engine: Engine, ledger: SqlLedger) -> None:
    once = json.loads(receipt(1))
    again = json.dumps(dict(reversed(once.items())), indent=2).replace("\n", " ")
    engine.handle([receipt(1), again.encode()])
    assert sums(ledger) == {"accepted": 1, "duplicate": 1}


def test_the_same_id_with_other_content_is_a_conflict(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1, pieces=5), receipt(1, pieces=6)])
    assert sums(ledger) == {"accepted": 1, "conflict": 1}


TRACE, ANOTHER = (f"00-{'4bf92f3577b34da6' * 2}-00f067aa0ba902b{last}-01" for last in "78")


def traced(line: bytes, trace: str) -> bytes:
    return json.dumps({**json.loads(line), "traceparent": trace}).encode()


def test_every_event_that_a_message_causes_carries_its_trace_though_it_had_to_wait(
    engine: Engine, ledger: SqlLedger
) -> None:
    engine.handle([receipt(1), traced(paid("1"), ANOTHER), traced(placed("1"), TRACE)])
    said = [
        attributes(state) for (state,) in ledger.rows("SELECT state FROM stored_events ORDER BY position")
    ]
    found = {(one["type"], one.get("traceparent")) for one in said}
    assert ("jumun.stock.received.v1", None) in found
    assert ("jumun.order.placed.v1", TRACE) in found
    assert {("jumun.order.paid.v1", ANOTHER), ("jumun.stock.reserved.v1", ANOTHER)} <= found


def test_a_message_sent_again_in_another_trace_is_the_same(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1), traced(receipt(1), TRACE), traced(receipt(1), ANOTHER)])
    engine.handle([traced(receipt(2), TRACE), traced(receipt(2), ANOTHER), receipt(2)])
    assert sums(ledger) == {"accepted": 2, "duplicate": 4}


def test_a_message_refused_at_its_last_step_leaves_no_trace(engine: Engine, ledger: SqlLedger) -> None:
    two = {**key("1"), "cancellation_id": "c", "reason": "other"}
    lines = [{"line": "1", "pieces": 1}, {"line": "nine", "pieces": 1}]
    cancel = message("cancellation-requested", {**two, "lines": lines}, id="c", actor="kim")
    engine.handle([receipt(1), placed("1"), paid("1"), cancel, packed("1")])
    assert sums(ledger) == {"accepted": 4, "refused": 1}
    assert outcomes(ledger)[3] == ("refused", None, "nothing_ordered")
    assert "order.lines-cancelled" not in topics(ledger)


def test_unreadable_bytes_are_set_aside_and_kept_apart(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([b"\xff{", receipt(1), b"{}"])
    assert sums(ledger) == {"accepted": 1, "set_aside": 2}
    assert rows(ledger, "SELECT outcome, bytes FROM set_aside") == [(1, b"\xff{"), (3, b"{}")]


def test_what_comes_too_early_waits_with_its_followers_in_order(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1), dispatched("1"), delivered("1"), paid("1"), packed("1")])
    assert sums(ledger) == {"accepted": 1, "parked": 4}
    engine.handle([placed("1")])
    # tried again in the order in which they came: the early dispatch finds nothing packed
    assert sums(ledger) == {"accepted": 5, "refused": 1}
    assert rows(ledger, "SELECT count(*) FROM parked") == [(0,)]


def added(order: str, line: str) -> bytes:
    lines = [{"line": line, "sku": "CHAIR", "pieces": 1, "unit_price": "1000"}]
    data = {**key(order), "amendment_id": f"add-{line}", "lines": lines}
    return message("order-amended", data, id=f"add-{line}-{order}")


def left(order: str, line: str) -> bytes:
    data = {**key(order), "shipment_id": f"s{line}", "lines": [{"line": line, "pieces": 1}]}
    return message("shipment-dispatched", data, id=f"left-{line}-{order}")


@pytest.mark.parametrize("together", [True, False])
def test_an_early_parcel_does_not_hold_up_the_amendment_that_it_waits_for(
    together: bool, engine: Engine, ledger: SqlLedger
) -> None:
    early = [left("1", "3"), left("1", "2"), added("1", "2"), paid("1"), added("1", "3")]
    for batch in [[receipt(1), *early, placed("1")]] if together else [[receipt(1), *early], [placed("1")]]:
        engine.handle(batch)
    assert sums(ledger) == {"accepted": 7}
    assert rows(ledger, "SELECT count(*) FROM parked") == [(0,)]
    assert len(rows(ledger, "SELECT * FROM outcomes WHERE was = 'parked'")) == len(early)


def test_an_early_inspection_does_not_hold_up_the_receipt_that_it_waits_for(
    engine: Engine, ledger: SqlLedger
) -> None:
    units = [{"line": "1", "pieces": 2, "condition": "new", "disposition": "restock"}]
    looked = message(
        "return-inspected", {"return_id": "r1", "inspection_id": "1", "units": units}, id="looked"
    )
    came = message("return-received", {"return_id": "r1"}, id="came")
    asked = {**key("1"), "return_id": "r1", "lines": [{"line": "1", "pieces": 2}], "reason": "defect"}
    engine.handle([*lives(["1"]), looked, came])
    engine.handle(
        [message("return-requested", asked, id="asked", at="2026-03-12T10:00:00+09:00", actor="buyer")]
    )
    assert sums(ledger) == {"accepted": 9}
    assert topics(ledger, "return/%") == ["return.requested", "return.received", "return.inspected"]


def test_others_do_not_wait_for_an_early_message(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1), paid("late"), *life("2")])
    assert sums(ledger) == {"accepted": 6, "parked": 1}


def test_a_message_may_come_before_its_order_in_one_batch(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1), paid("1"), placed("1"), packed("1"), dispatched("1"), delivered("1")])
    assert sums(ledger) == {"accepted": 6}


def test_parked_messages_go_on_after_a_crash_between_two_commits(
    engine: Engine, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.handle([receipt(1), paid("1")])

    def crash(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_release", crash)
    with pytest.raises(KeyboardInterrupt):
        engine.handle([delivered("2"), placed("1")])  # committed before the release: it parked one
    assert sums(ledger) == {"accepted": 2, "parked": 2}
    Engine(ledger).handle([packed("1")])
    assert sums(ledger) == {"accepted": 4, "parked": 1}


def test_a_seller_who_has_too_many_waiting_is_told_to_send_again(ledger: SqlLedger) -> None:
    engine = Engine(ledger, parked_per_seller=2)
    engine.handle([paid("1"), paid("2"), paid("3"), receipt(1)])
    assert sums(ledger) == {"parked": 2, "refused": 1, "accepted": 1}
    engine.handle([placed("1"), placed("3"), paid("3")])
    assert sums(ledger) == {"parked": 1, "refused": 1, "accepted": 5}


def test_a_planted_bug_costs_its_message_alone_and_release_decides_it_again(
    engine: Engine, ledger: SqlLedger
) -> None:
    with planted(lambda command, _: getattr(command, "payment_id", "") == "pay-1", ZeroDivisionError()):
        engine.handle([receipt(1), placed("1"), paid("1"), packed("1"), *life("2")])
    assert sums(ledger) == {"accepted": 7, "failed": 1, "parked": 1}
    (waiting,) = [
        row for row in rows(ledger, "SELECT place, reason, state FROM parked") if row[2] == "failed"
    ]
    assert "ZeroDivisionError" in waiting[1]
    engine.release(waiting[0])
    assert sums(ledger) == {"accepted": 9}


def test_a_refused_follow_up_is_a_bug(
    engine: Engine, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domain.order.cancel import NothingOrdered  # noqa: PLC0415

    stock = catalogue.DECIDERS["stock"]

    def refuses(state: Any, command: Any, told: Any) -> Any:
        if type(command).__name__ == "Reserve":
            raise NothingOrdered(line="1")
        return stock.decide(state, command, told)

    monkeypatch.setitem(catalogue.DECIDERS, "stock", type(stock)(stock.start, refuses, stock.evolve))
    engine.handle([receipt(1), placed("1"), paid("1")])
    assert sums(ledger) == {"accepted": 2, "failed": 1}


def test_an_operator_may_drop_what_waits(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([paid("1"), packed("1")])
    first = ledger.waiting_number(1)
    assert first is not None
    engine.drop(first)
    assert sums(ledger) == {"dropped": 1, "parked": 1}
    engine.handle([paid("1")])
    assert sums(ledger) == {"dropped": 1, "parked": 1, "duplicate": 1}


def test_only_a_tick_moves_time(engine: Engine, ledger: SqlLedger) -> None:
    far = message(
        "order-noted", {**key("1"), "note_id": "n", "kind": "picked"}, id="n", at="2099-01-01T00:00:00Z"
    )
    engine.handle([receipt(1), placed("1"), paid("1"), far])
    assert "order.ship-by-missed" not in topics(ledger)
    engine.handle([tick("2026-03-20T00:00:00Z")])
    assert topics(ledger).count("order.ship-by-missed") == 1
    engine.handle([tick("2026-03-21T00:00:00Z")])
    assert topics(ledger).count("order.ship-by-missed") == 1


def test_a_tick_that_fires_nothing_commits_nothing(engine: Engine, ledger: SqlLedger) -> None:
    engine.handle([receipt(1), placed("1"), paid("1")])
    before = rows(ledger, "SELECT count(*) FROM commits")
    engine.handle([tick("2026-03-09T02:00:00Z")] * 100)
    assert rows(ledger, "SELECT count(*) FROM commits") == before


def test_a_seller_of_history_moves_only_by_ticks_that_name_him(engine: Engine, ledger: SqlLedger) -> None:
    opened = message("seller-open-requested", {"mode": "history"}, id="o", actor="import")
    engine.handle([opened, receipt(1), placed("1"), paid("1"), tick("2030-01-01T00:00:00Z")])
    assert "order.ship-by-missed" not in topics(ledger)
    engine.handle([tick("2030-01-01T00:00:00Z", "acme")])
    assert "order.ship-by-missed" in topics(ledger)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_how_messages_are_cut_into_batches_changes_nothing(
    size: int, ledger: SqlLedger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Deadlines above all: one set and due in the same batch falls as it would in the next."""
    opened = message("seller-open-requested", {"mode": "history"}, id="o", actor="import")
    days = [tick(f"2026-04-{day:02}T00:00:00Z", "acme") for day in range(1, 9)]
    bought = [
        line for number, day in enumerate(days) for line in (placed(f"{number}"), paid(f"{number}"), day)
    ]
    lines = [opened, receipt(1), *bought, *market.messages(40, seed=5)]
    decide(ledger, lines, size)
    other = SqliteLedger(str(tmp_path_factory.mktemp("other") / "ledger.sqlite"))
    decide(other, lines, 500)
    assert by_seller(ledger) == by_seller(other)
    other.close()


def decide(ledger: SqlLedger, lines: list[bytes], size: int) -> None:
    engine = Engine(ledger)
    for start in range(0, len(lines), size):
        engine.handle(lines[start : start + size])


def by_seller(ledger: SqlLedger) -> list[tuple[str, int, str, str]]:
    """Events but for personal texts, whose tokens are each ledger's own."""
    said = [json.loads(state) for (state,) in ledger.rows("SELECT state FROM stored_events")]
    found = [(e["sellerid"], e["sequence"], e["subject"], e["type"] + e["time"]) for e in said]
    return sorted(found)


def test_a_million_deadlines_are_fired_in_slices(engine: Engine, ledger: SqlLedger) -> None:
    orders = [str(n) for n in range(1_203)]
    lines = [receipt(1, pieces=10_000), *(step(order) for order in orders for step in (placed, paid))]
    for start in range(0, len(lines), 500):
        engine.handle(lines[start : start + 500])
    engine.handle([tick("2026-04-01T00:00:00Z")])
    assert topics(ledger).count("order.ship-by-missed") == 1_203
    sizes = rows(ledger, "SELECT last_position - first_position + 1 FROM commits ORDER BY number")
    assert [size for (size,) in sizes[-3:]] == [500, 500, 203]


def missed(ledger: SqlLedger) -> int:
    return topics(ledger).count("order.ship-by-missed")


def three_orders() -> list[bytes]:
    """One of them has a fuse."""
    orders = [placed("1"), placed("2", sku="FUSE"), placed("3")]
    return [receipt(1), receipt(2, sku="FUSE"), *orders, *map(paid, "123")]


def test_a_deadline_with_a_bug_costs_no_other_and_falls_once_it_is_mended(
    engine: Engine, ledger: SqlLedger
) -> None:
    engine.handle(three_orders())
    with planted(deadline_of("FUSE"), ZeroDivisionError()):
        engine.handle([tick("2026-04-01T00:00:00Z")])
        assert missed(ledger) == 2
        (failed,) = ledger.failed_timers("acme")
        engine.fire([failed])
    assert ledger.failed_timers(None) == [failed]
    engine.handle([tick("2026-05-01T00:00:00Z")])
    assert missed(ledger) == 2
    engine.fire([failed])
    assert (missed(ledger), ledger.failed_timers(None)) == (3, [])
    engine.fire([failed])
    assert missed(ledger) == 3


def test_a_deadline_that_kills_is_given_up_and_all_others_fall(ledger: SqlLedger) -> None:
    Engine(ledger).handle(three_orders())
    batch = [tick("2026-03-09T02:00:00Z"), tick("2026-04-01T00:00:00Z"), placed("4")]
    assert list(map(Engine(ledger).rings, batch)) == [False, True, False]
    with planted(deadline_of("FUSE"), SystemExit()):
        for attempt in range(1, GIVEN_UP):
            with pytest.raises(SystemExit):
                Engine(ledger).handle(batch, attempt=attempt)
            assert missed(ledger) == (0 if attempt < ALONE else 1)
        Engine(ledger).handle(batch, attempt=GIVEN_UP)
    assert missed(ledger) == 2
    assert [timer.stream for timer in ledger.failed_timers(None)] == ["order/acme/naver:main:2"]
    assert sums(ledger) == {"accepted": 9}


def test_a_zombie_writer_is_rolled_back_and_drops_its_caches(ledger: SqlLedger) -> None:
    zombie = Engine(ledger)
    zombie.handle([receipt(1)])
    Engine(ledger).handle([placed("1")])
    with pytest.raises(Stale):
        zombie.handle([placed("2")])
    zombie.handle([paid("1"), placed("2")])
    assert sums(ledger) == {"accepted": 4}


def test_personal_texts_stay_out_of_everything_but_the_vault(engine: Engine, ledger: SqlLedger) -> None:
    secret = "Kim Minji 010-1234"
    lines = [{"line": "1", "sku": "CHAIR", "pieces": 1, "note": f"for {secret}"}]
    data = {**key("1"), "currency": "KRW", "lines": lines, "buyer": secret}
    engine.handle([message("order-placed", data, id="1")])
    assert len(rows(ledger, "SELECT * FROM vault")) == 2
    everything = str(rows(ledger, "SELECT state FROM stored_events")) + str(ledger.waits())
    assert secret not in everything
    ((kept,),) = rows(ledger, "SELECT body FROM messages")
    assert secret.encode() not in zlib.decompress(kept)


def test_snapshots_change_nothing_but_time(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(ledger)
    orders = [str(n) for n in range(400)]
    lines = [receipt(1, pieces=500), *(step(order) for order in orders for step in (placed, paid))]
    for start in range(0, len(lines), 100):
        engine.handle(lines[start : start + 100])
    stream = "stock/acme/CHAIR"
    taken = rows(ledger, "SELECT stream FROM snapshots")
    assert (stream,) in taken
    with_snapshot = ledger.load([stream])[stream]  # type: ignore[list-item, index]
    assert with_snapshot.snapshot > 0
    monkeypatch.setattr("infra.event_store.sql_ledger.LOAD", _without_snapshots())
    from_events = ledger.load([stream])[stream]  # type: ignore[list-item, index]
    assert (from_events.version, from_events.state) == (with_snapshot.version, with_snapshot.state)
    assert from_events.snapshot == 0


def _without_snapshots() -> str:
    return LOAD.replace("JOIN snapshots s", "JOIN (SELECT * FROM snapshots WHERE 1 = 0) s")


def test_events_are_the_same_whatever_the_batches(tmp_path: Path) -> None:
    lines = [line for n in range(6) for line in life(str(n))]
    found: list[list[tuple[Any, ...]]] = []
    for size in (1, 7, 500):
        ledger = SqliteLedger(str(tmp_path / f"{size}.sqlite"))
        engine = Engine(ledger)
        engine.handle([receipt(1)])
        for start in range(0, len(lines), size):
            engine.handle(lines[start : start + size])
        found.append(
            rows(ledger, "SELECT position, originator_id, originator_version, state FROM stored_events")
        )
        ledger.close()
    assert found[0] == found[1] == found[2]
