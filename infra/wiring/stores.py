"""Opens the ledgers and read models that the settings name."""

import os
import socket
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infra.build import build
from infra.embedded.projector import catch_up, projector_lock
from infra.event_store.reader import OpenLedger
from infra.event_store.rows import Origin
from infra.event_store.sqlite.read_only import ReadOnlySqliteLedger
from infra.read_models.schema_setup import SchemaMissing
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings

if TYPE_CHECKING:
    from infra.event_store.postgres.ledger import PostgresLedger


class NotSet(Exception):
    """A setting that production mode needs is missing."""


def open_ledger(settings: Settings) -> "PostgresLedger":
    """Opens the ledger on PostgreSQL.  Raises: NotSet."""
    if settings.database_url is None:
        raise NotSet("database_url")
    from infra.event_store.postgres.ledger import PostgresLedger  # noqa: PLC0415  loads the driver

    origin = Origin(worker=f"{socket.gethostname()}-{os.getpid()}", build=build())
    return PostgresLedger(settings.database_url.get_secret_value(), origin, schema=settings.ledger_schema)


def open_read_models(settings: Settings) -> ReadModels:
    """Opens the read models on PostgreSQL.  Raises: NotSet."""
    if settings.read_models_at is None:
        raise NotSet("read_models_url")
    return ReadModels(settings.read_models_at.get_secret_value(), schema=settings.read_models_schema)


@contextmanager
def ledger_to_read(settings: Settings) -> Generator[OpenLedger]:
    """Opens the ledger for reading.  An embedded ledger must already exist."""
    if settings.database_url is not None:
        with closing(open_ledger(settings)) as ledger:
            yield ledger
        return
    with closing(ReadOnlySqliteLedger(str(settings.home / LEDGER))) as embedded:
        yield embedded


@contextmanager
def read_models_to_read(settings: Settings) -> Generator[ReadModels]:
    """Opens the read models for reading.  An embedded ledger must already exist."""
    if settings.database_url is not None:
        with closing(open_read_models(settings)) as models:
            yield models
        return
    with closing(_embedded_read_models(settings.home)) as models:
        yield models


def _embedded_read_models(home: Path) -> ReadModels:
    """Opens the embedded read models read-only, after folding them if they were never folded."""
    path = str(home / READ_MODELS)
    if (home / READ_MODELS).exists():
        with suppress(SchemaMissing):
            folded = ReadModels(path, read_only=True)
            if folded.position():
                return folded
            folded.close()
    models = ReadModels(path)  # not folded yet, or folded into the tables of an older build
    with projector_lock(home), closing(ReadOnlySqliteLedger(str(home / LEDGER))) as ledger:
        catch_up(ledger, models)
    return models
