"""How a worker is run from the command line, and what is said when it cannot mend itself."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import typer

from infra import logging
from infra.cli import show
from infra.clock import SYSTEM
from infra.kafka import topics as shapes
from infra.kafka.client import Misconfigured
from infra.kafka.ports import Unreachable
from infra.read_models.schema_setup import OtherLedger
from infra.settings import Settings
from infra.wiring.stores import NotSet
from infra.wiring.workers import NoTopic
from infra.workers.engine import Deleted, OtherTopic
from infra.workers.outbox import Disagrees
from infra.workers.process import Worker, run
from infra.workers.timekeeper import Jumped

CANNOT: Final = 5
"""Exit code of a worker that needs a person."""
_TODO: Final[dict[type[Exception], str]] = {
    NotSet: "set it in the environment (JUMUN_...) or in the file that JUMUN_SETTINGS names.",
    NoTopic: "`jumun topics create` makes it.",
    Misconfigured: "correct the settings; `jumun settings` prints them.",
    OtherTopic: "if the old one is lost for good, start once with --new-topic; the publishers send again.",
    Deleted: "if what was deleted is lost for good, start once with --skip-deleted.",
    OtherLedger: "the database was restored, or it is another one: see the operations page, Restore.",
    Disagrees: "the database was restored, or it is another one: see the operations page, Restore.",
    Jumped: "correct the clock; if it is right, start once with --allow-jump.",
    shapes.TooFewBrokers: "add brokers.",
}


@contextmanager
def told() -> Generator[None]:
    """What a worker cannot mend by itself becomes a sentence that says what to do."""
    try:
        yield
    except tuple(_TODO) as error:
        what = f"The setting {error} is missing" if isinstance(error, NotSet) else str(error)
        what = f"There is no topic {error}" if isinstance(error, NoTopic) else what
        show.problem(
            f"{what}.", "everything that was committed; nothing else was changed.", _TODO[type(error)]
        )
        raise typer.Exit(CANNOT) from None


@contextmanager
def reaching() -> Generator[None]:
    """A cluster that does not answer becomes a sentence."""
    try:
        yield
    except Unreachable as error:
        show.problem(
            f"Kafka does not answer: {error}.", "nothing was changed.", "`jumun doctor` finds out more."
        )
        raise typer.Exit(4) from None


def run_worker(open_worker: Callable[[Settings], Worker], settings: Settings) -> None:
    """Until SIGTERM, or until it needs a person."""
    logging.set_up(settings)
    with told():
        run(lambda: open_worker(settings), settings, SYSTEM)
