"""Checks PostgreSQL: its settings, the tables, the rights of this user, and what waits in the ledger."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from infra import database_upgrade
from infra.clock import Clock
from infra.doctor.finding import Finding, warning, wrong
from infra.event_store.postgres.ledger import SCHEMA_VERSION, connect
from infra.event_store.postgres.reading import PostgresReader, event_rights, tables_exist
from infra.event_store.postgres.roles import role
from infra.event_store.postgres.url import Target
from infra.event_store.reading.waiting import WaitingCount, failed_deadline_count, parked_ages
from infra.settings import Settings

OLDEST: Final = 150_000
"""The oldest supported server version: 15."""
APART, FAR_APART = timedelta(seconds=1), timedelta(seconds=30)
"""A difference of clocks above these is a warning, or wrong."""
OLD: Final = timedelta(days=1)
"""A message that is parked for longer is a warning."""
MIB: Final = 1024**2
Connection = psycopg.Connection[tuple[Any, ...]]


def target(settings: Settings) -> Target:
    """The databases in the settings.  Raises: NoUrl."""
    assert settings.database_url is not None
    models = settings.read_models_at or settings.database_url
    return Target(
        settings.database_url.get_secret_value(),
        settings.ledger_schema,
        models.get_secret_value(),
        settings.read_models_schema,
    )


def opened(settings: Settings) -> Connection:
    where = target(settings)
    return connect(where.ledger_url, where.ledger_schema)


def one(connection: Connection, query: str, *values: object) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row


def server(settings: Settings) -> Iterator[Finding]:
    """The version of the server, and the settings that protect committed data from loss."""
    with closing(opened(settings)) as connection:
        version, number, size = one(
            connection,
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int,"
            " pg_database_size(current_database())",
        )
        how = f"version {version.split()[0]}, database of {size / MIB:,.0f} MiB"
        if number < OLDEST:
            yield wrong("PostgreSQL", how, "upgrade the server to 15 or newer")
        else:
            yield Finding("PostgreSQL", how)
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            (value,) = one(connection, "SELECT current_setting(%s)", name)
            if value in {"off", "local"}:
                yield wrong(name, value, f"ALTER SYSTEM SET {name} = 'on': else commits can be lost")
            else:
                yield Finding(name, value)
        (archives,) = one(connection, "SELECT current_setting('archive_mode')")
        if archives == "off":
            yield warning("archive_mode", "off", "turn it on, or changes after a dump are lost: see Back up")
        else:
            yield Finding("archive_mode", archives)


def tables(settings: Settings) -> Iterator[Finding]:
    """The same checks as `jumun db check`."""
    state, todo = database_upgrade.state(target(settings)), "run `jumun db upgrade` as the owner"
    version = f"schema version {state.ledger_version}" if state.ledger_version else "no tables"
    for what, right, how in (
        ("ledger tables", state.ledger, f"{version}; this build needs {SCHEMA_VERSION}"),
        ("read models", state.read_models, "schema of this build" if state.read_models else "other schema"),
        ("roles", not state.roles_missing, f"missing: {', '.join(state.roles_missing)}"),
    ):
        if right:
            yield Finding(what, "complete" if what == "roles" else how)
        else:
            yield wrong(what, how, todo)


def login(settings: Settings) -> Iterator[Finding]:
    """The rights of this user: an engine must append to the ledger; no worker needs to change or delete."""
    with closing(opened(settings)) as connection:
        if not tables_exist(connection):
            return
        (user,) = one(connection, "SELECT current_user")
        allowed = event_rights(connection)
    grant = f"GRANT {role(settings.ledger_schema, 'engine')} TO {user}"
    if not allowed["SELECT"]:
        yield wrong("login", f"{user} may not read the ledger", f"{grant}, or one of the other roles")
    elif not allowed["INSERT"]:
        yield warning("login", f"{user} may read the ledger, but not append", f"an engine needs: {grant}")
    elif allowed["UPDATE"]:
        yield warning("login", f"{user} owns the ledger", "let the workers log in with one of the roles")
    else:
        yield Finding("login", f"{user} may append to the ledger, but not change it")


def clocks(settings: Settings, clock: Clock) -> Iterator[Finding]:
    with closing(opened(settings)) as connection:
        before = clock.now().timestamp()
        (theirs,) = one(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
        ours = (before + clock.now().timestamp()) / 2
    yield difference(timedelta(seconds=theirs - ours))


def difference(apart: timedelta) -> Finding:
    """The difference between the clock of the database and that of this machine."""
    how = f"the database's clock differs from this machine's by {apart.total_seconds():+.3f} s"
    todo = "let both machines use the same time servers (chrony or systemd-timesyncd)"
    if abs(apart) > FAR_APART:
        return wrong("clocks", how, todo)
    return warning("clocks", how, todo) if abs(apart) > APART else Finding("clocks", how)


def waiting(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Parked and failed messages, and failed deadlines."""
    with closing(opened(settings)) as connection:
        if not tables_exist(connection):
            return
        ledger = PostgresReader(connection)
        waiting_messages, deadlines = parked_ages(ledger), failed_deadline_count(ledger)
    yield from waiting_findings(waiting_messages, deadlines, clock.now())


def waiting_findings(waiting: Sequence[WaitingCount], timers: int, now: datetime) -> Iterator[Finding]:
    waits: dict[str, tuple[int, timedelta]] = {one.state: (one.messages, now - one.oldest) for one in waiting}
    for state in ("parked", "failed"):
        count, age = waits.get(state, (0, timedelta()))
        how = f"{count:,}, the oldest for {age.days} d {age.seconds // 3600} h" if count else "none"
        if state == "failed" and count:
            yield wrong("failed messages", how, "fix the bug, then run `jumun parked release`")
        elif age > OLD:
            yield warning("parked messages", how, "find out what they wait for: `jumun parked list`")
        else:
            yield Finding(f"{state} messages", how)
    if timers:
        yield wrong("failed deadlines", f"{timers:,}", "fix the bug, then run `jumun deadlines release`")
    else:
        yield Finding("failed deadlines", "none")
