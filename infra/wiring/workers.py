"""Builds the workers of production mode."""

from domain.cascade import Deciders
from domain.catalogue import DECIDERS
from infra.clock import SYSTEM
from infra.kafka.client import connect
from infra.kafka.ports import Kafka
from infra.settings import Settings
from infra.wiring.stores import open_ledger, open_read_models
from infra.workers.engine import DecisionHandler
from infra.workers.lag import Lag
from infra.workers.partition_consumer import PartitionConsumer
from infra.workers.process import Worker
from infra.workers.projector import POLL_RECORDS, FoldHandler
from infra.workers.relay import Relay
from infra.workers.timekeeper import Timekeeper


class NoTopic(Exception):
    """A topic is missing; `jumun topics create` creates it."""


def topic_id(kafka: Kafka, name: str) -> str:
    """The current id of a topic: a topic that is deleted and created again has another.

    Raises: NoTopic, Unreachable.
    """
    cluster = kafka.cluster()
    try:
        topics = cluster.topics([name])
    finally:
        cluster.close()
    if name not in topics:
        raise NoTopic(name)
    return topics[name].id


def engine(
    settings: Settings,
    *,
    skip_deleted: bool = False,
    new_topic: bool = False,
    deciders: Deciders = DECIDERS,
) -> Worker:
    """A worker that decides the messages of the inbound topic."""
    kafka, inbound, ledger = connect(settings, SYSTEM), settings.topic("inbound"), open_ledger(settings)
    ledger.delete_expired()
    handler = DecisionHandler(
        ledger,
        topic_id(kafka, inbound),
        settings,
        SYSTEM,
        skip_deleted=skip_deleted,
        new_topic=new_topic,
        deciders=deciders,
    )
    group = settings.group("engine")
    member = kafka.member(inbound, group, name=settings.worker_name or None)
    return PartitionConsumer(
        member, handler, SYSTEM, max_records=settings.batch, lag=Lag(kafka, "engine", group, inbound, SYSTEM)
    )


def relay(settings: Settings) -> Worker:
    """A worker that publishes the ledger's events and outcomes to their topics."""
    return Relay(connect(settings, SYSTEM), open_ledger(settings), settings, SYSTEM)


def projector(settings: Settings) -> Worker:
    """A worker that folds the events of the ledger topic into the read models."""
    group = settings.group(f"projector-{settings.read_models_schema}")
    kafka, topic = connect(settings, SYSTEM), settings.topic("ledger")
    ledger, read_models = open_ledger(settings), open_read_models(settings)
    read_models.claim_for(ledger.ledger_id)
    handler = FoldHandler(ledger, read_models, SYSTEM)
    member = kafka.member(topic, group, name=settings.worker_name or None)
    return PartitionConsumer(
        member, handler, SYSTEM, max_records=POLL_RECORDS, lag=Lag(kafka, "projector", group, topic, SYSTEM)
    )


def timekeeper(settings: Settings, *, allow_jump: bool = False) -> Worker:
    """A worker that publishes a tick to each partition once a second."""
    return Timekeeper(
        connect(settings, SYSTEM), open_ledger(settings), settings, SYSTEM, allow_jump=allow_jump
    )
