"""Runs a worker from the command line; prints advice for errors that a person must solve."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import typer

from infra import logging
from infra.cli import show
from infra.clock import SYSTEM
from infra.kafka import topics
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
"""Exit status of a worker that a person must help."""
_TODO: Final[dict[type[Exception], str]] = {
    NotSet: "set it in the environment (JUMUN_...) or in the file that JUMUN_SETTINGS names.",
    NoTopic: "run `jumun topics create`.",
    Misconfigured: "correct the settings; `jumun settings` prints them.",
    OtherTopic: "if the old topic is lost, start once with --new-topic; the publishers must send again.",
    Deleted: "if the deleted messages are lost, start once with --skip-deleted.",
    OtherLedger: "the database was restored, or is another one: see docs/operations.md, Restore.",
    Disagrees: "the database was restored, or is another one: see docs/operations.md, Restore.",
    Jumped: "correct the clock; if it is right, start once with --allow-jump.",
    topics.TooFewBrokers: "add brokers.",
}


@contextmanager
def explaining_worker_errors() -> Generator[None]:
    """Prints an error that a person must solve, with advice, and ends the command."""
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
def explaining_unreachable() -> Generator[None]:
    """Prints that the cluster does not answer, and ends the command."""
    try:
        yield
    except Unreachable as error:
        show.problem(
            f"Kafka does not answer: {error}.",
            "nothing was changed.",
            "run `jumun doctor` to find the cause.",
        )
        raise typer.Exit(4) from None


def run_worker(open_worker: Callable[[Settings], Worker], settings: Settings) -> None:
    """Runs the worker until SIGTERM, or until an error that a person must solve."""
    logging.set_up(settings)
    with explaining_worker_errors():
        run(lambda: open_worker(settings), settings, SYSTEM)
