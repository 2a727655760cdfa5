"""The memory ledger gives the same answers as the SQLite ledger, after any commits to both."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.ports import Batch, Carried, Committed, Decided, Ledger, Stale, State, Waiting
from domain.deadlines import Timer
from domain.stock.state import StockReceived
from domain.streams import StreamId
from infra.event_store.memory import MemoryLedger
from infra.event_store.rows import Origin
from infra.event_store.sqlite.ledger import SqliteLedger
from tests.clocks import SetClock
from tests.given import NOON, at

SELLERS = ["acme", "other"]
STREAMS = [StreamId("stock/acme/CHAIR"), StreamId("stock/acme/LAMP"), StreamId("stock/other/CHAIR")]
NAMES = ["a", "b", "c"]


class Step(NamedTuple):
    """A random commit.  Most of its values fit the ledger, some do not."""

    partition: int
    stream: StreamId
    pieces: list[int]
    message: int
    stale_by: int
    taken_version: bool
    live: bool
    state: State
    unparked: list[int]
    timers: list[tuple[str, int]]
    fired: list[str]
    failed: list[str]
    clock: str


steps = st.builds(
    Step,
    partition=st.integers(0, 1),
    stream=st.sampled_from(STREAMS),
    pieces=st.lists(st.integers(1, 9), max_size=3),
    message=st.integers(1, 30),
    stale_by=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, -1]),
    taken_version=st.sampled_from([False, False, True]),
    live=st.booleans(),
    state=st.sampled_from(["parked", "failed"]),
    unparked=st.lists(st.integers(1, 3), unique=True, max_size=2),
    timers=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 3)), max_size=2),
    fired=st.lists(st.sampled_from(NAMES), unique=True, max_size=1),
    failed=st.lists(st.sampled_from(NAMES), unique=True, max_size=1),
    clock=st.sampled_from(["", *SELLERS]),
)


def timer(name: str, days: int, stream: StreamId) -> Timer:
    return Timer(f"{name} {stream.seller}", at(days=days), stream, "hold", name)


def batch_of(step: Step, number: int, ledger: Ledger) -> Batch:
    stream, seller = step.stream, step.stream.seller
    loaded = ledger.load([stream]).get(stream)
    version = loaded.version - int(step.taken_version) if loaded else 0
    sequence = ledger.sequences([seller]).get(seller, 0)
    begins = ledger.next_offset() + step.stale_by
    key = step.message.to_bytes(16, "big")
    events = [
        Decided(
            seller,
            sequence + index,
            stream,
            version + index,
            StockReceived(at=NOON, receipt_id="r", location="main", pieces=pieces, reason="receipt"),
            Carried("shop in-1"),
            None,
        )
        for index, pieces in enumerate(step.pieces, 1)
    ]
    waits = Waiting(ledger.next_number(), stream, seller, key, key, "{}", step.state, "early", NOON)
    return Batch(
        begins,
        begins + 1,
        events,
        inbox=[(key, number.to_bytes(16, "big"))],
        vaulted=[(f"token {step.message}", str(number))],
        parked=[waits],
        unparked=step.unparked,
        timers=[timer(name, days, stream) for name, days in step.timers],
        fired=[timer(name, 1, stream) for name in step.fired],
        failed_timers=[timer(name, 1, stream) for name in step.failed],
        clocks={step.clock: at(days=number)},
        sequences={seller: sequence + len(events)},
        live={seller: step.live},
    )


def committed(ledger: Ledger, batch: Batch) -> Committed | None:
    try:
        return ledger.commit(batch)
    except Stale:
        return None


def answers(ledger: Ledger) -> list[Any]:
    """The answers to all queries of an engine."""
    parked = [ledger.waiting(stream, limit) for stream in STREAMS for limit in (1, 9)]
    due = [
        (ledger.due(seller, after, at(days=2), limit), ledger.next_due(seller, after))
        for seller in (None, *SELLERS)
        for after in (None, at(days=1))
        for limit in (1, 9)
    ]
    return [
        ledger.next_offset(),
        ledger.seen_digests([number.to_bytes(16, "big") for number in range(1, 31)]),
        ledger.load(STREAMS),
        ledger.sequences(SELLERS),
        list(ledger.waits().items()),
        parked,
        [ledger.waiting_count(seller) for seller in SELLERS],
        ledger.next_number(),
        [ledger.clock(name) for name in ("", *SELLERS)],
        due,
    ]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(steps, min_size=1, max_size=12))
def test_both_answer_alike_after_each_commit(history: Sequence[Step]) -> None:
    origin = Origin(clock=SetClock(NOON))
    with tempfile.TemporaryDirectory() as folder:
        memory, sqlite = MemoryLedger(origin), SqliteLedger(str(Path(folder) / "ledger.sqlite"), origin)
        try:
            for number, step in enumerate(history, 1):
                ours, theirs = memory.of(step.partition), sqlite.of(step.partition)
                batch = batch_of(step, number, theirs)
                assert committed(ours, batch) == committed(theirs, batch)
                for partition in (0, 1):
                    assert answers(memory.of(partition)) == answers(sqlite.of(partition))
                assert memory.failed_timers(None) == sqlite.failed_timers(None)
        finally:
            sqlite.close()
