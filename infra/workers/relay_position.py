"""Finds the checkpoint from which a relay resumes, and checks that topic and ledger agree there."""

from collections.abc import Mapping
from typing import Final

from infra.event_store.postgres.ledger import PostgresLedger
from infra.event_store.reading.commits import last_commit_up_to
from infra.event_store.reading.events import event_at
from infra.kafka.ports import Cluster, Kafka, Record
from infra.settings import Settings, TopicName
from infra.wire.kafka_records import ledger_position, outcome_number, stored_bytes
from infra.workers.outbox import Disagrees, RelayCheckpoint

_OUTCOME_TOPICS: Final[tuple[TopicName, TopicName]] = ("outcomes", "set-aside")


def resume_checkpoint(
    kafka: Kafka, ledger: PostgresLedger, settings: Settings, stored: Mapping[str, int]
) -> RelayCheckpoint:
    """The stored checkpoint; if it has expired, the one that follows from the last records of the topics.

    Raises: Disagrees, when the topics hold events of another ledger; Unreachable.
    """
    cluster = kafka.cluster()
    try:
        position, sent = _last_event(cluster, settings)
        if stored:
            checkpoint = RelayCheckpoint(
                *(stored.get(settings.topic(name), 0) for name in ("ledger", "outcomes"))
            )
        else:
            outcome = _last_outcome(cluster, settings) or _outcome_at(ledger, position)
            checkpoint = RelayCheckpoint(position, outcome)
    finally:
        cluster.close()
    if checkpoint.position != position:
        msg = f"the checkpoint is at event {checkpoint.position}, the topic ends at event {position}"
        raise Disagrees(msg)
    if sent is not None:
        _compare(ledger, position, sent)
        if ledger_position(sent).ledger_id != ledger.ledger_id:
            msg = f"the event published at position {position} is of a former id of the ledger"
            raise Disagrees(msg)
    return checkpoint


def _last_event(cluster: Cluster, settings: Settings) -> tuple[int, bytes | None]:
    ends = [record.value for record in _ends(cluster, settings, "ledger")]
    last = max(ends, key=ledger_position, default=None)
    return (0, None) if last is None else (ledger_position(last).position, last)


def _last_outcome(cluster: Cluster, settings: Settings) -> int:
    ends = [record for name in _OUTCOME_TOPICS for record in _ends(cluster, settings, name)]
    return max((outcome_number(record.value) for record in ends), default=0)


def _ends(cluster: Cluster, settings: Settings, name: TopicName) -> list[Record]:
    topic = settings.topic(name)
    return [
        record for partition in range(settings.partitions) for record in cluster.tail(topic, partition, 1)
    ]


def _outcome_at(ledger: PostgresLedger, position: int) -> int:
    """The number of the last outcome of the commit that ends at `position`.

    0 before the first event: the commits before it, of messages that wait, have outcomes to publish.
    """
    commit = last_commit_up_to(ledger, position) if position else None
    return commit.last_outcome if commit is not None else 0


def _compare(ledger: PostgresLedger, position: int, sent: bytes) -> None:
    event = event_at(ledger, position)
    if event is None or stored_bytes(sent) != event.state:
        msg = f"the event published at position {position} is not the ledger's event there"
        raise Disagrees(msg)
