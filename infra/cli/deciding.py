"""Runs an operator's command through an engine, while the workers run."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import typer

from consumers.engine import Engine
from consumers.outcomes import Moved
from consumers.ports import Stale
from infra.cli import show
from infra.cli.feed import writer
from infra.cli.options import must_exist, settings
from infra.clock import SYSTEM
from infra.event_store.sql_ledger import SqlLedger

TRIES: Final = 10
"""The command is retried if a worker commits at the same time."""


def decided(work: Callable[[Engine, SqlLedger], None], partition: int, home: Path | None) -> Moved:
    """Runs `work` with an engine for the partition.  Retries if a worker has committed in the meantime."""
    chosen = settings(home)
    if chosen.database_url is None:
        must_exist(chosen)
        with writer(chosen) as embedded:
            work(embedded.engine, embedded.ledger)
            return embedded.engine.moved
    from infra.wiring.stores import open_ledger  # noqa: PLC0415  loads the driver

    with closing(open_ledger(chosen)) as whole:
        topic = whole.of(partition).topic() or "none"
        ledger = whole.reading_topic(topic).of(partition)
        engine = Engine(ledger, parked_per_seller=chosen.parked_per_seller, now=SYSTEM.now)
        for _ in range(TRIES):
            try:
                work(engine, ledger)
            except Stale:
                continue
            return engine.moved
    show.problem(
        f"The workers of partition {partition} commit faster than this command.",
        "everything that was committed; the rest of this command was not carried out.",
        "run it again when there is less load.",
    )
    raise typer.Exit(3)
