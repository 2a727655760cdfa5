"""With sixteen writers, positions are gapless, and a reader sees them in the order of commits."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from consumers.engine import Engine
from consumers.ports import Stale
from infra.audit.verify import Verdict, chain_damage
from infra.event_store.postgres.ledger import PostgresLedger
from tests.messages import receipt

WRITERS = 16
PATIENCE_S = 1_200


def test_a_reader_of_sixteen_writers_misses_nothing(
    postgres_schema: tuple[str, str], long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    url, schema = postgres_schema
    receipts = 1_000_000 // WRITERS if long else 60
    batch = 500 if long else 5

    def write(partition: int) -> None:
        with closing(PostgresLedger(url, partition=partition, schema=schema)) as own:
            engine = Engine(own)
            while (at := own.next_offset()) < receipts:
                lines = [receipt(n, seller=f"s-{partition}") for n in range(at, min(at + batch, receipts))]
                with suppress(Stale):
                    engine.handle(lines)

    expected = WRITERS * (receipts + 1)  # each seller is opened once
    began = time.monotonic()
    with ThreadPoolExecutor(WRITERS) as pool, closing(PostgresLedger(url, schema=schema)) as reader:
        writing = [pool.submit(write, partition) for partition in range(WRITERS)]
        last = 0
        for position in tailed(reader):
            assert position == last + 1
            last = position
            if last == expected:
                break
        for one in writing:
            one.result()
        assert list(chain_damage(reader, Verdict())) == []
    with capsys.disabled():
        print(
            f"\n  {expected:,} events by {WRITERS} writers in {time.monotonic() - began:.0f} s, none missed",
            end="",
        )


def tailed(ledger: PostgresLedger) -> Iterator[int]:
    """The positions that a reader gets which always asks for positions greater than its last."""
    last, until = 0, time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        query = "SELECT position FROM stored_events WHERE position > :last ORDER BY position LIMIT 10000"
        for (position,) in ledger.rows(query, last=last):
            yield position
            last = position
