"""`jumun db`: the databases of production, brought to this build and looked at."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from infra.cli import show
from infra.cli.database_errors import explained, stop
from infra.cli.options import AsJson
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.database_upgrade import State, UpgradeResult
    from infra.event_store.postgres.url import Target

app = typer.Typer(
    no_args_is_help=True, help="PostgreSQL: the ledger's and the read models' tables, and who may do what."
)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the databases to this build: tables, functions, roles and their rights.

    Run it as the owner before the new build's processes start; said twice, it is done once.

    Example: jumun db upgrade
    """
    from infra import database_upgrade as databases  # noqa: PLC0415  loads the driver

    with explained():
        done = databases.upgrade(_target())
    if as_json:
        show.in_json([asdict(done)])
        return
    for line in _told(done):
        show.console.print(escape(line), highlight=False, soft_wrap=True)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Say whether the databases are as this build needs them; if not, the exit status is 1.

    Example: jumun db check
    """
    from infra import database_upgrade as databases  # noqa: PLC0415  loads the driver

    with explained():
        state = databases.state(_target())
    if as_json:
        show.in_json([{**asdict(state), "right": state.right}])
    else:
        _show(state)
    if not state.right:
        raise typer.Exit(1)


@app.command()
def restored(
    force: Annotated[bool, typer.Option(help="Though sessions of Jumun are connected.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say that the ledger came back from a backup: it goes on under a new id.

    Run it as the owner, once after each restore, while no worker runs.

    Example: jumun db restored
    """
    from infra.event_store.postgres import restored as restores  # noqa: PLC0415  loads the driver

    with explained():
        try:
            done = restores.restored(_target(), force=force)
        except restores.NoLedger as error:
            stop(f"{error}.", "nothing was changed.", "`jumun db upgrade`, then this again.", 2)
        except restores.StillUsed as error:
            stop(f"{error}.", "nothing was changed.", "stop them; or --force, if they are others.", 3)
    if as_json:
        show.in_json([asdict(done)])
        return
    lines = [
        f"The ledger ends at event {done.position:,} and outcome {done.outcome:,}.",
        f"It was {done.former_id}, and goes on as {done.ledger_id}.",
        "Before the workers start: `jumun topics anew`, then `jumun rebuild`.",
    ]
    for line in lines:
        show.console.print(line, highlight=False, soft_wrap=True)


def _show(state: "State") -> None:
    ledger, roles = state.ledger_version, state.roles_missing
    rows = [
        ("ledger", f"version {ledger}" if ledger else "no tables", state.ledger),
        (
            "read models",
            "this build's" if state.read_models else "none, or another build's",
            state.read_models,
        ),
        ("roles", f"missing: {', '.join(roles)}" if roles else "all there", not roles),
    ]
    note = "" if state.right else "`jumun db upgrade` puts it right"
    said = [(what, found, "yes" if right else "NO") for what, found, right in rows]
    show.table("Databases", ("of", "finding", "as needed"), said, note=note)


def _told(done: "UpgradeResult") -> list[str]:
    before, now = done.ledger_before, done.ledger_version
    lines = [
        f"ledger: version {now}, "
        + ("as before" if before == now else f"before it was {before or 'missing'}"),
        f"read models: {'made, to be folded from the beginning' if done.read_models_made else 'as before'}",
        f"roles: {', '.join(done.roles_made) + ' made' if done.roles_made else 'none made'}; rights given",
    ]
    if done.owed:
        lines += ["", "This login may not make roles.  An administrator runs, and then this command again:"]
        lines += [f"  {statement}" for statement in done.owed]
    return lines


def _target() -> "Target":
    from infra.event_store.postgres.url import Target  # noqa: PLC0415  loads the driver

    chosen = Settings()
    if chosen.database_url is None:
        show.problem(
            "No database is named.",
            "nothing was changed.",
            "set JUMUN_DATABASE_URL to postgresql://USER:PASSWORD@HOST:PORT/DATABASE; without one Jumun is"
            " embedded, and its files need no upgrade.",
        )
        raise typer.Exit(2)
    read_models = chosen.read_models_at or chosen.database_url
    return Target(
        chosen.database_url.get_secret_value(),
        chosen.ledger_schema,
        read_models.get_secret_value(),
        chosen.read_models_schema,
    )
