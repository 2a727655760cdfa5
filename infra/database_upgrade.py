"""Upgrades the ledger's and the read models' databases to the schema of this build.  Idempotent."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from infra.event_store.postgres import ledger, roles
from infra.event_store.postgres.ledger import SCHEMA_VERSION, connect
from infra.event_store.postgres.reading import schema_version
from infra.event_store.postgres.url import Target
from infra.read_models import postgres as read_models
from infra.read_models.schema_setup import describe, is_current, make

_LEDGER_ROLES: Final = (files("infra.event_store.postgres") / "roles.sql").read_text("utf-8")
_READ_ROLES: Final = (files("infra.read_models") / "roles.sql").read_text("utf-8")


class NewerLedger(Exception):
    """A newer build has upgraded the ledger; this build does not know that schema."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"the ledger has schema version {version}, but this build supports up to {SCHEMA_VERSION}"
        )
        self.version = version


@dataclass(frozen=True, slots=True)
class State:
    """What the databases have, compared with what this build needs."""

    ledger_version: int
    """Schema version of the ledger; 0: there is no ledger."""
    read_models: bool
    """Whether the read-model tables have the schema of this build."""
    roles_missing: list[str]

    @property
    def ledger(self) -> bool:
        """Whether the ledger has the schema version of this build."""
        return self.ledger_version == SCHEMA_VERSION

    @property
    def right(self) -> bool:
        return self.ledger and self.read_models and not self.roles_missing


@dataclass(frozen=True, slots=True)
class UpgradeResult:
    """What the upgrade did, and which statements it had no right to run."""

    ledger_before: int
    ledger_version: int
    read_models_made: bool
    """Whether the upgrade created the read-model tables; empty tables are folded from the beginning."""
    roles_made: list[str]
    owed: list[str]
    """Statements that an administrator must run; after them the upgrade must run again."""


def state(target: Target) -> State:
    """Compares the databases with this build.  Changes nothing."""
    engine = read_models.opened(target.read_models_url, target.read_models_schema)
    try:
        current = is_current(engine)
    finally:
        engine.dispose()
    missing: dict[str, None] = {}
    for url in target.servers:
        with connect(url, target.ledger_schema) as connection:
            missing.update(dict.fromkeys(roles.missing(connection, target.ledger_schema)))
    names = [roles.role(target.ledger_schema, part) for part in missing]
    return State(ledger_version(target), current, names)


def ledger_version(target: Target) -> int:
    """The schema version of the ledger; 0, if it has no tables."""
    with connect(target.ledger_url, target.ledger_schema) as connection:
        return schema_version(connection)


def upgrade(target: Target) -> UpgradeResult:
    """Creates or upgrades tables, functions and roles.

    Raises: NewerLedger, before anything is changed; SchemaMissing.
    """
    before = ledger_version(target)
    if before > SCHEMA_VERSION:
        raise NewerLedger(before)
    ledger.upgrade(target.ledger_url, target.ledger_schema)
    engine = read_models.opened(target.read_models_url, target.read_models_schema)
    try:
        created = make(engine, read_models.PostgresTables(engine.dialect, target.read_models_schema))
        if not created:
            describe(engine)
    finally:
        engine.dispose()
    new_roles, owed = _granted(target)
    return UpgradeResult(before, ledger_version(target), created, new_roles, owed)


def _granted(target: Target) -> tuple[list[str], list[str]]:
    new_roles: dict[str, None] = {}
    owed: dict[str, None] = {}
    for url in target.servers:
        with connect(url, target.ledger_schema) as connection:
            new, not_allowed = roles.make_roles(connection, target.ledger_schema)
            new_roles.update(dict.fromkeys(new))
            owed.update(dict.fromkeys(not_allowed))
    with connect(target.ledger_url, target.ledger_schema) as connection:
        roles.grant(connection, _LEDGER_ROLES, target.ledger_schema, target.ledger_schema)
    with connect(target.read_models_url, target.read_models_schema) as connection:
        roles.grant(connection, _READ_ROLES, target.ledger_schema, target.read_models_schema)
    return list(new_roles), list(owed)
