"""python -m benchmarks.read_models [--quick]: writes read models to PostgreSQL, by arrays and row by row.

Two ways to write are compared: psycopg's pipelined `executemany`, and the arrays of
`infra.read_models.postgres`.  Both write the same rows of the same batches to the same server, in turn.  A
batch holds the events of 500 orders of the demo's marketplace, or of 500 messages.  It uses the project's own
server (`make postgres-up`).
"""

import argparse
import subprocess
import sys
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from sqlalchemy.schema import DropSchema

from benchmarks.measure import folder
from consumers.engine import Engine
from infra.audit.history import recorded_after
from infra.demo.market import messages
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.database import Tables, writing
from infra.read_models.postgres import PostgresTables, opened
from infra.read_models.store import ReadModels
from projections.changes import Changes
from projections.fold import Recorded
from projections.projection import Projection
from projections.verify import in_batches

SEED: Final = 7
AT_ONCE: Final = 500
POSTGRES: Final = Path(__file__).parents[1] / "tools" / "postgres"


def market(orders: int) -> tuple[list[Recorded], int]:
    """The marketplace's events, and the number of messages that caused them."""
    lines = messages(orders, SEED)
    with folder() as where:
        ledger = SqliteLedger(str(where / "ledger.sqlite"))
        engine = Engine(ledger)
        for first in range(0, len(lines), AT_ONCE):
            engine.handle(lines[first : first + AT_ONCE])
        events = [recorded for chunk in recorded_after(ledger, 0) for recorded in chunk]
        ledger.close()
    return events, len(lines)


@contextmanager
def schema_of(url: str) -> Generator[str]:
    """A schema with empty tables for one run.  It is dropped afterwards."""
    schema = f"bench_read_{uuid.uuid4().hex[:16]}"
    ReadModels(url, schema).close()
    try:
        yield schema
    finally:
        engine = opened(url, schema)
        with engine.begin() as connection:
            connection.execute(DropSchema(schema, cascade=True))
        engine.dispose()


def seconds_to_write(url: str, write: str, changes: Sequence[Changes]) -> float:
    """Seconds to write these changes, with one transaction per batch."""
    with schema_of(url) as schema:
        engine = opened(url, schema)
        tables = PostgresTables(engine.dialect, schema) if write == "arrays" else Tables(engine.dialect)
        began = perf_counter()
        for change in changes:
            with writing(engine) as connection:
                tables.write(connection, change)
        took = perf_counter() - began
        engine.dispose()
    return took


def seconds_to_apply(url: str, batches: Sequence[Sequence[Recorded]]) -> float:
    """Seconds to fold and write these batches as a projector does."""
    with schema_of(url) as schema:
        models, position = ReadModels(url, schema), 0
        began = perf_counter()
        for batch in batches:
            models.apply(batch, after=position)
            position = batch[-1].position
        took = perf_counter() - began
        models.close()
    return took


def seconds_to_rebuild(url: str, events: Sequence[Recorded]) -> float:
    """Seconds to rebuild the read models from all events."""
    with schema_of(url) as schema:
        models = ReadModels(url, schema)
        began = perf_counter()
        models.rebuild({0: events})
        took = perf_counter() - began
        models.close()
    return took


def of_batches(url: str, events: Sequence[Recorded], size: int, rounds: int) -> Iterator[str]:
    """Compares the two ways to write, and measures the projector, in batches of `size` events."""
    batches = list(in_batches(events, size))
    projection = Projection()
    changes = [projection.fold(batch) for batch in batches]
    rows = sum(1 for change in changes for _ in change.rows())
    many: list[float] = []
    arrays: list[float] = []
    folding: list[float] = []
    for _ in range(rounds):
        many.append(seconds_to_write(url, "executemany", changes))
        arrays.append(seconds_to_write(url, "arrays", changes))
        folding.append(seconds_to_apply(url, batches))
    ratios = sorted(one / other for one, other in zip(many, arrays, strict=True))
    many_s, arrays_s = rows / median(many), rows / median(arrays)
    yield f"batches of {size:,} events:"
    yield (
        f"   {arrays_s:,.0f} rows/s by arrays, {many_s:,.0f} by executemany"
        f" = {median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    )
    yield f"   {len(events) / median(folding):,.0f} events/s folded and written"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_models", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few orders and one round, only to see that it runs"
    )
    options = parser.parse_args()
    quick: bool = options.quick
    process = subprocess.run([POSTGRES, "url"], capture_output=True, text=True, check=False)
    if process.returncode != 0:
        print(process.stderr.strip(), file=sys.stderr)
        return 2
    url, rounds, orders = process.stdout.strip(), 1 if quick else 5, 100 if quick else 2_000
    events, message_count = market(orders)
    for pieces in (orders, message_count):  # a batch holds the events of 500 orders, then of 500 messages
        size = len(events) * AT_ONCE // pieces
        print("\n".join(of_batches(url, events, size, rounds)))
    took = [seconds_to_rebuild(url, events) for _ in range(rounds)]
    print(f"rebuilt: {len(events) / median(took):,.0f} events/s of {len(events):,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
