"""The settings, read once at the start.

They come from environment variables with the prefix JUMUN_, or from the TOML file that JUMUN_SETTINGS names;
the environment wins.
"""

import os
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

LEDGER: Final = "ledger.sqlite"
READ_MODELS: Final = "read_models.sqlite"
Port = Annotated[int, Field(ge=1, le=65_535)]
TopicName = Literal["inbound", "ledger", "outcomes", "set-aside"]
TOPIC_NAMES: Final[tuple[TopicName, ...]] = get_args(TopicName)
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Settings(BaseSettings):
    """Every setting with its unit and range."""

    model_config = SettingsConfigDict(env_prefix="JUMUN_", frozen=True, extra="ignore")

    home: Path = Path(".jumun")
    """Embedded: the folder of the ledger and the read models."""
    batch: Annotated[int, Field(ge=1, le=500)] = 500
    """The most messages that one commit decides."""
    parked_per_seller: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """The most messages of one seller that may be parked at a time."""
    cached_streams: Annotated[int, Field(ge=1_000, le=10_000_000)] = 60_000
    """The most streams that one engine worker keeps in its cache, over all its partitions."""
    worker_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,80}$")] = ""
    """Fixed name of an engine or projector (a static group member).  A worker that restarts within the
    session timeout keeps its partitions."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["console", "json"] = "console"

    database_url: SecretStr | None = None
    """URL of the ledger's PostgreSQL database, postgresql://...; unset: embedded, in `home`."""
    ledger_schema: Name = "jumun"
    read_models_url: SecretStr | None = None
    """URL of the read models' PostgreSQL database; unset: the ledger's database."""
    read_models_schema: Name = "jumun_read"

    kafka: str = ""
    """Bootstrap servers, host:port,host:port."""
    kafka_client: Literal["kafka-python", "confluent-kafka"] = "kafka-python"
    kafka_security: Literal["plaintext", "ssl", "sasl_ssl"] = "plaintext"
    kafka_plaintext_anywhere: bool = False
    """Whether unencrypted connections to other machines are allowed."""
    kafka_ca: Path | None = None
    """CA certificates that verify the brokers' certificates, PEM; unset: the system's."""
    kafka_certificate: Path | None = None
    """This client's certificate, PEM, for mutual TLS."""
    kafka_key: Path | None = None
    kafka_key_password: SecretStr | None = None
    kafka_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: SecretStr | None = None
    topics: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "jumun"
    """Prefix of the topic names: PREFIX.inbound, .ledger, .outcomes, .set-aside."""
    partitions: Annotated[int, Field(ge=1, le=1_000)] = 48
    """Number of partitions of each topic; must not change after the topics are created."""
    retention_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """Retention of inbound, outcomes and set-aside.  The ledger topic keeps all records."""

    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    http_tokens: Path | None = None
    """TOML file of the access tokens; unset: no request is allowed."""
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Port of a worker's /metrics and /healthz; 0: not served."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        path = os.environ.get("JUMUN_SETTINGS")
        file = (TomlConfigSettingsSource(settings_cls, Path(path)),) if path else ()
        return (init_settings, env_settings, *file)

    @property
    def read_models_at(self) -> SecretStr | None:
        return self.read_models_url or self.database_url

    def topic(self, name: TopicName) -> str:
        """The full name of one of the four topics."""
        return f"{self.topics}.{name}"

    def group(self, name: str) -> str:
        """The full name of a consumer group or of a transactional id."""
        return f"{self.topics}-{name}"
