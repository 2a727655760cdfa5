"""How kafka-python's clients are set up and opened: encrypted as is set, with a reason where it fails."""

import logging
import ssl
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from kafka.errors import KafkaError, SaslAuthenticationFailedError

from infra.kafka.kafka_python import library
from infra.kafka.ports import Unreachable
from infra.settings import Settings

Configured = dict[str, Any]
Opened = TypeVar("Opened")
REQUEST_MS: Final = 10_000
OPENING_MS: Final = 10_000


class Hidden(str):
    """The library logs its settings, so a secret must not show itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def configured(settings: Settings) -> Configured:
    """What all clients have in common."""
    config: Configured = {
        "bootstrap_servers": settings.kafka.split(","),
        "client_id": "jumun",
        "security_protocol": settings.kafka_security.upper(),
        "request_timeout_ms": REQUEST_MS,
        "bootstrap_timeout_ms": OPENING_MS,
        "reconnect_backoff_max_ms": 1_000,
    }
    if settings.kafka_security != "plaintext":
        config["ssl_context"] = _tls(settings)
    if settings.kafka_security == "sasl_ssl":
        password = settings.kafka_password
        config["sasl_mechanism"] = settings.kafka_mechanism
        config["sasl_plain_username"] = settings.kafka_user
        config["sasl_plain_password"] = Hidden(password.get_secret_value() if password else "")
    return config


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


class _Told(logging.Handler):
    """Why the last connection failed: the error itself says only that time is up.

    Nothing is tried again with a password that is refused: the library would, until the user is locked out.
    """

    def __init__(self, beneath: list[library.Client]) -> None:
        super().__init__(logging.WARNING)
        self._beneath = beneath
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if (message := record.getMessage()).startswith(("Bootstrap connection", "Bootstrap attempt")):
            self.last = message
            if SaslAuthenticationFailedError.__name__ in message:
                for client in self._beneath:
                    library.stop_trying(client)


@contextmanager
def _listening(beneath: list[library.Client]) -> Generator[_Told]:
    logger, told = logging.getLogger("kafka.net.manager"), _Told(beneath)
    logger.addHandler(told)
    try:
        yield told
    finally:
        logger.removeHandler(told)


def opened(open_one: Callable[[Configured], Opened], config: Configured) -> Opened:
    """The client; one that could not be opened leaves nothing behind.

    Raises: Unreachable, with the reason.
    """
    beneath: list[library.Client] = []

    def client(**its: object) -> library.Client:
        beneath.append(library.client(its))
        return beneath[-1]

    with _listening(beneath) as told:
        try:
            return open_one({**config, "kafka_client": client})
        except KafkaError as error:
            for one in beneath:
                one.close()
            reason = f"{error} ({told.last})" if told.last else str(error)
            if "sasl_mechanism" in config and "socket disconnected" in reason:
                reason += "; it seems that authentication failed"  # its answer is often lost as it hangs up
            raise Unreachable(f"Kafka cannot be reached: {reason}") from error


def patiently(ask: Callable[[], Opened]) -> Opened:
    """The answer, once there is one: the library's administrator does not ask again by itself.

    Raises: Unreachable.
    """
    until = time.monotonic() + REQUEST_MS / 1000
    while True:
        with unreachable_otherwise():
            try:
                return ask()
            except KafkaError as error:
                if not error.retriable or time.monotonic() > until:
                    raise
        time.sleep(0.1)


@contextmanager
def unreachable_otherwise() -> Generator[None]:
    """Any error of the library means that the cluster did not do as asked."""
    try:
        yield
    except KafkaError as error:
        raise Unreachable(f"Kafka did not answer: {error}") from error
