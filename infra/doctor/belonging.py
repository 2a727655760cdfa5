"""Whether the ledger topic and the read models are of this ledger, and how far they are behind it."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from infra.clock import Clock
from infra.doctor.broker import MANY, ends
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


def untold(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """What the ledger has and the ledger topic does not."""
    with closing(opened(settings)) as connection:
        if not tables_exist(connection):
            return
        last = last_position(PostgresReader(connection))
        ledger_id = ledger_id_of(PostgresReader(connection))
    topic = settings.topic("ledger")
    with closing(kafka_of(settings).cluster()) as cluster:
        there = cluster.topics([topic])
        if topic not in there:
            return
        if "READ" not in there[topic].allowed:
            yield Finding("lag, relay", f"not looked at: this user may not read {topic}")
            return
        found = ends(cluster, settings, TAILS_S, clock)
    if found is None:
        yield warning("lag, relay", "its topic has too many partitions to look at", "see its metrics")
        return
    ended = max(
        (ledger_position(record.value) for record in found), default=LedgerPosition(0, 0, "", ledger_id)
    )
    how = f"told up to event {ended.position:,} of {last:,}"
    if ended.ledger_id != ledger_id or ended.position > last:
        yield wrong("lag, relay", f"{how}: it is another ledger", "see the operations page, Restore")
    elif last - ended.position > MANY:
        yield warning("lag, relay", how, "start a relay; if one runs, see its log")
    else:
        yield Finding("lag, relay", how)


def folded(settings: Settings) -> Iterator[Finding]:
    """Of which ledger the read models are."""
    with closing(opened(settings)) as connection:
        if not tables_exist(connection):
            return
        ledger_id = ledger_id_of(PostgresReader(connection))
    where = target(settings)
    with closing(connect(where.read_models_url, where.read_models_schema)) as connection:
        if one(connection, "SELECT to_regclass('folded_from')") == (None,):
            return
        found = connection.execute("SELECT ledger_id FROM folded_from").fetchone()
    if found is not None and found[0] != ledger_id:
        yield wrong("folded from", f"ledger {found[0]}, this is {ledger_id}", "run `jumun rebuild`")
    else:
        yield Finding("folded from", f"ledger {ledger_id}" if found else "nothing yet")
