"""The options that commands share, and the stores that they open."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.database_errors import explained
from infra.cli.show import problem
from infra.embedded.writer import exists
from infra.event_store.reader import OpenLedger
from infra.read_models.store import ReadModels
from infra.settings import Settings
from infra.wiring.stores import ledger_to_read, read_models_to_read
from projections.questions.rows import RowReader
from projections.sellers import SELLERS

Seller = Annotated[str | None, typer.Option("--seller", "-s", help="Only this seller.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of an embedded ledger; default: the setting JUMUN_HOME."),
]


def settings(home: Path | None) -> Settings:
    """The settings.  If `home` is given, it wins over any database in the settings."""
    return Settings() if home is None else Settings(home=home, database_url=None)


def day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def instant_or_day(moment: datetime | None) -> datetime | date | None:
    """The instant; without an offset a day was given."""
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.date()


def must_exist(chosen: Settings) -> None:
    """Ends the command if there is no embedded ledger."""
    if not exists(chosen.home):
        problem(
            f"There is no ledger in {chosen.home}.",
            "nothing was created or changed.",
            "create an example with `jumun demo` or your own with `jumun ingest FILE`, or pass --home.",
        )
        raise typer.Exit(2)


def _explained(chosen: Settings) -> AbstractContextManager[None]:
    if chosen.database_url is not None:
        return explained()
    must_exist(chosen)
    return nullcontext()


@contextmanager
def ledger_of(home: Path | None) -> Generator[OpenLedger]:
    """Opens the ledger for reading."""
    chosen = settings(home)
    with _explained(chosen), ledger_to_read(chosen) as ledger:
        yield ledger


@contextmanager
def read_models_of(home: Path | None) -> Generator[ReadModels]:
    """Opens the read models for reading."""
    chosen = settings(home)
    with _explained(chosen), read_models_to_read(chosen) as models:
        yield models


@contextmanager
def reading_rows(home: Path | None) -> Generator[RowReader]:
    """Opens a snapshot of the read models' rows, for questions."""
    with read_models_of(home) as models, models.snapshot() as rows:
        yield rows


def sellers(rows: RowReader, seller: str | None) -> list[str]:
    """The seller of the option, or all sellers, sorted.  Ends the command if there is no such seller."""
    names = [row.seller_id for row in rows.select(SELLERS)]
    if seller is None:
        return names
    if seller not in names:
        some = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")  # noqa: PLR2004
        problem(f"There is no seller {seller}.", "nothing was changed.", f"sellers are: {some or 'none yet'}")
        raise typer.Exit(2)
    return [seller]
