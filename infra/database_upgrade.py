"""The upgrade: whatever both databases of production need to be this build's, done once however often."""

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


class Newer(Exception):
    """The ledger was upgraded by a newer build: this one does not know what its tables mean."""

    def __init__(self, found: int) -> None:
        super().__init__(f"the ledger's tables are of version {found}, this build knows {SCHEMA_VERSION}")
        self.found = found


@dataclass(frozen=True, slots=True)
class State:
    """How the databases stand to this build."""

    ledger_version: int
    """0: there is no ledger."""
    read_models: bool
    """Whether the tables are this build's."""
    roles_missing: list[str]

    @property
    def ledger(self) -> bool:
        """Whether its tables are this build's."""
        return self.ledger_version == SCHEMA_VERSION

    @property
    def right(self) -> bool:
        return self.ledger and self.read_models and not self.roles_missing


@dataclass(frozen=True, slots=True)
class UpgradeResult:
    """What the upgrade did, and what it may not do itself."""

    ledger_before: int
    ledger_version: int
    read_models_made: bool
    """The tables were made, or made anew: they are to be folded from the beginning."""
    roles_made: list[str]
    owed: list[str]
    """Statements that an administrator must run, and then the upgrade again."""


def state(target: Target) -> State:
    """Changes nothing."""
    engine = read_models.opened(target.read_models_url, target.read_models_schema)
    try:
        made = is_current(engine)
    finally:
        engine.dispose()
    missing: dict[str, None] = {}
    for url in target.servers:
        with connect(url, target.ledger_schema) as connection:
            missing.update(dict.fromkeys(roles.missing(connection, target.ledger_schema)))
    named = [roles.role(target.ledger_schema, part) for part in missing]
    return State(ledger_version(target), made, named)


def ledger_version(target: Target) -> int:
    """The version of the ledger's tables; 0, if there are none."""
    with connect(target.ledger_url, target.ledger_schema) as connection:
        return schema_version(connection)


def upgrade(target: Target) -> UpgradeResult:
    """Makes tables, functions and roles; says what it did.

    Raises: Newer, before anything is changed; NotMade.
    """
    before = ledger_version(target)
    if before > SCHEMA_VERSION:
        raise Newer(before)
    ledger.upgrade(target.ledger_url, target.ledger_schema)
    engine = read_models.opened(target.read_models_url, target.read_models_schema)
    try:
        made = make(engine, read_models.PostgresTables(engine.dialect, target.read_models_schema))
        if not made:
            describe(engine)
    finally:
        engine.dispose()
    new_roles, owed = _granted(target)
    return UpgradeResult(before, ledger_version(target), made, new_roles, owed)


def _granted(target: Target) -> tuple[list[str], list[str]]:
    made: dict[str, None] = {}
    owed: dict[str, None] = {}
    for url in target.servers:
        with connect(url, target.ledger_schema) as connection:
            new, not_allowed = roles.make_roles(connection, target.ledger_schema)
            made.update(dict.fromkeys(new))
            owed.update(dict.fromkeys(not_allowed))
    with connect(target.ledger_url, target.ledger_schema) as connection:
        roles.grant(connection, _LEDGER_ROLES, target.ledger_schema, target.ledger_schema)
    with connect(target.read_models_url, target.read_models_schema) as connection:
        roles.grant(connection, _READ_ROLES, target.ledger_schema, target.read_models_schema)
    return list(made), list(owed)
