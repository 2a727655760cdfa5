"""`jumun db`: upgrades and checks the databases of production, and registers a restore."""

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
    no_args_is_help=True, help="Upgrade and check the PostgreSQL databases: tables, functions and roles."
)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Upgrade the databases to this build: tables, functions, roles and their rights.

    Run it as the owner of the tables, before the processes of the new build start.  It may be run again.

    Example: jumun db upgrade
    """
    from infra import database_upgrade as databases  # noqa: PLC0415  loads the driver

    with explained():
        done = databases.upgrade(_target())
    if as_json:
        show.in_json([asdict(done)])
        return
    for line in _summary(done):
        show.console.print(escape(line), highlight=False, soft_wrap=True)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Check whether the databases have the schema and roles of this build; exit status 1 if not.

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
    force: Annotated[bool, typer.Option(help="Run although sessions of Jumun are connected.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a ledger that was restored from a backup a new id.

    Run it as the owner of the tables, once after each restore, while no worker runs.

    Example: jumun db restored
    """
    from infra.event_store.postgres import restored as restores  # noqa: PLC0415  loads the driver

    with explained():
        try:
            done = restores.restored(_target(), force=force)
        except restores.NoLedger as error:
            stop(f"{error}.", "nothing was changed.", "run `jumun db upgrade`, then this command again.", 2)
        except restores.StillUsed as error:
            stop(f"{error}.", "nothing was changed.", "stop them; use --force if they are not workers.", 3)
    if as_json:
        show.in_json([asdict(done)])
        return
    lines = [
        f"The ledger ends at event {done.position:,} and outcome {done.outcome:,}.",
        f"Its id was {done.former_id}; its new id is {done.ledger_id}.",
        "Before you start the workers, run `jumun topics recreate`, then `jumun rebuild`.",
    ]
    for line in lines:
        show.console.print(line, highlight=False, soft_wrap=True)


def _show(state: "State") -> None:
    ledger, roles = state.ledger_version, state.roles_missing
    rows = [
        ("ledger", f"schema version {ledger}" if ledger else "no tables", state.ledger),
        (
            "read models",
            "schema of this build" if state.read_models else "no tables, or the schema of another build",
            state.read_models,
        ),
        ("roles", f"missing: {', '.join(roles)}" if roles else "complete", not roles),
    ]
    note = "" if state.right else "run `jumun db upgrade`"
    texts = [(what, how, "yes" if right else "NO") for what, how, right in rows]
    show.table("Databases", ("what", "finding", "ok"), texts, note=note)


def _summary(done: "UpgradeResult") -> list[str]:
    before, now = done.ledger_before, done.ledger_version
    lines = [
        f"ledger: schema version {now}, "
        + ("unchanged" if before == now else f"before it was {before or 'missing'}"),
        f"read models: {'created; the projector fills them' if done.read_models_made else 'unchanged'}",
        f"roles: {', '.join(done.roles_made) + ' created' if done.roles_made else 'unchanged'}; rights set",
    ]
    if done.owed:
        lines += [
            "",
            "This user may not create roles.  An administrator must run these, then run this again:",
        ]
        lines += [f"  {statement}" for statement in done.owed]
    return lines


def _target() -> "Target":
    from infra.event_store.postgres.url import Target  # noqa: PLC0415  loads the driver

    chosen = Settings()
    if chosen.database_url is None:
        show.problem(
            "No database is set.",
            "nothing was changed.",
            "set JUMUN_DATABASE_URL to postgresql://USER:PASSWORD@HOST:PORT/DATABASE; without it Jumun runs"
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
