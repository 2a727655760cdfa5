"""`jumun rebuild`: rebuilds the read models from the ledger."""

import fcntl
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import typer

from infra.audit.rebuild import Rebuilt
from infra.audit.rebuild import rebuild as rebuilt
from infra.cli import show
from infra.cli.database_errors import explained
from infra.cli.options import AsJson, Home, must_exist, settings
from infra.cli.progress import bar
from infra.event_store.reading.events import last_position
from infra.event_store.sqlite.read_only import ReadOnlySqliteLedger
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings


def rebuild(as_json: AsJson = False, home: Home = None) -> None:
    """Rebuild the read models from the ledger.  Questions see the old ones until the rebuild is done.

    Needed after a restore, or if `jumun verify` finds that the read models differ from the ledger.

    Example: jumun rebuild
    """
    chosen = settings(home)
    done = _embedded(chosen) if chosen.database_url is None else _production(chosen)
    if as_json:
        show.in_json([asdict(done)])
        return
    partitions = f"{done.partitions} partition{'' if done.partitions == 1 else 's'}"
    show.console.print(f"{done.events:,} events of {partitions} were folded.", highlight=False)


def _embedded(chosen: Settings) -> Rebuilt:
    must_exist(chosen)
    with (
        _projector_lock(chosen.home),
        closing(ReadOnlySqliteLedger(str(chosen.home / LEDGER))) as ledger,
        closing(ReadModels(str(chosen.home / READ_MODELS))) as models,
        bar("folding", last_position(ledger)) as step,
    ):
        return rebuilt(ledger, ledger.ledger_id, models, lambda events: step(events, events))


def _production(chosen: Settings) -> Rebuilt:
    from infra.wiring.stores import open_ledger, open_read_models  # noqa: PLC0415  loads the drivers

    with (
        explained(),
        closing(open_ledger(chosen)) as ledger,
        closing(open_read_models(chosen)) as models,
        bar("folding", last_position(ledger)) as step,
    ):
        return rebuilt(ledger, ledger.ledger_id, models, lambda events: step(events, events))


@contextmanager
def _projector_lock(home: Path) -> Generator[None]:
    """Holds the lock of the projector; ends the command if another process holds it."""
    with (home / "projector.lock").open("a") as lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            show.problem(
                f"Another process updates the read models in {home}.",
                "nothing was changed.",
                "wait until that process ends, or stop it; then run this command again.",
            )
            raise typer.Exit(3) from None
        yield
