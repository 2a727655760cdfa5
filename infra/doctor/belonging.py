"""Checks whether the ledger topic and the read models belong to this ledger, and the lag of the relay."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from infra.clock import Clock
from infra.doctor.broker import MANY, last_records
from infra.doctor.database import one, opened, target
from infra.doctor.finding import Finding, warning, wrong
from infra.event_store.postgres.ledger import connect
from infra.event_store.postgres.reading import PostgresReader, tables_exist
from infra.event_store.reading.events import last_position
from infra.event_store.reading.identity import ledger_id_of
from infra.kafka.client import connect as kafka_of
from infra.settings import Settings
from infra.wire.kafka_records import LedgerPosition, ledger_position

TAILS_S: Final = 18.0


def relay_lag(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """The number of events that the relay has not published to the ledger topic yet."""
    with closing(opened(settings)) as connection:
        if not tables_exist(connection):
            return
        last = last_position(PostgresReader(connection))
        ledger_id = ledger_id_of(PostgresReader(connection))
    topic = settings.topic("ledger")
    with closing(kafka_of(settings).cluster()) as cluster:
        existing = cluster.topics([topic])
        if topic not in existing:
            return
        if "READ" not in existing[topic].allowed:
            yield Finding("lag, relay", f"not checked: this user may not read {topic}")
            return
        records = last_records(cluster, settings, TAILS_S, clock)
    if records is None:
        yield warning(
            "lag, relay", "not checked: the topic has too many partitions", "see the relay's metrics"
        )
        return
    published = max(
        (ledger_position(record.value) for record in records), default=LedgerPosition(0, 0, "", ledger_id)
    )
    how = f"published up to event {published.position:,} of {last:,}"
    if published.ledger_id != ledger_id or published.position > last:
        yield wrong("lag, relay", f"{how}, from another ledger", "see docs/operations.md, Restore")
    elif last - published.position > MANY:
        yield warning("lag, relay", how, "start a relay; if one runs, see its log")
    else:
        yield Finding("lag, relay", how)


def read_models_ledger(settings: Settings) -> Iterator[Finding]:
    """Whether the read models were folded from this ledger."""
    with closing(opened(settings)) as connection:
        if not tables_exist(connection):
            return
        ledger_id = ledger_id_of(PostgresReader(connection))
    where = target(settings)
    with closing(connect(where.read_models_url, where.read_models_schema)) as connection:
        if one(connection, "SELECT to_regclass('folded_from')") == (None,):
            return
        row = connection.execute("SELECT ledger_id FROM folded_from").fetchone()
    if row is not None and row[0] != ledger_id:
        yield wrong("read models' ledger", f"{row[0]}, but this ledger is {ledger_id}", "run `jumun rebuild`")
    else:
        yield Finding("read models' ledger", f"this one, {ledger_id}" if row else "none: they are empty")
