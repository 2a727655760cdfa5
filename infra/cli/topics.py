"""`jumun topics`: creates, checks and recreates the four Kafka topics."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli import show
from infra.cli.options import AsJson
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.kafka.ports import Cluster

app = typer.Typer(no_args_is_help=True, help="Create, check or recreate the four Kafka topics.")


@contextmanager
def reached(settings: Settings) -> "Generator[Cluster]":
    """Opens the cluster; prints why and ends the command if that fails."""
    from infra.cli.worker import explaining_unreachable, explaining_worker_errors  # noqa: PLC0415  loads the clients of Kafka
    from infra.kafka.client import connect  # noqa: PLC0415

    with (
        explaining_worker_errors(),
        explaining_unreachable(),
        closing(connect(settings).cluster()) as cluster,
    ):
        yield cluster


@app.command()
def create() -> None:
    """Create the topics that are missing.  It may be run again.

    Example: jumun topics create
    """
    from infra.kafka import topics  # noqa: PLC0415

    settings = Settings()
    with reached(settings) as cluster:
        topics.create(cluster, settings)
    check(as_json=False)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check whether the topics are as they must be, and print how to correct them.

    Example: jumun topics check --json
    """
    from infra.kafka import topics  # noqa: PLC0415

    settings = Settings()
    with reached(settings) as cluster:
        findings = topics.check(cluster, settings)
    if as_json:
        show.in_json([finding._asdict() for finding in findings])
    elif findings:
        rows = [(f.topic, f.what, f.found, f.wanted, f.todo) for f in findings]
        show.table("Topics to correct", ("topic", "what", "is", "should be", "why"), rows)
    else:
        show.console.print("All four topics are as they must be.")
    if findings:
        raise typer.Exit(1)


@app.command("anew", hidden=True)  # its former name
@app.command("recreate")
def recreate_topics(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete and create the topics ledger, outcomes and set-aside; their records are lost.  Keeps inbound.

    Needed after a restore: the relay then publishes the whole ledger again.

    Example: jumun topics recreate --yes
    """
    from infra.kafka import recreate  # noqa: PLC0415

    settings = Settings()
    names = ", ".join(settings.topic(kind) for kind in ("ledger", "outcomes", "set-aside"))
    if not yes and not typer.confirm(f"Delete {names} with all records?"):
        show.problem("You answered no.", "everything.", "answer yes, or use --yes.")
        raise typer.Exit(1)
    with reached(settings) as cluster:
        recreate.recreate(cluster, settings)
    check(as_json=False)
