"""(c): one SKU in high demand, with few and with many active reservations."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.life_cycles import BATCH, message, receipt
from benchmarks.measure import Figure, Run, beside, folder
from consumers.engine import Engine
from consumers.ports import Batch, Loaded
from domain.decider import MessageContext
from domain.policies.defaults import DEFAULTS
from domain.stock import STOCK
from domain.stock.reservations import Reserve
from domain.streams import stock_stream
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.wire.stored_events import encode_state

HOT = "HOT"
STREAM = stock_stream("acme", HOT)
FEW = 100
MORE = 50
"""Orders per measurement.  Each one is placed and paid."""
DECISIONS = 500
CONTEXT = MessageContext(datetime(2026, 3, 9, tzinfo=UTC), "shop", "Asia/Seoul", DEFAULTS)


class HotSku:
    """An engine with one SKU that has the given number of active reservations."""

    def __init__(self, folder: Path, reservations: int) -> None:
        self.path = folder / "ledger.sqlite"
        self.ledger = SqliteLedger(str(self.path))
        self._engine = Engine(self.ledger)
        self._engine.handle([receipt(HOT)])
        self._next = 0
        self.more(reservations)

    def more(self, orders: int) -> Run:
        numbers = range(self._next, self._next + orders)
        self._next += orders
        lines = [message(kind, number, [HOT]) for number in numbers for kind in ("place", "pay")]
        run = Run(orders)
        with run.clocked():
            for first in range(0, len(lines), BATCH):
                self._engine.handle(lines[first : first + BATCH])
        return run

    def state(self) -> Loaded:
        return self.ledger.load([STREAM])[STREAM]

    def snapshot(self) -> bytes:
        """Takes and returns a snapshot of the stream's end, so that a load replays no events."""
        loaded = self.state()
        offset = self.ledger.next_offset()
        now = Loaded(loaded.version, loaded.state, loaded.version)
        self.ledger.commit(Batch(offset, offset, snapshots={STREAM: now}))
        return encode_state(STREAM, loaded.state)


def figures(many: int, rounds: int) -> list[Figure]:
    through: dict[int, list[float]] = {FEW: [], many: []}
    pure: dict[int, list[float]] = {FEW: [], many: []}
    loads: list[float] = []
    replays: list[float] = []
    parses: list[float] = []
    with folder() as large_home:
        large = HotSku(large_home, many)
        for _ in range(rounds):
            with folder() as small_home:
                small = HotSku(small_home, FEW)
                for size, hot in ((FEW, small), (many, large)):
                    through[size].append(1_000_000 * hot.more(MORE).cpu_s / MORE)
                    pure[size].append(_decided(hot.state().state))
                small.ledger.close()
            replays.append(_cpu_ms(lambda: _opened(large.path)))
        stored = large.snapshot()
        for _ in range(rounds):
            loads.append(_cpu_ms(lambda: _opened(large.path)))
            parses.append(_cpu_ms(lambda: json.loads(stored)))
        large.ledger.close()
    sizes = f"{many:,} reservations / {FEW}"
    return [
        _at_most(1.5, f"place and pay one more order: {sizes}", "us", through[many], through[FEW]),
        _at_most(1.5, f"decide and evolve only: {sizes}", "us", pure[many], pure[FEW]),
        _at_most(5, "load it from its snapshot / json.loads", "ms", loads, parses),
        beside("c", "load it, events since a snapshot replayed / json.loads", "ms", replays, parses),
    ]


def _at_most(bar: float, what: str, unit: str, values: list[float], others: list[float]) -> Figure:
    return beside("c", what, unit, values, others, bar=bar, at_least=False)


def _decided(state: Any) -> float:
    """Microseconds of CPU for one reservation.  States are immutable, so each starts from the same state."""
    commands = [Reserve(f"another-{number}", "1", 1) for number in range(DECISIONS)]
    began = time.process_time()
    for command in commands:
        after = state
        for event in STOCK.decide(state, command, CONTEXT):
            after = STOCK.evolve(after, event)
    return (time.process_time() - began) / DECISIONS * 1_000_000


def _opened(path: Path) -> Loaded:
    ledger = SqliteLedger(str(path))
    loaded = ledger.load([STREAM])[STREAM]
    ledger.close()
    return loaded


def _cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1_000
