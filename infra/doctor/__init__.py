"""What may be wrong with this machine, the broker and the database, each looked at without changing it."""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from infra.doctor import belonging, broker, database, embedded, machine
from infra.doctor.finding import LIMIT_S, Check, Finding, together
from infra.settings import Settings

__all__ = ["Finding", "diagnose"]


def diagnose(settings: Settings, *, limit_s: float = LIMIT_S) -> list[Finding]:
    """Everything that can be looked at with these settings, within twice the limit.

    A server that does not answer is told of once: what else it would be asked is left out.
    """
    found = together(_first(settings), limit_s)
    broken = {one.what for one in found if one.state == "wrong"}
    more: dict[str, Check] = {}
    with_kafka, with_database = settings.kafka and "Kafka" not in broken, "PostgreSQL" not in broken
    if with_kafka:
        more |= {name: partial(check, settings) for name, check in KAFKA.items()}
    if settings.database_url is not None and with_database:
        more |= {name: partial(check, settings) for name, check in DATABASE.items()}
        if with_kafka:
            more["lag, relay"] = partial(belonging.untold, settings)
    return found + together(more, limit_s)


def _first(settings: Settings) -> dict[str, Check]:
    checks: dict[str, Check] = {
        "versions": machine.versions,
        "environment": partial(machine.forbidden, os.environ),
        "disk": partial(machine.disk, settings.home),
    }
    if settings.kafka:
        checks["Kafka"] = partial(broker.reachable, settings)
    if settings.database_url is not None:
        checks["PostgreSQL"] = partial(database.server, settings)
    else:
        checks["ledger"] = partial(embedded.files, settings.home)
        checks["locks"] = partial(embedded.locks, settings.home)
    return checks


KAFKA: Final[Mapping[str, Callable[[Settings], Iterable[Finding]]]] = {
    "topics": broker.shapes,
    "rights": broker.rights,
    "time told": broker.told_time,
    "lag": broker.lags,
}
DATABASE: Final[Mapping[str, Callable[[Settings], Iterable[Finding]]]] = {
    "tables": database.tables,
    "login": database.login,
    "clocks": database.clock,
    "waiting": database.waiting,
    "folded from": belonging.folded,
}
