"""Where a relay goes on: at its mark, if the topic ends there with the very event that the ledger has."""

from collections.abc import Mapping
from typing import Final

import orjson

from infra.event_store.postgres.ledger import PostgresLedger
from infra.kafka.ports import Cluster, Kafka, Record
from infra.settings import Settings, TopicName
from infra.workers.outbox import SEAL, Disagrees, Marks

_TOLD_OF: Final[tuple[TopicName, TopicName]] = ("outcomes", "set-aside")


def where_to_go_on(
    kafka: Kafka, ledger: PostgresLedger, settings: Settings, marked: Mapping[str, int]
) -> Marks:
    """The marks as written; where these have expired, as the topics' ends tell them.

    Raises: Disagrees, when the ledger is not the one that was told of; Unreachable.
    """
    cluster = kafka.cluster()
    try:
        position, sent = _last_event(cluster, settings)
        if marked:
            marks = Marks(*(marked.get(settings.topic(name), 0) for name in ("ledger", "outcomes")))
        else:
            marks = Marks(position, _last_outcome(cluster, settings) or _outcome_at(ledger, position))
    finally:
        cluster.close()
    if marks.position != position:
        msg = f"the mark is at event {marks.position}, the topic ends at event {position}"
        raise Disagrees(msg)
    if sent is not None:
        _compare(ledger, position, sent)
        if not sent.endswith(f'"ledgerid":"{ledger.ledger_id}"}}'.encode()):
            msg = f"the event that was told at position {position} is of a former id of the ledger"
            raise Disagrees(msg)
    return marks


def position_of(sent: bytes) -> int:
    """Of an event as it was sent."""
    return int(sent[sent.rindex(SEAL) + len(SEAL) :].partition(b",")[0])


def stored(sent: bytes) -> bytes:
    """An event as it was sent, without what the relay added."""
    return sent[: sent.rindex(SEAL)] + b"}"


def _last_event(cluster: Cluster, settings: Settings) -> tuple[int, bytes | None]:
    ends = [record.value for record in _ends(cluster, settings, "ledger")]
    last = max(ends, key=position_of, default=None)
    return (0, None) if last is None else (position_of(last), last)


def _last_outcome(cluster: Cluster, settings: Settings) -> int:
    ends = [record for name in _TOLD_OF for record in _ends(cluster, settings, name)]
    return max((orjson.loads(record.value)["data"]["number"] for record in ends), default=0)


def _ends(cluster: Cluster, settings: Settings, name: TopicName) -> list[Record]:
    topic = settings.topic(name)
    return [record for at in range(settings.partitions) for record in cluster.tail(topic, at, 1)]


def _outcome_at(ledger: PostgresLedger, position: int) -> int:
    """The last outcome of the commit that ends there."""
    rows = ledger.rows(
        "SELECT last_outcome FROM commits WHERE last_position <= :at"
        " ORDER BY last_position DESC, number DESC LIMIT 1",
        at=position,
    )
    return rows[0][0] if rows else 0


def _compare(ledger: PostgresLedger, position: int, sent: bytes) -> None:
    rows = ledger.rows("SELECT state FROM stored_events WHERE position = :at", at=position)
    if not rows or stored(sent) != rows[0][0]:
        msg = f"the event that was told at position {position} is not the one that the ledger has there"
        raise Disagrees(msg)
