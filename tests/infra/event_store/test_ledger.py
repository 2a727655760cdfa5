"""The contract between ledger and engine, tested with every kind of ledger."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consumers.ports import Batch, Carried, Decided, Ledger, Loaded, Outcome, Stale, Waiting
from domain.deadlines import Timer
from domain.stock import STOCK
from domain.stock.state import StockReceived
from domain.streams import StreamId
from infra.event_store.memory import MemoryLedger
from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.rows import Origin
from infra.event_store.sql_ledger import SqlLedger
from infra.event_store.sqlite.ledger import SqliteLedger
from tests.clocks import SetClock
from tests.given import NOON, at

CHAIR = StreamId("stock/acme/CHAIR")
LAMP = StreamId("stock/acme/LAMP")


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


Opening = Callable[..., Ledger]
"""Opens the ledger as another process does, for partition 0 or another one."""


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opening(request: pytest.FixtureRequest, clock: SetClock) -> Iterator[Opening]:
    opened: list[SqliteLedger | PostgresLedger] = []
    origin = Origin(clock=clock)
    kept = MemoryLedger(origin)

    def memory(partition: int = 0) -> Ledger:
        return kept.of(partition)

    def sqlite(partition: int = 0) -> Ledger:
        folder: Path = request.getfixturevalue("tmp_path")
        opened.append(SqliteLedger(str(folder / "ledger.sqlite"), origin, partition))
        return opened[-1]

    def postgres(partition: int = 0) -> Ledger:
        url, schema = request.getfixturevalue("postgres_schema")
        opened.append(PostgresLedger(url, origin, partition, schema))
        return opened[-1]

    yield {"memory": memory, "sqlite": sqlite, "postgres": postgres}[request.param]
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(opening: Opening) -> Ledger:
    return opening()


def received(stream: StreamId, version: int, sequence: int, pieces: int = 1) -> Decided:
    event = StockReceived(at=NOON, receipt_id=str(version), location="main", pieces=pieces, reason="purchase")
    return Decided("acme", sequence, stream, version, event, Carried("shop in-1"), None)


def batch(begins: int, *events: Decided, **more: Any) -> Batch:
    """A batch of one message: it advances the next offset by one."""
    accepted = Outcome("accepted", None, "acme", "shop", str(begins), "in", events=(0, len(events)))
    sequences = {"acme": events[-1].sequence} if events else {}
    whole: dict[str, Any] = {"outcomes": [accepted], "sequences": sequences, **more}
    return Batch(begins, begins + 1, list(events), **whole)


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def waiting(number: int, stream: StreamId = CHAIR, seller: str = "acme") -> Waiting:
    return Waiting(number, stream, seller, key(number), key(number), "{}", "parked", "early", NOON)


def timer(name: str, due: datetime, seller: str = "acme") -> Timer:
    return Timer(name, due, StreamId(f"order/{seller}/naver:main:1"), "ship-by", "a\x1fb")


def test_an_empty_partition_begins_at_zero(ledger: Ledger) -> None:
    assert ledger.next_offset() == 0
    assert ledger.load([CHAIR]) == {}
    assert ledger.sequences(["acme"]) == {}
    assert ledger.seen_digests([key(1)]) == {}
    assert (ledger.waits(), ledger.next_number(), ledger.clock("")) == ({}, 1, None)


def test_positions_have_no_gap_with_several_writers(opening: Opening) -> None:
    first = opening().commit(batch(0, received(CHAIR, 1, 1), received(LAMP, 1, 2)))
    second = opening(1).commit(batch(0, received(CHAIR, 2, 3)))
    assert (first.first_position, second.first_position) == (1, 3)


def test_what_was_committed_is_there_when_the_ledger_is_opened_again(opening: Opening) -> None:
    opening().commit(batch(0, received(CHAIR, 1, 1), inbox=[(key(1), key(2))], live={"acme": True}))
    again = opening()
    assert again.next_offset() == 1
    assert again.seen_digests([key(1), key(2)]) == {key(1): key(2)}
    assert again.sequences(["acme", "nobody"]) == {"acme": 1}


def test_all_processes_share_one_secret(opening: Opening) -> None:
    assert opening().secret == opening().secret
    assert len(opening().secret) == 32


def test_recorded_at_never_goes_backwards(ledger: Ledger, clock: SetClock) -> None:
    before = ledger.commit(batch(0, received(CHAIR, 1, 1))).recorded_at
    clock.time -= timedelta(hours=1)
    assert ledger.commit(batch(1, received(CHAIR, 2, 2))).recorded_at == before == NOON


def test_a_batch_with_another_first_offset_is_refused_whole(ledger: Ledger) -> None:
    ledger.commit(batch(0, received(CHAIR, 1, 1)))
    for begins in (0, 2):
        with pytest.raises(Stale):
            ledger.commit(batch(begins, received(CHAIR, 2, 2), inbox=[(key(9), key(9))]))
    assert ledger.next_offset() == 1
    assert ledger.load([CHAIR])[CHAIR].version == 1
    assert ledger.seen_digests([key(9)]) == {}


def test_a_version_that_another_writer_has_taken_refuses_the_batch_whole(opening: Opening) -> None:
    opening().commit(batch(0, received(CHAIR, 1, 1)))
    other = opening(1)
    with pytest.raises(Stale):
        other.commit(batch(0, received(LAMP, 1, 2), received(CHAIR, 1, 3)))
    assert other.load([LAMP]) == {}
    assert other.next_offset() == 0


def test_a_message_that_is_in_the_inbox_refuses_the_batch_whole(ledger: Ledger) -> None:
    ledger.commit(batch(0, inbox=[(key(1), key(1))]))
    with pytest.raises(Stale):
        ledger.commit(batch(1, received(CHAIR, 1, 1), inbox=[(key(1), key(2))]))
    assert ledger.load([CHAIR]) == {}
    assert ledger.seen_digests([key(1)]) == {key(1): key(1)}


def test_streams_are_loaded_from_their_events(ledger: Ledger) -> None:
    ledger.commit(batch(0, received(CHAIR, 1, 1, 5), received(LAMP, 1, 2), received(CHAIR, 2, 3, 7)))
    loaded = ledger.load([CHAIR, StreamId("stock/acme/NONE")])
    assert list(loaded) == [CHAIR]
    assert (loaded[CHAIR].version, loaded[CHAIR].snapshot, loaded[CHAIR].state.available) == (2, 0, 12)


def test_streams_are_loaded_from_their_snapshot_on(ledger: Ledger) -> None:
    ledger.commit(batch(0, received(CHAIR, 1, 1, 5)))
    unlike = received(CHAIR, 1, 1, 100).event
    assert isinstance(unlike, StockReceived)
    state = STOCK.evolve(STOCK.start, unlike)
    ledger.commit(batch(1, snapshots={CHAIR: Loaded(1, state, 1)}))
    ledger.commit(batch(2, received(CHAIR, 2, 2, 7)))
    loaded = ledger.load([CHAIR])[CHAIR]
    assert (loaded.version, loaded.snapshot, loaded.state.available) == (2, 1, 107)


@pytest.mark.parametrize("opening", ["sqlite", "postgres"], indirect=True)
def test_a_snapshot_of_another_evolve_is_not_used(ledger: SqlLedger) -> None:
    ledger.commit(batch(0, received(CHAIR, 1, 1, 5)))
    ledger.commit(batch(1, snapshots={CHAIR: Loaded(1, STOCK.start, 1)}))
    with ledger.changing() as by_hand:
        by_hand.rows("UPDATE snapshots SET evolves = evolves - 1 RETURNING stream")
    loaded = ledger.load([CHAIR])[CHAIR]
    assert (loaded.snapshot, loaded.state.available) == (0, 5)


def test_parked_messages_are_listed_by_stream_in_their_order_of_arrival(ledger: Ledger) -> None:
    first, second, third = waiting(1), waiting(2), waiting(3, LAMP, "other")
    ledger.commit(batch(0, parked=[first, second, replace(third, state="failed")]))
    assert ledger.waits() == {CHAIR: "parked", LAMP: "failed"}
    assert ledger.waiting(CHAIR, 10) == [first, second]
    assert ledger.waiting(CHAIR, 1) == [first]
    assert (ledger.waiting_count("acme"), ledger.waiting_count("other")) == (2, 1)
    assert ledger.next_number() == 4


def test_a_released_message_is_no_longer_parked(ledger: Ledger) -> None:
    ledger.commit(batch(0, parked=[waiting(1), waiting(2)]))
    ledger.commit(batch(1, unparked=[1, 2], parked=[replace(waiting(2), state="failed", reason="bug")]))
    assert ledger.waits() == {CHAIR: "failed"}
    assert [entry.reason for entry in ledger.waiting(CHAIR, 10)] == ["bug"]


def test_deadlines_are_listed_in_the_order_in_which_they_are_due(ledger: Ledger) -> None:
    late, soon, never = timer("late", at(days=2)), timer("soon", at(days=1)), timer("never", at(days=9))
    ledger.commit(batch(0, received(CHAIR, 1, 1), timers=[late, soon, never, soon]))
    assert ledger.due("acme", None, at(days=2), 10) == [soon, late]
    assert ledger.due("acme", at(days=1), at(days=2), 10) == [late]
    assert ledger.due(None, None, at(days=2), 1) == [soon]
    assert ledger.next_due("acme", at(days=2)) == at(days=9)
    assert ledger.next_due("other", None) is None


def test_a_deadline_that_was_fired_or_failed_is_not_due_again(ledger: Ledger) -> None:
    fired, failed = timer("fired", at(days=1)), timer("failed", at(days=1))
    ledger.commit(batch(0, received(CHAIR, 1, 1), timers=[fired, failed]))
    ledger.commit(batch(1, fired=[fired], failed_timers=[failed]))
    assert ledger.due("acme", None, at(days=2), 10) == []


def test_a_seller_of_history_is_not_moved_by_everybodys_clock(ledger: Ledger) -> None:
    due = timer("due", at(days=1))
    ledger.commit(batch(0, received(CHAIR, 1, 1), timers=[due], live={"acme": False}))
    assert ledger.due(None, None, at(days=2), 10) == []
    assert ledger.due("acme", None, at(days=2), 10) == [due]


def test_a_clock_keeps_its_last_time(ledger: Ledger) -> None:
    ledger.commit(batch(0, clocks={"": NOON, "acme": at(days=1)}))
    ledger.commit(batch(1, clocks={"": at(days=3)}))
    assert (ledger.clock(""), ledger.clock("acme"), ledger.clock("other")) == (at(days=3), at(days=1), None)


def test_parked_messages_and_deadlines_belong_to_one_partition(opening: Opening) -> None:
    first, second = opening(), opening(1)
    first.commit(batch(0, received(CHAIR, 1, 1), parked=[waiting(1)], clocks={"": NOON}, live={"acme": True}))
    due = timer("due", at(days=1), "other")
    second.commit(batch(0, sequences={"other": 1}, parked=[waiting(1, LAMP)], timers=[due]))
    assert (list(first.waits()), list(second.waits())) == ([CHAIR], [LAMP])
    assert (first.next_number(), opening(2).next_number()) == (2, 1)
    assert (first.clock(""), second.clock("")) == (NOON, None)
    assert (first.due(None, None, at(days=2), 10), second.due(None, None, at(days=2), 10)) == ([], [due])
    second.commit(batch(1, unparked=[1]))
    assert (list(first.waits()), list(second.waits())) == ([CHAIR], [])
