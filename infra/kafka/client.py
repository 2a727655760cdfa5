"""Which client library speaks to Kafka, and whether it may do so unencrypted."""

from ipaddress import ip_address

from infra.clock import SYSTEM, Clock
from infra.kafka.kafka_python import KafkaPython
from infra.kafka.ports import Kafka
from infra.settings import Settings


class Misconfigured(Exception):
    """The settings of Kafka do not go together; says what to set."""


def connect(settings: Settings, clock: Clock = SYSTEM) -> Kafka:
    """The cluster of the settings, by the library of the settings.  Nothing is sent yet.

    Raises: Misconfigured; Unreachable, where the certificates cannot be read.
    """
    _see_to(settings)
    if settings.kafka_client == "kafka-python":
        return KafkaPython(settings, clock)
    try:
        from infra.kafka.confluent import Confluent  # noqa: PLC0415  # it is an extra
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "confluent-kafka is not installed: pip install 'jumun[confluent]', "
            "or set JUMUN_KAFKA_CLIENT=kafka-python"
        ) from error
    return Confluent(settings, clock)


def _see_to(settings: Settings) -> None:
    if not settings.kafka:
        raise Misconfigured("no Kafka is named: set JUMUN_KAFKA=host:port,host:port")
    abroad = [server for server in settings.kafka.split(",") if not _loopback(server)]
    if abroad and settings.kafka_security == "plaintext" and not settings.kafka_plaintext_anywhere:
        raise Misconfigured(
            f"{abroad[0]} is another machine, and nothing is encrypted: "
            "set JUMUN_KAFKA_SECURITY=ssl or sasl_ssl "
            "(or JUMUN_KAFKA_PLAINTEXT_ANYWHERE=true where the network itself is safe)"
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
