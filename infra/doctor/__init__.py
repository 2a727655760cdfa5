"""Checks this machine, Kafka and the database for problems.  The checks change nothing."""

import os
from functools import partial

from infra.clock import SYSTEM, Clock
from infra.doctor import belonging, broker, database, embedded, machine
from infra.doctor.finding import LIMIT_S, Check, Finding, run_checks
from infra.settings import Settings

__all__ = ["Finding", "diagnose"]


def diagnose(settings: Settings, *, clock: Clock = SYSTEM, limit_s: float = LIMIT_S) -> list[Finding]:
    """The findings of all checks that apply to these settings; takes twice the limit at most.

    A server that does not answer is one finding: further checks of it are skipped.
    """
    findings = run_checks(_first_checks(settings, clock), limit_s)
    broken = {one.what for one in findings if one.state == "wrong"}
    more: dict[str, Check] = {}
    with_kafka, with_database = settings.kafka and "Kafka" not in broken, "PostgreSQL" not in broken
    if with_kafka:
        more |= kafka_checks(settings, clock)
    if settings.database_url is not None and with_database:
        more |= database_checks(settings, clock)
        if with_kafka:
            more["lag, relay"] = partial(belonging.relay_lag, settings, clock)
    return findings + run_checks(more, limit_s)


def _first_checks(settings: Settings, clock: Clock) -> dict[str, Check]:
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
        "topics": partial(broker.topic_settings, settings),
        "rights": partial(broker.rights, settings),
        "last tick": partial(broker.check_ticks, settings, clock),
        "lag": partial(broker.lags, settings),
    }


def database_checks(settings: Settings, clock: Clock) -> dict[str, Check]:
    return {
        "tables": partial(database.tables, settings),
        "login": partial(database.login, settings),
        "clocks": partial(database.clocks, settings, clock),
        "waiting": partial(database.waiting, settings, clock),
        "read models' ledger": partial(belonging.read_models_ledger, settings),
    }
