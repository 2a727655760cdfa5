"""What HTTP stands on: the embedded ledger, or the servers of production."""

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
    """Production needs Kafka and PostgreSQL, the embedded way neither."""


def is_production(settings: Settings) -> bool:
    """Raises: HalfSet."""
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
    """All that the handlers need.  `kafka`: another client than the settings name.

    Raises: HalfSet; InUse, where another process writes to the embedded ledger; what its databases say.
    """
    with ExitStack() as held:
        reads: Reads
        if is_production(settings):
            kafka = kafka or connect(settings, clock)
            intake: Intake = KafkaIntake(kafka, open_ledger(settings), settings, limits, clock)
            held.callback(intake.close)
            reads = Reads(*_production_reads(settings, held), settings, limits, clock)
        else:
            writer = partial(writing, settings, faults=faults, clock=clock)
            intake = EmbeddedIntake(writer, settings.batch, clock)  # makes the files where there are none
            held.callback(intake.close)
            reads = Reads(*_embedded_reads(settings, held), None, limits, clock)
        held.callback(reads.close)
        tokens, open_metrics = Tokens(settings.http_tokens), is_loopback(settings.http_host)
        yield Services(intake, reads, tokens, open_metrics, limits, clock)


def _embedded_reads(settings: Settings, held: ExitStack) -> tuple[LedgerReader, ReadModels]:
    ledger = ReadOnlySqliteLedger(str(settings.home / LEDGER))
    held.callback(ledger.close)
    read_models = ReadModels(str(settings.home / READ_MODELS), read_only=True)
    held.callback(read_models.close)
    return ledger, read_models


def _production_reads(settings: Settings, held: ExitStack) -> tuple[LedgerReader, ReadModels]:
    assert settings.database_url is not None
    ledger = ReadingLedger(settings.database_url.get_secret_value(), settings.ledger_schema)
    held.callback(ledger.close)
    read_models = open_read_models(settings)
    held.callback(read_models.close)
    return ledger, read_models
