"""What PostgreSQL refuses, as a sentence that says what to do."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from infra.cli import show


@contextmanager
def explained() -> Generator[None]:
    """What went wrong, as a sentence that says what to do."""
    import psycopg  # noqa: PLC0415

    from infra.database_upgrade import NewerLedger  # noqa: PLC0415
    from infra.event_store.postgres.url import NoUrl  # noqa: PLC0415
    from infra.read_models.schema_setup import SchemaMissing  # noqa: PLC0415

    done_so_far = "whatever had been done; it may be run again."
    try:
        yield
    except NoUrl as error:
        stop(str(error), "nothing was changed.", "put JUMUN_DATABASE_URL or JUMUN_READ_MODELS_URL right.", 2)
    except NewerLedger as error:
        stop(f"{error}.", "nothing was changed.", "run the newer build; there is no way back to this one.", 2)
    except (SchemaMissing, psycopg.errors.InsufficientPrivilege) as error:
        stop(f"{error}.", done_so_far, "run it as the owner of the tables.", 2)
    except (psycopg.Error, DBAPIError) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        stop(
            f"The database said: {said}.", done_so_far, "see that it runs and can be reached, then again.", 4
        )


def stop(what: str, kept: str, next_step: str, status: int) -> NoReturn:
    show.problem(escape(what), kept, next_step)
    raise typer.Exit(status) from None
