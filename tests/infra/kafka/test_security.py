"""Connections to Kafka over a network are encrypted and authenticated.  Uses its own secured broker."""

import logging
import re
import sys
import uuid
from collections.abc import Generator
from contextlib import closing
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.production import production
from infra import doctor
from infra.clock import SYSTEM
from infra.doctor import broker
from infra.http.publishing.kafka_intake import Checks
from infra.http.request_limits import LIMITS
from infra.kafka.client import Misconfigured, connect
from infra.kafka.ports import Kafka, Unreachable
from infra.kafka.topics import create
from infra.settings import TOPIC_NAMES, Settings
from infra.wire.ticks import last_tick
from tests.conftest import TOOLS, kafka_tool
from tests.infra.kafka.trying import (
    CLIENTS,
    KAFKA,
    a_topic,
    client_of,
    delete_topics,
    publish,
    sent,
    tail,
    until,
)
from tests.torture.load import lines

NAME = ("--name", "kafka-secure")
HOME = TOOLS.parent / ".local" / "kafka-secure"
TLS = HOME / "tls"
WRONG: Final = "s3cr3t-but-wrong"
PASSWORD: Final = "given-to-it-alone"
ADMIN: Final[Any] = import_module("kafka.admin")


@pytest.fixture(scope="module")
def kafka() -> Generator[str]:
    done = kafka_tool("up", "--secure", *NAME)
    assert done.returncode == 0, done.stderr
    until(accepts_password, 60)  # the first handshake is by far the slowest
    yield done.stdout.strip()
    kafka_tool("remove", *NAME)


def accepts_password() -> bool:
    try:
        by_password("kafka-python").cluster().close()
    except Unreachable:
        return False
    return True


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
        transactional = client.transactional_publisher(topic, topic, [topic])
        transactional.write(sent(topic, "b"), {topic: 1})
        assert transactional.checkpoints() == {topic: 1}
        transactional.close()
        with closing(client.member(topic, topic)) as member:
            assert member.bounds(0)[0] == 0
        assert tail(client, topic) == ["a", "b"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_user_with_the_password_has_access(kafka: str, client: str) -> None:
    works(kafka, by_password(client))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_with_a_certificate_has_access(kafka: str, client: str) -> None:
    works(kafka, by_certificate(client))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.usefixtures("kafka")
def test_the_error_for_a_wrong_password_does_not_show_it(
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
def test_a_broker_with_a_certificate_of_another_authority_is_not_trusted(client: str) -> None:
    with pytest.raises(Unreachable, match=r"(?i)certificate.verify.failed"):
        by_password(client, kafka_ca=TLS / "client.pem").cluster()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.usefixtures("kafka")
def test_a_client_without_a_certificate_is_rejected(client: str) -> None:
    with pytest.raises(Unreachable):
        by_certificate(client, kafka_certificate=None, kafka_key=None).cluster()


@pytest.mark.parametrize("client", CLIENTS)
def test_unreadable_certificates_are_reported(client: str, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="certificates"):
        client_of("127.0.0.1:1", client, kafka_security="ssl", kafka_ca=tmp_path / "nowhere.pem").cluster()


@pytest.mark.parametrize(
    "servers", ["kafka.example.com:9092", "127.0.0.1:9092,10.0.0.7:9092", "[2001:db8::1]:9092"]
)
@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_leaves_this_machine_unencrypted(client: str, servers: str) -> None:
    with pytest.raises(Misconfigured, match="JUMUN_KAFKA_SECURITY=ssl or sasl_ssl"):
        client_of(servers, client)


def test_plaintext_to_other_machines_needs_a_setting() -> None:
    connect(Settings(kafka="kafka.example.com:9092", kafka_plaintext_anywhere=True))
    connect(Settings(kafka="localhost:9092,127.0.0.1:9093,[::1]:9092"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kafka": ""}, "JUMUN_KAFKA="),
        ({"kafka_security": "sasl_ssl", "kafka_user": "jumun"}, "JUMUN_KAFKA_PASSWORD"),
        ({"kafka_security": "ssl", "kafka_key": "client.key"}, "JUMUN_KAFKA_CERTIFICATE"),
    ],
)
def test_the_error_for_incomplete_settings_names_the_missing_one(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(Misconfigured, match=message):
        connect(Settings(**{"kafka": "127.0.0.1:9092", **settings}))  # pyright: ignore[reportArgumentType]


def test_the_error_for_a_missing_client_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "infra.kafka.confluent", None)
    with pytest.raises(Misconfigured, match=r"jumun\[confluent\]"):
        client_of("127.0.0.1:9092", "confluent-kafka")


# Each worker with its own user


def acls(worker: str) -> list[tuple[str, str]]:
    """(column, operation) of the worker, from the table in docs/operations.md."""
    page = (TOOLS.parent / "docs" / "operations.md").read_text("utf-8")
    table = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in page.splitlines() if line[:1] == "|"
    ]
    at = next(at for at, row in enumerate(table) if "transactional ids" in row)
    columns = table[at]
    rows = {row[0]: row for row in table[at + 2 :]}
    return [
        (column, operation)
        for row in (rows["every worker"], rows[worker])
        for column, cell in zip(columns[1:], row[1:], strict=True)
        for operation in cell.split(", ")
        if operation
    ]


def create_user(servers: str, user: str, prefix: str, rights: list[tuple[str, str]]) -> None:
    """Creates the user, with these rights on the resources whose names begin with `prefix`."""
    named = {"groups": ("GROUP", f"{prefix}-"), "transactional ids": ("TRANSACTIONAL_ID", f"{prefix}-")}
    with closing(KAFKA.KafkaAdminClient(bootstrap_servers=servers)) as admin:
        credential = ADMIN.UserScramCredentialUpsertion(user, ADMIN.ScramMechanism.SCRAM_SHA_512, PASSWORD)
        admin.alter_user_scram_credentials([credential])
        acls = [
            acl(user, *named.get(column, ("TOPIC", f"{prefix}.{column}")), operation)
            for column, operation in rights
        ]
        assert not admin.create_acls(acls)["failed"]


def acl(user: str, kind: str, name: str, operation: str) -> Any:
    """An ACL.  `kind` and `operation` are names.  Only topics are matched literally, others by prefix."""
    pattern = ADMIN.ACLResourcePatternType["LITERAL" if kind == "TOPIC" else "PREFIXED"]
    return ADMIN.ACL(
        principal=f"User:{user}",
        host="*",
        operation=ADMIN.ACLOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()],
        permission_type=ADMIN.ACLPermissionType.ALLOW,
        resource_pattern=ADMIN.ResourcePattern(ADMIN.ResourceType[kind], name, pattern),
    )


