"""Builds the services of the HTTP server, on the embedded ledger or on Kafka and PostgreSQL."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial

from infra.access.tokens import Tokens
from infra.clock import SYSTEM, Clock
from infra.event_store.reader import LedgerReader
from infra.event_store.sqlite.read_only import ReadOnlySqliteLedger
from infra.http.intake import Intake
from infra.http.publishing.embedded_intake import EmbeddedIntake
from infra.http.publishing.kafka_intake import KafkaIntake
from infra.http.reads import ReadingLedger, Reads
from infra.http.request_limits import LIMITS, Limits
from infra.http.server import is_loopback
from infra.http.services import Services
from infra.kafka.client import connect
from infra.kafka.ports import Kafka
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings
from infra.wiring.embedded import Faults, no_faults, writing
from infra.wiring.stores import open_ledger, open_read_models


class HalfSet(Exception):
    """Only one of Kafka and PostgreSQL is set: production mode needs both, embedded mode neither."""


def is_production(settings: Settings) -> bool:
    """Whether Kafka and PostgreSQL are set, not the embedded mode.  Raises: HalfSet."""
    kafka, database = bool(settings.kafka), settings.database_url is not None
    if kafka != database:
        raise HalfSet("JUMUN_DATABASE_URL" if kafka else "JUMUN_KAFKA")
    return kafka


@contextmanager
def opened(
    settings: Settings,
    *,
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM,
    kafka: Kafka | None = None,
    faults: Faults = no_faults,
) -> Generator[Services]:
    """Opens the services that the HTTP handlers need.  `kafka`: replaces the configured client.

    Raises: HalfSet; InUse, when another process writes to the embedded ledger; errors of the databases.
    """
    with ExitStack() as resources:
        reads: Reads
        if is_production(settings):
            kafka = kafka or connect(settings, clock)
            intake: Intake = KafkaIntake(kafka, open_ledger(settings), settings, limits, clock)
            resources.callback(intake.close)
            reads = Reads(*_production_reads(settings, resources), settings, limits, clock)
        else:
            writer = partial(writing, settings, faults=faults, clock=clock)
            intake = EmbeddedIntake(writer, settings.batch, clock)  # creates the files if they are missing
            resources.callback(intake.close)
            reads = Reads(*_embedded_reads(settings, resources), None, limits, clock)
        resources.callback(reads.close)
        tokens, open_metrics = Tokens(settings.http_tokens), is_loopback(settings.http_host)
        yield Services(intake, reads, tokens, open_metrics, limits, clock)


def _embedded_reads(settings: Settings, resources: ExitStack) -> tuple[LedgerReader, ReadModels]:
    ledger = ReadOnlySqliteLedger(str(settings.home / LEDGER))
    resources.callback(ledger.close)
    read_models = ReadModels(str(settings.home / READ_MODELS), read_only=True)
    resources.callback(read_models.close)
    return ledger, read_models


def _production_reads(settings: Settings, resources: ExitStack) -> tuple[LedgerReader, ReadModels]:
    assert settings.database_url is not None
    ledger = ReadingLedger(settings.database_url.get_secret_value(), settings.ledger_schema)
    resources.callback(ledger.close)
    read_models = open_read_models(settings)
    resources.callback(read_models.close)
    return ledger, read_models
