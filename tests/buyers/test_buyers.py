"""Two hundred buyers, four accounts, fifty chairs: exactly fifty are sold, whoever comes when."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random

import pytest

from consumers.engine import Engine
from consumers.ports import Batch, Committed, Stale
from domain.audit import Audit
from domain.streams import StreamId
from infra.audit.history import committed_now
from infra.audit.verify import Verdict, chain_damage
from infra.event_store.memory import MemoryLedger
from infra.event_store.postgres.ledger import PostgresLedger
from tests.buyers.buyers import PIECES, Rush, chairs, pieces_in, total

SEEDS = 1_000 if os.environ.get("JUMUN_TORTURE") else 25
WRITERS = 4


class Shop:
    """An engine that decides batches of any size; no moment may promise more chairs than there are."""

    def __init__(self, seed: int) -> None:
        self.ledger = MemoryLedger()
        self._chance = Random(seed)
        self._audit = Audit()
        self._engine = Engine(self.ledger, on_commit=self._committed)

    def _committed(self, batch: Batch, committed: Committed) -> None:
        for one in committed_now(batch, committed):
            self._audit.see(StreamId(one.stream), one.event)

    def take(self, lines: list[bytes]) -> None:
        while lines:
            size = self._chance.randint(1, 40)
            self._engine.handle(lines[:size])
            lines = lines[size:]
            item = chairs(self.ledger)
            (balance,) = item.balances.values()
            assert 0 <= balance.reserved <= balance.on_hand <= PIECES
        assert list(self._audit.findings()) == []


@pytest.mark.parametrize("seed", range(SEEDS))
def test_fifty_chairs_are_sold_to_two_hundred_buyers(seed: int) -> None:
    shop, rush = Shop(seed), Rush(seed)
    shop.take(rush.opening())
    shop.take(rush.rush())
    reserved, waiting = pieces_in(shop.ledger, "allocated"), pieces_in(shop.ledger, "backordered")
    assert total(reserved) == PIECES
    assert waiting, "there are more buyers than chairs"
    shop.take(rush.warehouse(reserved))
    shop.take(rush.sold_out(waiting))
    assert sold(shop.ledger) == (PIECES, 0)
    assert chairs(shop.ledger).closed


def sold(ledger: MemoryLedger | PostgresLedger) -> tuple[int, int]:
    """(pieces that left, pieces that are still here or still promised)"""
    item = chairs(ledger)
    here = sum(balance.on_hand + balance.reserved for balance in item.balances.values())
    promised = total(pieces_in(ledger, "allocated", "packed", "backordered"))
    return total(pieces_in(ledger, "in_transit")), here + promised + len(item.queue)


class Writers:
    """Engines in several threads that all try to decide the same messages.  One of them commits first."""

    def __init__(self, ledgers: list[PostgresLedger]) -> None:
        self._ledgers = ledgers
        self._lines: list[bytes] = []
        self.refused = 0

    def take(self, lines: list[bytes]) -> None:
        self._lines += lines
        with ThreadPoolExecutor(len(self._ledgers)) as pool:
            for done in [pool.submit(self._decide, one, seed) for seed, one in enumerate(self._ledgers)]:
                done.result()

    def _decide(self, ledger: PostgresLedger, seed: int) -> None:
        engine, chance = Engine(ledger), Random(seed)
        while (at := ledger.next_offset()) < len(self._lines):
            with suppress(Stale):
                engine.handle(self._lines[at : at + chance.randint(1, 40)])
                continue
            self.refused += 1


@pytest.fixture
def ledgers(postgres_schema: tuple[str, str]) -> Iterator[list[PostgresLedger]]:
    """One connection of each writer to the same ledger."""
    url, schema = postgres_schema
    opened = [PostgresLedger(url, schema=schema) for _ in range(WRITERS)]
    yield opened
    for ledger in opened:
        ledger.close()


def test_fifty_chairs_are_sold_although_four_writers_decide_at_once(ledgers: list[PostgresLedger]) -> None:
    writers, rush, reader = Writers(ledgers), Rush(7), ledgers[0]
    writers.take([*rush.opening(), *rush.rush()])
    reserved, waiting = pieces_in(reader, "allocated"), pieces_in(reader, "backordered")
    assert total(reserved) == PIECES
    writers.take([*rush.warehouse(reserved), *rush.sold_out(waiting)])
    assert writers.refused, "the writers never met"
    assert sold(reader) == (PIECES, 0)
    assert list(chain_damage(reader, Verdict())) == []
