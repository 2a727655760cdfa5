"""Turns errors of PostgreSQL into texts that say what to do."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from infra.cli import show


@contextmanager
def explained() -> Generator[None]:
    """Prints an error of the database with advice, and ends the command."""
    import psycopg  # noqa: PLC0415

    from infra.database_upgrade import NewerLedger  # noqa: PLC0415
    from infra.event_store.postgres.url import NoUrl  # noqa: PLC0415
    from infra.read_models.schema_setup import SchemaMissing  # noqa: PLC0415

    done_so_far = "what was done before the error; the command may be run again."
    try:
        yield
    except NoUrl as error:
        stop(str(error), "nothing was changed.", "correct JUMUN_DATABASE_URL or JUMUN_READ_MODELS_URL.", 2)
    except NewerLedger as error:
        stop(f"{error}.", "nothing was changed.", "use the newer build; a downgrade is not possible.", 2)
    except (SchemaMissing, psycopg.errors.InsufficientPrivilege) as error:
        stop(f"{error}.", done_so_far, "run the command as the owner of the tables.", 2)
    except (psycopg.Error, DBAPIError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        stop(
            f"Database error: {reason}.",
            done_so_far,
            "check that the database is reachable, then try again.",
            4,
        )


def stop(what: str, kept: str, next_step: str, status: int) -> NoReturn:
    """Prints the problem and ends the command with this exit status."""
    show.problem(escape(what), kept, next_step)
    raise typer.Exit(status) from None
