"""Configures and opens the clients of kafka-python, with TLS and SASL as set; says why opening failed."""

import logging
import ssl
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random  # noqa: TID251  seeded with an id from the clock
from typing import Any, Final, TypeVar

from kafka.errors import KafkaError, KafkaTimeoutError, SaslAuthenticationFailedError

from infra.clock import Clock
from infra.kafka.kafka_python import library
from infra.kafka.ports import Unreachable
from infra.settings import Settings

Config = dict[str, Any]
Opened = TypeVar("Opened")
REQUEST_MS: Final = 10_000
CONNECTING_MS: Final = 3_000
"""The timeout for setting up a connection; the library doubles it after each failure."""
OPENING_S: Final = 10.0


class BootstrapServers:
    """The bootstrap servers in the order in which clients try them; one that did not answer moves to the end.

    The library picks one at random and spends its whole timeout on it.  If one of three brokers is frozen (it
    accepts connections but does not answer), a worker that opens many clients would never start.
    """

    def __init__(self, addresses: Sequence[str], clock: Clock) -> None:
        self.order = tuple(Random(clock.new_id().int).sample(addresses, len(addresses)))

    def put_last(self, silent: str) -> None:
        self.order = (*(one for one in self.order if one != silent), silent)


class Secret(str):
    """A secret text.  The library logs its settings, so the `repr` hides the value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True)
class Connection:
    """The configuration that all clients of a cluster share, the bootstrap servers, and the clock."""

    config: Config
    servers: BootstrapServers
    clock: Clock

    def open(self, client: Callable[[Config], Opened], more: Mapping[str, Any] | None = None) -> Opened:
        """Opens a client.  Each server gets an equal share of the time; a failed attempt leaves nothing open.

        Raises: Unreachable, with the reason.
        """
        return _open_client(client, {**self.config, **(more or {})}, self.servers, self.clock)


def connection(settings: Settings, clock: Clock) -> Connection:
    config: Config = {
        "client_id": "jumun",
        "security_protocol": settings.kafka_security.upper(),
        "request_timeout_ms": REQUEST_MS,
        "reconnect_backoff_max_ms": 1_000,
    }
    if settings.kafka_security != "plaintext":
        config["ssl_context"] = _tls(settings)
    if settings.kafka_security == "sasl_ssl":
        password = settings.kafka_password
        config["sasl_mechanism"] = settings.kafka_mechanism
        config["sasl_plain_username"] = settings.kafka_user
        config["sasl_plain_password"] = Secret(password.get_secret_value() if password else "")
    return Connection(config, BootstrapServers(settings.kafka.split(","), clock), clock)


def _tls(settings: Settings) -> ssl.SSLContext:
    """A TLS context that verifies the brokers' certificates and host names."""
    password = settings.kafka_key_password
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.kafka_certificate is not None:
            secret = password.get_secret_value() if password else ""
            context.load_cert_chain(settings.kafka_certificate, settings.kafka_key, lambda: secret)
    except (OSError, ValueError) as error:
        raise Unreachable(f"the certificates or the key for Kafka cannot be read: {error}") from error
    return context


class _ErrorCapture(logging.Handler):
    """Captures from the log why the last connection failed; the exception says only that there was a timeout.

    When the broker refuses the password, it also stops all reconnects: the library would retry until the user
    is locked out.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.clients: list[library.Client] = []
        self.last = ""
        self.disconnected = False
        self.refused = False

    def emit(self, record: logging.LogRecord) -> None:
        if (message := record.getMessage()).startswith(("Bootstrap connection", "Bootstrap attempt")):
            self.last = message
            self.disconnected = self.disconnected or "socket disconnected" in message
            if SaslAuthenticationFailedError.__name__ in message:
                self.refused = True
                for client in self.clients:
                    library.stop_trying(client)


@contextmanager
def _captured_errors() -> Generator[_ErrorCapture]:
    logger, capture = logging.getLogger("kafka.net.manager"), _ErrorCapture()
    logger.addHandler(capture)
    try:
        yield capture
    finally:
        logger.removeHandler(capture)


def _open_client(
    open_one: Callable[[Config], Opened], config: Config, servers: BootstrapServers, clock: Clock
) -> Opened:
    until = clock.monotonic() + OPENING_S
    tried = servers.order
    last_error: KafkaError | None = None
    with _captured_errors() as capture:
        for left, server in zip(range(len(tried), 0, -1), tried, strict=True):
            share_ms = max(0.0, until - clock.monotonic()) / left * 1000
            bootstrap = {"bootstrap_servers": [server], "bootstrap_timeout_ms": share_ms}
            try:
                return _open_at({**config, **bootstrap}, open_one, capture)
            except KafkaError as error:
                last_error = error
                servers.put_last(server)
                if capture.refused or not isinstance(error, KafkaTimeoutError):
                    break
    reason = capture.last or str(last_error)
    # The broker often closes before its answer arrives; the last attempt of several may just run out of time.
    if "sasl_mechanism" in config and capture.disconnected:
        reason += "; it seems that authentication failed"
    raise Unreachable(f"Kafka cannot be reached at {', '.join(tried)}: {reason}") from last_error


def _open_at(config: Config, open_one: Callable[[Config], Opened], capture: _ErrorCapture) -> Opened:
    def client(**its: object) -> library.Client:
        # Consumers, producers and admin clients reject this setting as unknown.
        capture.clients.append(library.client({**its, "socket_connection_setup_timeout_ms": CONNECTING_MS}))
        return capture.clients[-1]

    try:
        return open_one({**config, "kafka_client": client})
    except KafkaError:
        while capture.clients:
            capture.clients.pop().close()
        raise


def with_retries(ask: Callable[[], Opened], clock: Clock) -> Opened:
    """Retries the request until it succeeds or times out; the library's admin client does not retry.

    Raises: Unreachable.
    """
    until = clock.monotonic() + REQUEST_MS / 1000
    while True:
        with errors_as_unreachable():
            try:
                return ask()
            except KafkaError as error:
                if not error.retriable or clock.monotonic() > until:
                    raise
        clock.sleep(0.1)


@contextmanager
def errors_as_unreachable() -> Generator[None]:
    """Raises Unreachable for any error of the library."""
    try:
        yield
    except KafkaError as error:
        raise Unreachable(f"Kafka did not answer: {error}") from error
