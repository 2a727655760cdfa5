"""`jumun`: registers all commands, and prints errors with advice."""

import sqlite3
import sys

import typer
from eventsourcing.persistence import PersistenceError

from infra import logging
from infra.cli import (
    ask,
    db,
    deadlines,
    doctor,
    explain,
    feed,
    look,
    parked,
    policies,
    rebuild,
    run,
    serve,
    show,
    token,
    topics,
    verify,
)
from infra.read_models.schema_setup import OtherLedger
from infra.settings import Settings
from projections.questions import order
from projections.questions.catalogue import QUESTIONS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Order fulfilment for marketplace sellers: takes messages in, records decisions in a ledger, "
    "answers questions from read models.",
    epilog="Begin with: jumun demo",
)
app.command()(feed.demo)
app.command()(feed.ingest)
app.command()(feed.check)
app.command()(feed.convert)
for question in QUESTIONS:
    if question.published:
        ask.register(app, question)
    elif question is order.QUESTION:
        app.command(question.name, help=ask.help_of(question))(look.order)
app.add_typer(parked.app, name="parked")
app.add_typer(policies.app, name="policies")
app.add_typer(deadlines.app, name="deadlines")
app.command()(look.outcomes)
app.command()(explain.explain)
app.command()(verify.verify)
app.add_typer(db.app, name="db")
app.add_typer(run.run, name="run")
app.add_typer(topics.app, name="topics")
app.command()(doctor.doctor)
app.command()(rebuild.rebuild)
app.command()(serve.serve)
app.add_typer(token.app, name="token")
app.command()(run.settings)


def main() -> None:
    """Runs the command line.  Prints an error of the database with advice."""
    logging.set_up(Settings())
    try:
        app()
    except (PersistenceError, sqlite3.Error) as error:
        show.problem(
            f"Database error: {error}.",
            "everything that was committed.",
            "check that the folder is writable and the disk is not full, then run the same command again.",
        )
        sys.exit(4)
    except OtherLedger as error:
        show.problem(f"{error}.", "everything.", "if this is the right ledger, run `jumun rebuild`.")
        sys.exit(5)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
