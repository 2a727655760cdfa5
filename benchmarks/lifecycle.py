"""(a) and (b): the lifecycle of an order, compared with the same lifecycle by the library's aggregates."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.life_cycles import BEGAN, ON_HAND, Market
from benchmarks.measure import Figure, Run, Runs, Side, alternately, beside, children_cpu_s, p99
from benchmarks.naive import StockItem
from benchmarks.shop import BatchedShop, CachingShop, KeepingShop, Shop
from benchmarks.stopwatch import Stopwatch
from consumers.engine import Engine
from consumers.envelope import read
from infra.event_store.rows import Origin
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.settings import Settings
from infra.wiring.embedded import writing

SAVED_ONE_BY_ONE = "aggregates, a save per command"
BATCHED = "aggregates, batched"
CACHED = "aggregates, batched, library's cache"
SAME_DOOR = "aggregates, batched, cache, from bytes"
KEPT = "aggregates, batched, kept by hand"
WRITE_SIDE, LIVE, WITHIN = "Jumun", "Jumun, read models beside", "Jumun, read models within"


def measured(market: Market, rounds: int) -> Runs:
    """Runs all sides with the same orders."""
    return alternately(
        {
            SAVED_ONE_BY_ONE: lambda folder: _aggregates(Shop(folder), market),
            BATCHED: lambda folder: _aggregates(BatchedShop(folder), market),
            CACHED: lambda folder: _aggregates(CachingShop(folder), market),
            SAME_DOOR: lambda folder: _aggregates(CachingShop(folder), market, read_first=True),
            KEPT: lambda folder: _aggregates(KeepingShop(folder), market),
            **_ours(market),
            WITHIN: lambda folder: _embedded(folder, market, beside=False),
        },
        rounds,
    )


def measured_young(market: Market, rounds: int) -> Runs:
    """Runs only the sides of (a), with SKUs that have little history yet."""
    return alternately(
        {SAVED_ONE_BY_ONE: lambda folder: _aggregates(Shop(folder), market), **_ours(market)}, rounds
    )


def _ours(market: Market) -> dict[str, Side]:
    return {
        WRITE_SIDE: lambda folder: _jumun(folder, market),
        LIVE: lambda folder: _embedded(folder, market, beside=True),
    }


def stocked(shop: Shop, market: Market) -> None:
    with shop.batch():
        for name in market.names():
            item = StockItem(name)
            item.receive(ON_HAND, BEGAN)
            shop.keep(item)
    shop.commits_ms.clear()


def _aggregates(shop: Shop, market: Market, *, read_first: bool = False) -> Run:
    """With `read_first`, Jumun's parser also reads the message of each command; the result is unused."""
    stocked(shop, market)
    batches = market.steps()
    nothing: list[list[bytes]] = [[] for _ in batches]
    raws = market.messages() if read_first else nothing
    run = Run(market.orders)
    with run.clocked():
        for batch, messages in zip(batches, raws, strict=True):
            with shop.batch():
                for raw in messages:
                    read(raw, bytes(32))
                for one in batch:
                    shop.carry_out(one)
    run.commits_ms = shop.commits_ms
    shop.close()
    return run


def _jumun(folder: Path, market: Market) -> Run:
    stopwatch = Stopwatch()
    ledger = SqliteLedger(str(folder / "ledger.sqlite"), Origin(at=stopwatch))
    engine = Engine(ledger)
    engine.handle(market.receipts())
    run = _handled(engine, market, stopwatch)
    ledger.close()
    return run


def _embedded(folder: Path, market: Market, *, beside: bool) -> Run:
    """Measures the time until the read models contain every order, and the CPU of both processes."""
    stopwatch = Stopwatch()
    with writing(Settings(home=folder), faults=stopwatch, beside=beside) as embedded:
        embedded.ingest(market.receipts())
        before = children_cpu_s()
        run = _handled(embedded.engine, market, stopwatch, embedded.caught_up)
        run.cpu_s += children_cpu_s() - before
    return run


def _nothing() -> None:
    return


def _handled(
    engine: Engine, market: Market, stopwatch: Stopwatch, caught_up: Callable[[], None] = _nothing
) -> Run:
    batches = market.messages()
    run = Run(market.orders)
    stopwatch.commits_ms.clear()
    events = engine.moved.events
    with run.clocked():
        for batch in batches:
            engine.handle(batch)
        caught_up()
    assert engine.moved.states == {"accepted": market.skus + 5 * market.orders}, engine.moved
    assert engine.moved.events - events == 11 * market.orders
    run.commits_ms = stopwatch.commits_ms
    return run


def figures(runs: Runs) -> list[Figure]:
    return [
        _a_second(runs, WRITE_SIDE, bar=10),
        _a_second(runs, LIVE, bar=10),
        _a_second(runs, WITHIN),
        _cpu(runs, "a", WRITE_SIDE, SAVED_ONE_BY_ONE),
        _cpu(runs, "a", LIVE, SAVED_ONE_BY_ONE),
        _a_cpu_second(runs, WRITE_SIDE, BATCHED, 2),
        _a_cpu_second(runs, WRITE_SIDE, CACHED),
        _a_cpu_second(runs, WRITE_SIDE, SAME_DOOR),
        _a_cpu_second(runs, WRITE_SIDE, KEPT),
        _a_cpu_second(runs, LIVE, BATCHED),
        _commit(runs, SAVED_ONE_BY_ONE),
        _commit(runs, BATCHED),
    ]


def figures_young(runs: Runs) -> list[Figure]:
    return [_a_second(runs, WRITE_SIDE, when="young: "), _a_second(runs, LIVE, when="young: ")]


def _a_second(runs: Runs, ours: str, *, bar: float | None = None, when: str = "") -> Figure:
    speeds = [[run.per_second for run in runs[name]] for name in (ours, SAVED_ONE_BY_ONE)]
    return beside("a", f"{when}{ours} / {SAVED_ONE_BY_ONE}", "orders/s", *speeds, bar=bar)


def _a_cpu_second(runs: Runs, ours: str, other: str, bar: float | None = None) -> Figure:
    speeds = [[run.per_cpu_second for run in runs[name]] for name in (ours, other)]
    return beside("b", f"{ours} / {other}", "orders/CPU s", *speeds, bar=bar)


def _cpu(runs: Runs, part: str, ours: str, other: str) -> Figure:
    costs = [[1_000 * run.cpu_s / run.pieces for run in runs[name]] for name in (ours, other)]
    return beside(part, f"CPU: {ours} / {other}", "ms/order", *costs)


def _commit(runs: Runs, other: str) -> Figure:
    """Jumun's commit has up to 500 messages, with their inbox rows, outcomes and timers."""
    part = "a" if other == SAVED_ONE_BY_ONE else "b"
    tails = [[p99(run.commits_ms) for run in runs[name]] for name in (WRITE_SIDE, other)]
    return beside(part, f"commit p99: {WRITE_SIDE} / {other}", "ms", *tails)
