"""The options that commands share, and how they become filters."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.database_errors import explained
from infra.cli.show import problem
from infra.embedded.projector import catch_up, folding
from infra.embedded.writer import exists
from infra.event_store.sql_ledger import SqlLedger
from infra.event_store.sqlite.ledger import SqliteLedger
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings
from projections.questions.rows import RowReader
from projections.sellers import SELLERS

Seller = Annotated[str | None, typer.Option("--seller", "-s", help="Only this seller.")]
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


@contextmanager
def ledger_of(home: Path | None) -> Generator[SqlLedger]:
    """The ledger, to be read."""
    chosen = settings(home)
    if chosen.database_url is not None:
        from infra.workers.roles import open_ledger  # noqa: PLC0415  loads the driver

        with explained(), closing(open_ledger(chosen)) as ledger:
            yield ledger
        return
    must_exist(chosen)
    with closing(SqliteLedger(str(chosen.home / LEDGER))) as embedded:
        yield embedded


@contextmanager
def read_models_of(home: Path | None) -> Generator[ReadModels]:
    """The read models, to be read."""
    chosen = settings(home)
    if chosen.database_url is not None:
        from infra.workers.roles import open_read_models  # noqa: PLC0415  loads the driver

        with explained(), closing(open_read_models(chosen)) as models:
            yield models
        return
    must_exist(chosen)
    with closing(ReadModels(str(chosen.home / READ_MODELS))) as models:
        if models.place() == 0:  # never folded, or by an older version into other tables
            with folding(chosen.home), closing(SqliteLedger(str(chosen.home / LEDGER))) as ledger:
                catch_up(ledger, models)
        yield models


@contextmanager
def asking(home: Path | None) -> Generator[RowReader]:
    """The rows of the read models, for questions."""
    with read_models_of(home) as models, models.snapshot() as rows:
        yield rows


def sellers(rows: RowReader, wanted: str | None) -> list[str]:
    """The seller asked for, or all that are known, sorted."""
    known = [row.seller_id for row in rows.select(SELLERS)]
    if wanted is None:
        return known
    if wanted not in known:
        some = ", ".join(known[:5]) + (" …" if len(known) > 5 else "")  # noqa: PLR2004
        problem(f"No seller is called {wanted}.", "nothing was changed.", f"known are: {some or 'none yet'}")
        raise typer.Exit(2)
    return [wanted]
