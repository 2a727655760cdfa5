"""(d): what an open order costs in memory: placed, paid, reserved, not yet packed."""

import gc
import tracemalloc
from collections.abc import Callable

from benchmarks.lifecycle import KEPT, WRITE_SIDE, stocked
from benchmarks.lives import message, receipts, step, waves
from benchmarks.measure import Figure, beside, folder
from benchmarks.shop import KeepingShop
from consumers.engine import Engine
from infra.event_store.ledger import SqliteLedger

OPEN = ("place", "pay")


def figures(orders: int) -> list[Figure]:
    """By tracemalloc: what Python has allocated and still holds, states and all that keeps them."""
    ours, theirs = _jumun(orders), _aggregates(orders)
    return [beside("d", f"open order: {WRITE_SIDE} / {KEPT}", "bytes", [ours], [theirs])]


def _jumun(orders: int) -> float:
    with folder() as home:
        ledger = SqliteLedger(str(home / "ledger.sqlite"))
        engine = Engine(ledger)
        engine.handle(receipts())

        def work() -> None:
            for wave in waves(orders, OPEN):
                engine.handle([message(kind, number) for kind, number in wave])
            engine.handle(receipts())  # known already: they take the place of the last batch

        held = _held(work)
        ledger.close()
    return held / orders


def _aggregates(orders: int) -> float:
    with folder() as home:
        shop = KeepingShop(home)
        stocked(shop)

        def work() -> None:
            for wave in waves(orders, OPEN):
                with shop.batch():
                    for kind, number in wave:
                        shop.carry_out(step(kind, number))

        held = _held(work)
        shop.close()
    return held / orders


def _held(work: Callable[[], None]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
