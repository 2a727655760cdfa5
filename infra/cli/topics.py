"""`jumun topics`: the four topics on Kafka."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli import show
from infra.cli.options import AsJson
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.kafka.ports import Cluster

app = typer.Typer(no_args_is_help=True, help="The four topics on Kafka.")


@contextmanager
def reached(settings: Settings) -> "Generator[Cluster]":
    """The cluster; or a sentence that says why it is not."""
    from infra.cli.worker import reaching, told  # noqa: PLC0415  loads the clients of Kafka
    from infra.kafka.client import connect  # noqa: PLC0415

    with told(), reaching(), closing(connect(settings).cluster()) as cluster:
        yield cluster


@app.command()
def create() -> None:
    """Make those that are missing.  May be said twice.

    Example: jumun topics create
    """
    from infra.kafka import topics  # noqa: PLC0415

    settings = Settings()
    with reached(settings) as cluster:
        topics.create(cluster, settings)
    check(as_json=False)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Say what about them is not as it must be, and what to do about it.

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
        show.table("Not as they must be", ("topic", "what", "found", "wanted", "why"), rows)
    else:
        show.console.print("All four topics are as they must be.")
    if findings:
        raise typer.Exit(1)


@app.command()
def anew(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete ledger, outcomes and set-aside with all they hold, and make them again.  Never inbound.

    After a restore: the relay then tells the whole ledger anew.

    Example: jumun topics anew --yes
    """
    from infra.kafka import recreate  # noqa: PLC0415

    settings = Settings()
    names = ", ".join(settings.topic(kind) for kind in ("ledger", "outcomes", "set-aside"))
    if not yes and not typer.confirm(f"Delete {names} with all they hold?"):
        show.problem("You said no.", "everything.", "say yes, or --yes.")
        raise typer.Exit(1)
    with reached(settings) as cluster:
        recreate.recreate(cluster, settings)
    check(as_json=False)
