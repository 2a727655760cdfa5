"""Builds the embedded mode: two SQLite files in one folder, and one writing process."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager

from consumers.engine import Engine
from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from infra.build import build
from infra.clock import SYSTEM, Clock
from infra.embedded.projector import InProcessProjector, SubprocessProjector
from infra.embedded.writer import Embedded, writer_lock
from infra.event_store.rows import Origin
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings

Faults = Callable[[str], None]
"""Called at each step of a commit; a crash test raises or exits there."""


def no_faults(_: str) -> None:
    return None


@contextmanager
def writing(
    settings: Settings,
    *,
    faults: Faults = no_faults,
    beside: bool = False,
    clock: Clock = SYSTEM,
    deciders: Deciders = DECIDERS,
) -> Generator[Embedded]:
    """Opens the files for writing.  `beside`: the read models are folded in a subprocess, on another core.

    Raises: InUse, when another process writes to them.
    """
    home = settings.home
    with writer_lock(home):
        ledger = SqliteLedger(
            str(home / LEDGER), Origin(f"embedded-{os.getpid()}", build(), clock=clock, at=faults)
        )
        read_models = ReadModels(str(home / READ_MODELS))
        projector = SubprocessProjector(home) if beside else InProcessProjector(home, ledger, faults)
        engine = Engine(
            ledger,
            on_commit=projector.follow,
            parked_per_seller=settings.parked_per_seller,
            deciders=deciders,
            now=clock.now,
        )
        embedded = Embedded(ledger, read_models, projector, engine, settings.batch)
        try:
            yield embedded
        finally:
            embedded.close()
