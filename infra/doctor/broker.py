"""Kafka: whether it answers, its topics and what we may do with them, and how far the stages lag."""

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
"""Of the end of a partition, in which a tick is looked for."""
LATE: Final = timedelta(seconds=10)
JUMP: Final = timedelta(days=1)
"""What the timekeeper refuses to jump over."""
MANY: Final = 10_000
"""Records that no stage should be behind for long."""
_BOTH: Final = ("READ", "WRITE")
NEEDED: Final[Mapping[str, Mapping[TopicName, tuple[str, ...]]]] = {
    "engine": {"inbound": ("READ",)},
    "relay": {"ledger": _BOTH, "outcomes": _BOTH, "set-aside": _BOTH},
    "projector": {"ledger": ("READ",)},
    "timekeeper": {"inbound": _BOTH},
    "HTTP": {"inbound": ("WRITE",)},
}
"""What each kind of worker does with the topics."""


def reachable(settings: Settings) -> Iterator[Finding]:
    with closing(connect(settings).cluster()) as cluster:
        count = cluster.brokers()
    how = f"{count} {'broker' if count == 1 else 'brokers'}, {settings.kafka_security}"
    if count == 1:
        yield warning("Kafka", how, "for trying it only: a disk that is lost takes every message with it")
    else:
        yield Finding("Kafka", how)


def shapes(settings: Settings) -> Iterator[Finding]:
    """The four topics and their settings."""
    with closing(connect(settings).cluster()) as cluster:
        found = topics.check(cluster, settings)
    for one in found:
        yield wrong(one.topic, f"{one.what} is {one.found}, should be {one.wanted}", one.todo)
    if not found:
        yield Finding("topics", f"four of {settings.partitions} partitions, set as they must be")


def rights(settings: Settings) -> Iterator[Finding]:
    """Which workers this login may run, as the cluster says."""
    with closing(connect(settings).cluster()) as cluster:
        found = cluster.topics([settings.topic(name) for name in TOPIC_NAMES])
    if not found:
        return
    lacking = {
        worker: [
            f"{operation} on {topic}"
            for name, operations in needed.items()
            if (topic := settings.topic(name)) in found
            for operation in operations
            if operation not in found[topic].allowed
        ]
        for worker, needed in NEEDED.items()
    }
    enough = [worker for worker, lacks in lacking.items() if not lacks]
    how = f"enough for {', '.join(enough)}" if enough else "enough for no worker"
    if len(enough) == len(NEEDED):
        yield Finding("rights", how)
        return
    lack = "; ".join(f"{worker} needs {', '.join(lacks)}" for worker, lacks in lacking.items() if lacks)
    todo = "give a worker's user what it needs: see the operations page, Encrypted"
    yield Finding("rights", f"{how}; {lack}", "warning" if enough else "wrong", todo)


def told_time(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """The last tick against this machine's clock."""
    topic = settings.topic("inbound")
    with closing(connect(settings).cluster()) as cluster:
        found = cluster.topics([topic])
        if topic not in found:
            return
        if "READ" not in found[topic].allowed:
            yield Finding("time told", f"not looked at: this user may not read {topic}")
            return
        last = last_tick(cluster.tail(topic, 0, TICKS))
    if last is None:
        yield warning("time told", "no tick at the end of inbound", "start a timekeeper: deadlines need it")
        return
    behind = clock.now() - last
    how = f"last at {last:%Y-%m-%d %H:%M:%S} UTC"
    if behind < -LATE:
        yield wrong("time told", f"{how}, which is to come", "correct this machine's clock, or the other's")
    elif behind > JUMP:
        yield wrong(
            "time told", f"{how}, over a day ago", "if the clock is right: jumun run timekeeper --allow-jump"
        )
    elif behind > LATE:
        yield warning("time told", how, "start a timekeeper: deadlines need it")
    else:
        yield Finding("time told", how)


def lags(settings: Settings) -> Iterator[Finding]:
    """What each group has still to read, by what it has marked."""
    stages: Mapping[str, TopicName] = {
        "engine": "inbound",
        f"projector-{settings.read_models_schema}": "ledger",
    }
    with closing(connect(settings).cluster()) as cluster:
        there = cluster.topics([settings.topic(name) for name in stages.values()])
        for stage, name in stages.items():
            topic = settings.topic(name)
            if topic not in there:
                continue
            behind = sum(cluster.lag(settings.group(stage), topic).values())
            how = f"{behind:,} to read of {topic}"
            if behind > MANY:
                yield warning(f"lag, {stage.partition('-')[0]}", how, "start more of them, if it grows")
            else:
                yield Finding(f"lag, {stage.partition('-')[0]}", how)


def ends(cluster: Cluster, settings: Settings, limit_s: float, clock: Clock) -> list[Record] | None:
    """The last record of each partition of the ledger topic; None, if that takes too long."""
    until = clock.monotonic() + limit_s
    found: list[Record] = []
    for partition in range(settings.partitions):
        if clock.monotonic() > until:
            return None
        found += cluster.tail(settings.topic("ledger"), partition, 1)
    return found
