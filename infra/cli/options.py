"""The options that commands share, and how they become filters."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from infra.cli.explained import explained
from infra.cli.show import problem
from infra.embedded.writer import exists
from infra.event_store.reader import OpenLedger
from infra.read_models.store import ReadModels
from infra.settings import Settings
from infra.wiring.stores import ledger_to_read, read_models_to_read

Seller = Annotated[str | None, typer.Option("--seller", "-s", help="Only this seller.")]
Channel = Annotated[str | None, typer.Option("--channel", "-c", help="Only this channel.")]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on (the seller's).")
]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Up to, not including, this day.")]
AsOfOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"],
        help="The instant to judge by; a day means its end in UTC. Default: the end of the last day known.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of an embedded ledger; default: what the settings name."),
]


def settings(home: Path | None) -> Settings:
    """A folder that is named is meant, whatever database is set."""
    return Settings() if home is None else Settings(home=home, database_url=None)


def day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def instant(moment: datetime | None) -> datetime | None:
    """A day without an offset is taken in UTC."""
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def must_exist(chosen: Settings) -> None:
    if not exists(chosen.home):
        problem(
            f"There is no ledger in {chosen.home}.",
            "nothing was made or changed.",
            "`jumun demo` makes one to try, `jumun ingest FILE` one of your own; or name one with --home.",
        )
        raise typer.Exit(2)


def _explained(chosen: Settings) -> AbstractContextManager[None]:
    if chosen.database_url is not None:
        return explained()
    must_exist(chosen)
    return nullcontext()


@contextmanager
def ledger_of(home: Path | None) -> Generator[OpenLedger]:
    """The ledger, to be read."""
    chosen = settings(home)
    with _explained(chosen), ledger_to_read(chosen) as ledger:
        yield ledger


@contextmanager
def read_models_of(home: Path | None) -> Generator[ReadModels]:
    """The read models, to be read."""
    chosen = settings(home)
    with _explained(chosen), read_models_to_read(chosen) as models:
        yield models


@contextmanager
def asking(home: Path | None) -> Generator[sa.Connection]:
    """A connection to the read models, for questions only."""
    with read_models_of(home) as models, models.reading() as connection:
        yield connection


def known_kpis(connection: sa.Connection) -> list[str]:
    """The KPIs that have any cell, sorted."""
    return [
        row[0] for row in connection.execute(sa.text("SELECT DISTINCT kpi FROM fulfilment_kpis ORDER BY 1"))
    ]


def sellers(connection: sa.Connection, wanted: str | None) -> list[str]:
    """The seller asked for, or all that are known, sorted."""
    known = [row[0] for row in connection.execute(sa.text("SELECT seller_id FROM sellers ORDER BY 1"))]
    if wanted is None:
        return known
    if wanted not in known:
        some = ", ".join(known[:5]) + (" …" if len(known) > 5 else "")  # noqa: PLR2004
        problem(f"No seller is called {wanted}.", "nothing was changed.", f"known are: {some or 'none yet'}")
        raise typer.Exit(2)
    return [wanted]
