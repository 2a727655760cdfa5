"""What goes to Kafka over a network is encrypted and says who it is.  It has a broker that asks for it."""

import logging
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from infra.kafka.client import Misconfigured, connect
from infra.kafka.ports import Kafka, Unreachable
from infra.settings import Settings
from tests.conftest import TOOLS, kafka_tool
from tests.infra.kafka.trying import CLIENTS, a_topic, client_of, publish, sent, tail

NAME = ("--name", "kafka-secure")
HOME = TOOLS.parent / ".local" / "kafka-secure"
TLS = HOME / "tls"
WRONG: Final = "s3cr3t-but-wrong"


@pytest.fixture(scope="module")
def kafka() -> Generator[str]:
    done = kafka_tool("up", "--secure", *NAME)
    assert done.returncode == 0, done.stderr
    yield done.stdout.strip()
    kafka_tool("remove", *NAME)


def listener(name: str) -> str:
    return kafka_tool("url", "--listener", name, *NAME).stdout.strip()


def by_password(client: str, **settings: Any) -> Kafka:
    given = {
        "kafka_user": "jumun",
        "kafka_password": (HOME / "password").read_text().strip(),
        "kafka_ca": TLS / "ca.pem",
    }
    return client_of(listener("sasl"), client, kafka_security="sasl_ssl", **given | settings)


def by_certificate(client: str, **settings: Any) -> Kafka:
    given = {
        "kafka_ca": TLS / "ca.pem",
        "kafka_certificate": TLS / "client.pem",
        "kafka_key": TLS / "client.key",
    }
    return client_of(listener("tls"), client, kafka_security="ssl", **given | settings)


def works(servers: str, client: Kafka) -> None:
    with a_topic(servers, client, 1) as topic:
        publish(client, sent(topic, "a"))
        chunks = client.chunks(topic, topic, [topic])
        chunks.write(sent(topic, "b"), {topic: 1})
        assert chunks.marks() == {topic: 1}
        chunks.close()
        with closing(client.member(topic, topic)) as member:
            assert member.bounds(0)[0] == 0
        assert tail(client, topic) == ["a", "b"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_user_with_the_password_is_let_in(kafka: str, client: str) -> None:
    works(kafka, by_password(client))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_with_a_certificate_is_let_in(kafka: str, client: str) -> None:
    works(kafka, by_certificate(client))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.usefixtures("kafka")
def test_a_wrong_password_is_said_to_be_one_without_saying_it(
    client: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for open_one in (
        by_password(client, kafka_password=WRONG).cluster,
        by_password(client, kafka_password=WRONG).publisher,
    ):
        with pytest.raises(Unreachable, match=r"(?i)authentication failed") as refused:
            open_one()
        assert WRONG not in repr(refused.value) + str(refused.value.__cause__)
    assert WRONG not in caplog.text


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.usefixtures("kafka")
def test_a_broker_whose_certificate_another_has_signed_is_not_trusted(client: str) -> None:
    with pytest.raises(Unreachable, match=r"(?i)certificate.verify.failed"):
        by_password(client, kafka_ca=TLS / "client.pem").cluster()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.usefixtures("kafka")
def test_a_client_without_a_certificate_is_not_let_in(client: str) -> None:
    with pytest.raises(Unreachable):
        by_certificate(client, kafka_certificate=None, kafka_key=None).cluster()


@pytest.mark.parametrize("client", CLIENTS)
def test_certificates_that_cannot_be_read_are_said_to_be_so(client: str, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="certificates"):
        client_of("127.0.0.1:1", client, kafka_security="ssl", kafka_ca=tmp_path / "nowhere.pem").cluster()


@pytest.mark.parametrize(
    "servers", ["kafka.example.com:9092", "127.0.0.1:9092,10.0.0.7:9092", "[2001:db8::1]:9092"]
)
@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_leaves_this_machine_unencrypted(client: str, servers: str) -> None:
    with pytest.raises(Misconfigured, match="JUMUN_KAFKA_SECURITY=ssl or sasl_ssl"):
        client_of(servers, client)


def test_nothing_leaves_this_machine_unencrypted_unless_that_is_wanted() -> None:
    connect(Settings(kafka="kafka.example.com:9092", kafka_plaintext_anywhere=True))
    connect(Settings(kafka="localhost:9092,127.0.0.1:9093,[::1]:9092"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kafka": ""}, "JUMUN_KAFKA="),
        ({"kafka_security": "sasl_ssl", "kafka_user": "jumun"}, "JUMUN_KAFKA_PASSWORD"),
        ({"kafka_security": "ssl", "kafka_key": "client.key"}, "JUMUN_KAFKA_CERTIFICATE"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_and_what_to_set_is_said(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        connect(Settings(**{"kafka": "127.0.0.1:9092", **settings}))  # pyright: ignore[reportArgumentType]


def test_the_second_client_is_an_extra_and_its_absence_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "infra.kafka.confluent", None)
    with pytest.raises(Misconfigured, match=r"jumun\[confluent\]"):
        client_of("127.0.0.1:9092", "confluent-kafka")
