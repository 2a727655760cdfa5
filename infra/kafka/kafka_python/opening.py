"""How kafka-python's clients are set up and opened: encrypted as is set, with a reason where it fails."""

import logging
import ssl
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random  # noqa: TID251  seeded by the clock's identities
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
"""For a connection's first words; doubled after each failure."""
OPENING_S: Final = 10.0


class Servers:
    """The brokers that a client may begin at; one that did not answer comes last from then on.

    The library chooses one at random and stakes all its time on it.  One of three that is frozen, which takes
    connections and says nothing, would thus keep a worker that opens many clients from ever starting.
    """

    def __init__(self, named: Sequence[str], clock: Clock) -> None:
        self.order = tuple(Random(clock.new_id().int).sample(named, len(named)))

    def put_last(self, silent: str) -> None:
        self.order = (*(one for one in self.order if one != silent), silent)


class Hidden(str):
    """The library logs its settings, so a secret must not show itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True)
class Connection:
    """The settings that all clients of a cluster have in common, and the clock."""

    config: Config
    servers: Servers
    clock: Clock

    def open(self, client: Callable[[Config], Opened], more: Mapping[str, Any] | None = None) -> Opened:
        """The client; one that could not be opened leaves nothing behind.  Each server has its share of time.

        Raises: Unreachable, with the reason.
        """
        return _answering(client, {**self.config, **(more or {})}, self.servers, self.clock)


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
        config["sasl_plain_password"] = Hidden(password.get_secret_value() if password else "")
    return Connection(config, Servers(settings.kafka.split(","), clock), clock)


def _tls(settings: Settings) -> ssl.SSLContext:
    """Verifies the brokers' certificates and names."""
    password = settings.kafka_key_password
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.kafka_certificate is not None:
            secret = password.get_secret_value() if password else ""
            context.load_cert_chain(settings.kafka_certificate, settings.kafka_key, lambda: secret)
    except (OSError, ValueError) as error:
        raise Unreachable(f"the certificates or the key of Kafka cannot be read: {error}") from error
    return context


class _ErrorCapture(logging.Handler):
    """Why the last connection failed: the error itself says only that time is up.

    Nothing is tried again with a password that is refused: the library would, until the user is locked out.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.beneath: list[library.Client] = []
        self.last = ""
        self.refused = False

    def emit(self, record: logging.LogRecord) -> None:
        if (message := record.getMessage()).startswith(("Bootstrap connection", "Bootstrap attempt")):
            self.last = message
            if SaslAuthenticationFailedError.__name__ in message:
                self.refused = True
                for client in self.beneath:
                    library.stop_trying(client)


@contextmanager
def _listening() -> Generator[_ErrorCapture]:
    logger, told = logging.getLogger("kafka.net.manager"), _ErrorCapture()
    logger.addHandler(told)
    try:
        yield told
    finally:
        logger.removeHandler(told)


def _answering(
    open_one: Callable[[Config], Opened], config: Config, servers: Servers, clock: Clock
) -> Opened:
    until = clock.monotonic() + OPENING_S
    tried = servers.order
    failed: KafkaError | None = None
    with _listening() as told:
        for left, server in zip(range(len(tried), 0, -1), tried, strict=True):
            share_ms = max(0.0, until - clock.monotonic()) / left * 1000
            bootstrap = {"bootstrap_servers": [server], "bootstrap_timeout_ms": share_ms}
            try:
                return _opened_at({**config, **bootstrap}, open_one, told)
            except KafkaError as error:
                failed = error
                servers.put_last(server)
                if told.refused or not isinstance(error, KafkaTimeoutError):
                    break
    reason = told.last or str(failed)
    if "sasl_mechanism" in config and "socket disconnected" in reason:
        reason += "; it seems that authentication failed"  # its answer is often lost as it hangs up
    raise Unreachable(f"Kafka cannot be reached at {', '.join(tried)}: {reason}") from failed


def _opened_at(config: Config, open_one: Callable[[Config], Opened], told: _ErrorCapture) -> Opened:
    def client(**its: object) -> library.Client:
        # The consumer and the others above refuse this setting as unknown.
        told.beneath.append(library.client({**its, "socket_connection_setup_timeout_ms": CONNECTING_MS}))
        return told.beneath[-1]

    try:
        return open_one({**config, "kafka_client": client})
    except KafkaError:
        while told.beneath:
            told.beneath.pop().close()
        raise


def patiently(ask: Callable[[], Opened], clock: Clock) -> Opened:
    """The answer, once there is one: the library's administrator does not ask again by itself.

    Raises: Unreachable.
    """
    until = clock.monotonic() + REQUEST_MS / 1000
    while True:
        with unreachable_otherwise():
            try:
                return ask()
            except KafkaError as error:
                if not error.retriable or clock.monotonic() > until:
                    raise
        clock.sleep(0.1)


@contextmanager
def unreachable_otherwise() -> Generator[None]:
    """Any error of the library means that the cluster did not do as asked."""
    try:
        yield
    except KafkaError as error:
        raise Unreachable(f"Kafka did not answer: {error}") from error
