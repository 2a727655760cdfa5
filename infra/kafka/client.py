"""Chooses the Kafka client library, and refuses unencrypted connections to other machines."""

from ipaddress import ip_address

from infra.clock import SYSTEM, Clock
from infra.kafka.kafka_python import KafkaPython
from infra.kafka.ports import Kafka
from infra.settings import Settings


class Misconfigured(Exception):
    """The Kafka settings are missing or contradictory; the text says what to set."""


def connect(settings: Settings, clock: Clock = SYSTEM) -> Kafka:
    """An adapter for the cluster and the client library in the settings.  Does not connect yet.

    Raises: Misconfigured; Unreachable, where the certificates cannot be read.
    """
    _check(settings)
    if settings.kafka_client == "kafka-python":
        return KafkaPython(settings, clock)
    try:
        from infra.kafka.confluent import Confluent  # noqa: PLC0415  # an optional dependency
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "confluent-kafka is not installed: pip install 'jumun[confluent]', "
            "or set JUMUN_KAFKA_CLIENT=kafka-python"
        ) from error
    return Confluent(settings, clock)


def _check(settings: Settings) -> None:
    if not settings.kafka:
        raise Misconfigured("no Kafka cluster is set: set JUMUN_KAFKA=host:port,host:port")
    remote = [server for server in settings.kafka.split(",") if not _loopback(server)]
    if remote and settings.kafka_security == "plaintext" and not settings.kafka_plaintext_anywhere:
        raise Misconfigured(
            f"{remote[0]} is another machine, and the connection is not encrypted: "
            "set JUMUN_KAFKA_SECURITY=ssl or sasl_ssl "
            "(or JUMUN_KAFKA_PLAINTEXT_ANYWHERE=true if the network is safe)"
        )
    if settings.kafka_security == "sasl_ssl" and not (settings.kafka_user and settings.kafka_password):
        raise Misconfigured("sasl_ssl needs a user: set JUMUN_KAFKA_USER and JUMUN_KAFKA_PASSWORD")
    if (settings.kafka_certificate is None) != (settings.kafka_key is None):
        raise Misconfigured("a certificate needs its key: set JUMUN_KAFKA_CERTIFICATE and JUMUN_KAFKA_KEY")


def _loopback(server: str) -> bool:
    host = server.strip().rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
