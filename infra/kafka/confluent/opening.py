"""Configures and opens the clients of librdkafka, with TLS and SASL as set; says why opening failed."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from confluent_kafka import KafkaError, KafkaException

from infra.clock import Clock
from infra.kafka.ports import Unreachable
from infra.settings import Settings

Config = dict[str, Any]
OPENING_S: Final = 10.0
ANSWER_S: Final = 10.0
CLOSING_S: Final = 3.0
_LOG: Final = logging.getLogger("librdkafka")


class Client(Protocol):
    """The methods that consumers, producers and admin clients have in common."""

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any: ...
    def poll(self, timeout: float = -1) -> Any: ...


Opened = TypeVar("Opened", bound=Client)


@dataclass(frozen=True, slots=True)
class Connection:
    """The configuration that all clients of a cluster share, and the clock."""

    config: Config
    clock: Clock

    def open(self, client: Callable[[Config], Opened], more: Mapping[str, Any] | None = None) -> Opened:
        """Opens a client and waits until the cluster answers.  The library itself would retry for ever.

        Raises: Unreachable, with the reason.
        """
        return _open_client(client, {**self.config, **(more or {})}, self.clock)


def connection(settings: Settings, clock: Clock) -> Connection:
    config: Config = {
        "bootstrap.servers": settings.kafka,
        "client.id": "jumun",
        "security.protocol": settings.kafka_security,
        "socket.timeout.ms": int(ANSWER_S * 1000),
        "reconnect.backoff.max.ms": 1_000,
        "allow.auto.create.topics": False,
        "logger": _LOG,
    }
    if settings.kafka_security != "plaintext":
        config |= _tls(settings)
    if settings.kafka_security == "sasl_ssl":
        password = settings.kafka_password
        config["sasl.mechanism"] = settings.kafka_mechanism
        config["sasl.username"] = settings.kafka_user
        config["sasl.password"] = password.get_secret_value() if password else ""
    return Connection(config, clock)


def _tls(settings: Settings) -> Config:
    """The TLS configuration.  By default the library verifies the brokers' certificates and host names."""
    config: Config = {"ssl.ca.location": str(settings.kafka_ca) if settings.kafka_ca else "probe"}
    if settings.kafka_certificate is not None:
        config["ssl.certificate.location"] = str(settings.kafka_certificate)
        config["ssl.key.location"] = str(settings.kafka_key)
    if settings.kafka_key_password is not None:
        config["ssl.key.password"] = settings.kafka_key_password.get_secret_value()
    return config


def _open_client(open_one: Callable[[Config], Opened], config: Config, clock: Clock) -> Opened:
    errors: deque[KafkaError] = deque(maxlen=5)
    permanent = {KafkaError._AUTHENTICATION}  # public, despite its name
    until = clock.monotonic() + OPENING_S
    try:
        client = open_one({**config, "error_cb": errors.append})
    except (KafkaException, ValueError) as error:
        raise Unreachable(f"the settings, certificates or key for Kafka are invalid: {error}") from error
    while True:
        try:
            client.list_topics(timeout=1.0)
        except KafkaException as error:
            client.poll(0)  # calls error_cb with the reasons
            if clock.monotonic() > until or any(one.code() in permanent for one in errors):
                reason = "; ".join(dict.fromkeys(one.str() for one in errors))
                raise Unreachable(f"Kafka cannot be reached: {reason or error}") from error
        else:
            return client


@contextmanager
def errors_as_unreachable() -> Generator[None]:
    """Raises Unreachable for any error of the library."""
    try:
        yield
    except (KafkaException, TimeoutError) as error:
        raise Unreachable(f"Kafka did not answer: {error}") from error


def call_with_timeout(seconds: float, ask: Callable[[], object]) -> None:
    """Calls `ask` on a thread and waits for it, `seconds` at most.

    The library has a timeout of its own, but ignores it when the group coordinator has moved.

    Raises: TimeoutError, or the error of `ask`.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            ask()
        except BaseException as error:  # raised again in the waiting thread
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="kafka-asking", daemon=True).start()
    done.result(seconds)


def close_with_timeout(seconds: float, close: Callable[[], object]) -> None:
    """Calls `close` on a thread and waits `seconds` at most; if the cluster hangs, the thread ends later."""
    closing = threading.Thread(target=close, name="kafka-closing", daemon=True)
    closing.start()
    closing.join(seconds)
