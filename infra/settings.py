"""What can be set from outside, read once at the start: environment variables with the prefix JUMUN_, or the
TOML file that JUMUN_SETTINGS names; the environment wins.
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
    """Embedded: folder of the ledger and the read models."""
    batch: Annotated[int, Field(ge=1, le=500)] = 500
    """Messages that one commit decides at most."""
    parked_per_seller: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Messages of one seller that may wait at a time."""
    cached_streams: Annotated[int, Field(ge=1_000, le=10_000_000)] = 60_000
    """Streams that one engine worker keeps in memory, over all its partitions."""
    worker_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,80}$")] = ""
    """What an engine or projector is called through restarts: back in time, it keeps its partitions."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["console", "json"] = "console"

    database_url: SecretStr | None = None
    """PostgreSQL of the ledger, postgresql://...; none: embedded, in `home`."""
    ledger_schema: Name = "jumun"
    read_models_url: SecretStr | None = None
    """PostgreSQL of the read models; none: the ledger's."""
    read_models_schema: Name = "jumun_read"

    kafka: str = ""
    """Bootstrap servers, host:port,host:port."""
    kafka_client: Literal["kafka-python", "confluent-kafka"] = "kafka-python"
    kafka_security: Literal["plaintext", "ssl", "sasl_ssl"] = "plaintext"
    kafka_plaintext_anywhere: bool = False
    """Whether unencrypted traffic may leave this machine."""
    kafka_ca: Path | None = None
    """Certificates of who signs the brokers', PEM; none: the system's."""
    kafka_certificate: Path | None = None
    """This client's certificate, PEM, for mutual TLS."""
    kafka_key: Path | None = None
    kafka_key_password: SecretStr | None = None
    kafka_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: SecretStr | None = None
    topics: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "jumun"
    """The topics are called so, and .inbound, .ledger, .outcomes, .set-aside."""
    partitions: Annotated[int, Field(ge=1, le=1_000)] = 48
    """Of each topic; fixed when the topics are made."""
    retention_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """How long inbound, outcomes and set-aside keep a record; the ledger topic keeps all."""

    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    http_tokens: Path | None = None
    """TOML file of who may do what; none: nobody may do anything."""
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Where a worker's /metrics and /healthz are served; 0: nowhere."""

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
        named = os.environ.get("JUMUN_SETTINGS")
        file = (TomlConfigSettingsSource(settings_cls, Path(named)),) if named else ()
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
