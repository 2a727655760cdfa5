"""Checks Kafka: whether it answers, its topics, the rights of this user, and the lag of the stages."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Final

from infra.clock import Clock
from infra.doctor.finding import Finding, warning, wrong
from infra.kafka import topics
from infra.kafka.client import connect
from infra.kafka.ports import Cluster, Record
from infra.settings import TOPIC_NAMES, Settings, TopicName
from infra.wire.ticks import last_tick

TICKS: Final = 200
"""The number of records at the end of a partition among which the check looks for a tick."""
LATE: Final = timedelta(seconds=10)
JUMP: Final = timedelta(days=1)
"""The timekeeper refuses to start if the last tick is older than this."""
MANY: Final = 10_000
"""A lag of more records than this is a warning."""
_BOTH: Final = ("READ", "WRITE")
NEEDED: Final[Mapping[str, Mapping[TopicName, tuple[str, ...]]]] = {
    "engine": {"inbound": ("READ",)},
    "relay": {"ledger": _BOTH, "outcomes": _BOTH, "set-aside": _BOTH},
    "projector": {"ledger": ("READ",)},
    "timekeeper": {"inbound": _BOTH},
    "HTTP": {"inbound": ("WRITE",)},
}
"""The operations on the topics that each kind of worker needs."""


def reachable(settings: Settings) -> Iterator[Finding]:
    with closing(connect(settings).cluster()) as cluster:
        count = cluster.brokers()
    how = f"{count} {'broker' if count == 1 else 'brokers'}, {settings.kafka_security}"
    if count == 1:
        yield warning(
            "Kafka", how, "use a single broker for tests only: if its disk fails, messages are lost"
        )
    else:
        yield Finding("Kafka", how)


def topic_settings(settings: Settings) -> Iterator[Finding]:
    """The four topics and their settings."""
    with closing(connect(settings).cluster()) as cluster:
        findings = topics.check(cluster, settings)
    for one in findings:
        yield wrong(one.topic, f"{one.what} is {one.found}, should be {one.wanted}", one.todo)
    if not findings:
        yield Finding("topics", f"four, with {settings.partitions} partitions each, configured correctly")


def rights(settings: Settings) -> Iterator[Finding]:
    """The workers for which the rights of this user are enough."""
    with closing(connect(settings).cluster()) as cluster:
        existing = cluster.topics([settings.topic(name) for name in TOPIC_NAMES])
    if not existing:
        return
    lacking = {
        worker: [
            f"{operation} on {topic}"
            for name, operations in needed.items()
            if (topic := settings.topic(name)) in existing
            for operation in operations
            if operation not in existing[topic].allowed
        ]
        for worker, needed in NEEDED.items()
    }
    enough = [worker for worker, lacks in lacking.items() if not lacks]
    how = f"enough for {', '.join(enough)}" if enough else "enough for no worker"
    if len(enough) == len(NEEDED):
        yield Finding("rights", how)
        return
    lack = "; ".join(f"{worker} needs {', '.join(lacks)}" for worker, lacks in lacking.items() if lacks)
    todo = "grant these rights to the user of the worker: see docs/operations.md, Encrypted"
    yield Finding("rights", f"{how}; {lack}", "warning" if enough else "wrong", todo)


def check_ticks(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Compares the last tick with the clock of this machine."""
    topic = settings.topic("inbound")
    with closing(connect(settings).cluster()) as cluster:
        existing = cluster.topics([topic])
        if topic not in existing:
            return
        if "READ" not in existing[topic].allowed:
            yield Finding("last tick", f"not checked: this user may not read {topic}")
            return
        last = last_tick(cluster.tail(topic, 0, TICKS))
    if last is None:
        yield warning("last tick", "none among the last records", "start a timekeeper: deadlines need it")
        return
    behind = clock.now() - last
    how = f"{last:%Y-%m-%d %H:%M:%S} UTC"
    if behind < -LATE:
        yield wrong(
            "last tick", f"{how}, in the future", "correct the clock of this machine or the timekeeper's"
        )
    elif behind > JUMP:
        yield wrong(
            "last tick", f"{how}, over a day ago", "if the clock is right: jumun run timekeeper --allow-jump"
        )
    elif behind > LATE:
        yield warning("last tick", how, "start a timekeeper: deadlines need it")
    else:
        yield Finding("last tick", how)


def lags(settings: Settings) -> Iterator[Finding]:
    """The lag of each consumer group, by its committed offsets."""
    stages: Mapping[str, TopicName] = {
        "engine": "inbound",
        f"projector-{settings.read_models_schema}": "ledger",
    }
    with closing(connect(settings).cluster()) as cluster:
        existing = cluster.topics([settings.topic(name) for name in stages.values()])
        for stage, name in stages.items():
            topic = settings.topic(name)
            if topic not in existing:
                continue
            behind = sum(cluster.lag(settings.group(stage), topic).values())
            how = f"{behind:,} unread records in {topic}"
            if behind > MANY:
                yield warning(f"lag, {stage.partition('-')[0]}", how, "if it grows, start more workers")
            else:
                yield Finding(f"lag, {stage.partition('-')[0]}", how)


def last_records(cluster: Cluster, settings: Settings, limit_s: float, clock: Clock) -> list[Record] | None:
    """The last record of each partition of the ledger topic; None, if that takes too long."""
    until = clock.monotonic() + limit_s
    records: list[Record] = []
    for partition in range(settings.partitions):
        if clock.monotonic() > until:
            return None
        records += cluster.tail(settings.topic("ledger"), partition, 1)
    return records
