"""(d): the memory that an open order needs: placed, paid and reserved, but not packed."""

import gc
import tracemalloc
from collections.abc import Callable

from benchmarks.life_cycles import Market
from benchmarks.lifecycle import KEPT, WRITE_SIDE, stocked
from benchmarks.measure import Figure, beside, folder
from benchmarks.shop import KeepingShop
from consumers.engine import Engine
from infra.event_store.sqlite.ledger import SqliteLedger

OPEN = ("place", "pay")


def figures(market: Market) -> list[Figure]:
    """Measures by tracemalloc the memory that stays allocated: states and all that refers to them."""
    ours, theirs = _jumun(market), _aggregates(market)
    return [beside("d", f"open order: {WRITE_SIDE} / {KEPT}", "bytes", [ours], [theirs])]


def _jumun(market: Market) -> float:
    with folder() as home:
        ledger = SqliteLedger(str(home / "ledger.sqlite"))
        engine = Engine(ledger)
        engine.handle(market.receipts())

        def work() -> None:
            for batch in market.messages(OPEN):
                engine.handle(batch)
            engine.handle(
                market.receipts()
            )  # duplicates: they replace the last batch, which the engine still refers to

        held = _held(work)
        ledger.close()
    return held / market.orders


def _aggregates(market: Market) -> float:
    with folder() as home:
        shop = KeepingShop(home)
        stocked(shop, market)

        def work() -> None:
            for batch in market.steps(OPEN):
                with shop.batch():
                    for one in batch:
                        shop.carry_out(one)

        held = _held(work)
        shop.close()
    return held / market.orders


def _held(work: Callable[[], None]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