def as_user(user: str) -> dict[str, str]:
    return {
        "kafka": listener("sasl"),
        "kafka_security": "sasl_ssl",
        "kafka_user": user,
        "kafka_password": PASSWORD,
        "kafka_ca": str(TLS / "ca.pem"),
    }


def settings_of(user: str, **values: str) -> Settings:
    return Settings.model_validate({**values, **as_user(user)})


@pytest.fixture(scope="module")
def topics(kafka: str) -> Generator[str]:
    """The prefix of the four topics, which exist."""
    settings = Settings(kafka=kafka, topics=f"t{uuid.uuid4().hex}", partitions=1)
    with closing(connect(settings).cluster()) as cluster:
        create(cluster, settings)
    yield settings.topics
    delete_topics(kafka, *(settings.topic(name) for name in TOPIC_NAMES))


@pytest.mark.parametrize("client", CLIENTS)
def test_each_worker_works_with_the_rights_of_the_operations_page(
    kafka: str, postgres_url: str, client: str
) -> None:
    with production(postgres_url, kafka, partitions=2, client=client) as system:
        prefix = system.setting_texts["topics"]
        for worker in ("engine", "relay", "projector", "timekeeper", "HTTP"):
            create_user(kafka, f"{worker}-{prefix}", prefix, acls(worker))
        for role in ("engine", "relay", "projector", "timekeeper"):
            variables = {f"JUMUN_{key.upper()}": value for key, value in as_user(f"{role}-{prefix}").items()}
            system.start(role, **variables)
        topic = system.settings.topic("inbound")
        http = connect(settings_of(f"HTTP-{prefix}", **system.setting_texts))
        with closing(Checks(http, topic, LIMITS, SYSTEM)) as checks:
            assert checks.trouble() == ""
        system.wait_decided(system.publish(islice(lines(orders=20, seed=1), 100), http), 60)
        system.wait_folded(60)
        system.wait_until(lambda: system.records("outcomes") != [], 60)
        with system.cluster() as cluster:
            system.wait_until(lambda: last_tick(cluster.tail(topic, 0, 20)) is not None, 60)


@pytest.mark.parametrize(
    ("worker", "state", "text"),
    [
        ("engine", "warning", "enough for engine; relay needs READ on {0}.ledger, WRITE on {0}.ledger"),
        ("relay", "warning", "enough for relay, projector; engine needs READ on {0}.inbound"),
        ("timekeeper", "warning", "enough for engine, timekeeper, HTTP; relay needs"),
        ("every worker", "wrong", "enough for no worker; engine needs READ on {0}.inbound"),
    ],
)
@pytest.mark.parametrize("client", CLIENTS)
def test_doctor_lists_the_workers_for_which_the_rights_are_enough(
    kafka: str, topics: str, client: str, worker: str, state: str, text: str
) -> None:
    user = uuid.uuid4().hex
    create_user(kafka, user, topics, acls(worker))
    settings = settings_of(user, topics=topics, partitions="1", kafka_client=client)
    findings = {one.what: one for check in doctor.kafka_checks(settings, SYSTEM).values() for one in check()}
    rights = findings.pop("rights")
    assert rights.state == state
    assert rights.how.startswith(text.format(topics))
    assert "Encrypted" in rights.todo
    assert not [one for one in findings.values() if one.state == "wrong"]


@pytest.mark.parametrize("client", CLIENTS)
def test_missing_rights_are_not_reported_as_a_missing_topic(kafka: str, topics: str, client: str) -> None:
    user = uuid.uuid4().hex
    create_user(kafka, user, topics, [])
    settings = settings_of(user, topics=topics, kafka_client=client)
    for check in (broker.topic_settings, broker.rights):
        with pytest.raises(Unreachable, match=r"(?i)authorization"):
            list(check(settings))
