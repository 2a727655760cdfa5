"""What can be set from outside: environment variables with the prefix JUMUN_, read once at the start."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

LEDGER: Final = "ledger.sqlite"
READ_MODELS: Final = "read_models.sqlite"


class Settings(BaseSettings):
    """Every setting with its unit and range."""

    model_config = SettingsConfigDict(env_prefix="JUMUN_", frozen=True, extra="ignore")

    home: Path = Path(".jumun")
    """Folder of the ledger and the read models."""
    batch: Annotated[int, Field(ge=1, le=500)] = 500
    """Messages that one commit decides at most."""
    parked_per_seller: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Messages of one seller that may wait at a time."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["console", "json"] = "console"
