"""What may be wrong with this machine, the broker and the database, each looked at without changing it."""

import os
from functools import partial

from infra.clock import SYSTEM, Clock
from infra.doctor import belonging, broker, database, embedded, machine
from infra.doctor.finding import LIMIT_S, Check, Finding, together
from infra.settings import Settings

__all__ = ["Finding", "diagnose"]


def diagnose(settings: Settings, *, clock: Clock = SYSTEM, limit_s: float = LIMIT_S) -> list[Finding]:
    """Everything that can be looked at with these settings, within twice the limit.

    A server that does not answer is told of once: what else it would be asked is left out.
    """
    found = together(_first(settings, clock), limit_s)
    broken = {one.what for one in found if one.state == "wrong"}
    more: dict[str, Check] = {}
    with_kafka, with_database = settings.kafka and "Kafka" not in broken, "PostgreSQL" not in broken
    if with_kafka:
        more |= kafka_checks(settings, clock)
    if settings.database_url is not None and with_database:
        more |= database_checks(settings, clock)
        if with_kafka:
            more["lag, relay"] = partial(belonging.untold, settings, clock)
    return found + together(more, limit_s)


def _first(settings: Settings, clock: Clock) -> dict[str, Check]:
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
        checks["ledger"] = partial(embedded.files, settings.home, clock)
        checks["locks"] = partial(embedded.locks, settings.home)
    return checks


def kafka_checks(settings: Settings, clock: Clock) -> dict[str, Check]:
    return {
        "topics": partial(broker.shapes, settings),
        "rights": partial(broker.rights, settings),
        "time told": partial(broker.told_time, settings, clock),
        "lag": partial(broker.lags, settings),
    }


def database_checks(settings: Settings, clock: Clock) -> dict[str, Check]:
    return {
        "tables": partial(database.tables, settings),
        "login": partial(database.login, settings),
        "clocks": partial(database.clocks, settings, clock),
        "waiting": partial(database.waiting, settings, clock),
        "folded from": partial(belonging.folded, settings),
    }
