"""The server: what it stands on, embedded or in production, and where it listens."""

import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from typing import Final

import uvicorn

from infra.access.tokens import Tokens
from infra.event_store.sqlite.read_only import ReadOnlySqliteLedger
from infra.http.app import application
from infra.http.intake import Intake
from infra.http.publishing.embedded_intake import Direct
from infra.http.publishing.kafka_intake import ThroughKafka
from infra.http.reads import ReadingLedger, Reads
from infra.http.services import Services
from infra.kafka.client import connect
from infra.read_models.store import ReadModels
from infra.settings import LEDGER, READ_MODELS, Settings
from infra.workers.roles import open_ledger, open_read_models

CONNECTIONS: Final = 500
IDLE_S: Final = 5
STOPPING_S: Final = 35
HEAD_BYTES: Final = 32 * 1024


class HalfSet(Exception):
    """Production needs Kafka and PostgreSQL, the embedded way neither."""


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_production(settings: Settings) -> bool:
    """Raises: HalfSet."""
    kafka, database = bool(settings.kafka), settings.database_url is not None
    if kafka != database:
        raise HalfSet("JUMUN_DATABASE_URL" if kafka else "JUMUN_KAFKA")
    return kafka


@contextmanager
def opened(settings: Settings) -> Generator[Services]:
    """All that the handlers need.

    Raises: HalfSet; InUse, where another process writes to the embedded ledger; what its databases say.
    """
    with ExitStack() as held:
        intake: Intake
        if is_production(settings):
            intake = ThroughKafka(connect(settings), open_ledger(settings), settings)
            held.callback(intake.close)
            reads = _production_reads(settings, held)
        else:
            intake = Direct(settings)  # makes the files where there are none
            held.callback(intake.close)
            reads = _embedded_reads(settings, held)
        yield Services(intake, reads, Tokens(settings.http_tokens), is_loopback(settings.http_host))


def _embedded_reads(settings: Settings, held: ExitStack) -> Reads:
    ledger = ReadOnlySqliteLedger(str(settings.home / LEDGER))
    held.callback(ledger.close)
    read_models = ReadModels(str(settings.home / READ_MODELS))
    held.callback(read_models.close)
    reads = Reads(ledger, read_models, None)
    held.callback(reads.close)
    return reads


def _production_reads(settings: Settings, held: ExitStack) -> Reads:
    assert settings.database_url is not None
    ledger = ReadingLedger(settings.database_url.get_secret_value(), settings.ledger_schema)
    held.callback(ledger.close)
    read_models = open_read_models(settings)
    held.callback(read_models.close)
    reads = Reads(ledger, read_models, settings)
    held.callback(reads.close)
    return reads


def server(services: Services) -> uvicorn.Server:
    """Serves until it is told to stop; what was begun is then finished."""
    return uvicorn.Server(
        uvicorn.Config(
            application(services),
            lifespan="off",
            ws="none",
            http="h11",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=STOPPING_S,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
    )


def listening(settings: Settings) -> socket.socket:
    """A socket bound to the host and port of the settings.  Raises: OSError."""
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    # Named as TCP, so that the event loop sends small answers at once.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((settings.http_host, settings.http_port))
    return bound
