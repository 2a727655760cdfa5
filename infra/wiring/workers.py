"""How each worker of the production way is put together."""

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
from infra.workers.projector import AT_ONCE, FoldHandler
from infra.workers.relay import Relay
from infra.workers.timekeeper import Timekeeper


class NoTopic(Exception):
    """A topic is missing: `jumun topics create` makes them."""


def topic_id(kafka: Kafka, name: str) -> str:
    """Of the topic as it is now.  Raises: NoTopic, Unreachable."""
    cluster = kafka.cluster()
    try:
        found = cluster.topics([name])
    finally:
        cluster.close()
    if name not in found:
        raise NoTopic(name)
    return found[name].id


def engine(
    settings: Settings,
    *,
    skip_deleted: bool = False,
    new_topic: bool = False,
    deciders: Deciders = DECIDERS,
) -> Worker:
    """Decides messages of the inbound topic."""
    kafka, inbound, ledger = connect(settings, SYSTEM), settings.topic("inbound"), open_ledger(settings)
    ledger.clear()
    deciding = DecisionHandler(
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
        member, deciding, SYSTEM, most=settings.batch, lag=Lag(kafka, "engine", group, inbound, SYSTEM)
    )


def relay(settings: Settings) -> Worker:
    """Tells the ledger's events and outcomes to their topics."""
    return Relay(connect(settings, SYSTEM), open_ledger(settings), settings, SYSTEM)


def projector(settings: Settings) -> Worker:
    """Folds the ledger topic's events into the read models."""
    group = settings.group(f"projector-{settings.read_models_schema}")
    kafka, topic = connect(settings, SYSTEM), settings.topic("ledger")
    ledger, read_models = open_ledger(settings), open_read_models(settings)
    read_models.of(ledger.ledger_id)
    folding = FoldHandler(ledger, read_models, SYSTEM)
    member = kafka.member(topic, group, name=settings.worker_name or None)
    return PartitionConsumer(
        member, folding, SYSTEM, most=AT_ONCE, lag=Lag(kafka, "projector", group, topic, SYSTEM)
    )


def timekeeper(settings: Settings, *, allow_jump: bool = False) -> Worker:
    """Says once a second how late it is."""
    return Timekeeper(
        connect(settings, SYSTEM), open_ledger(settings), settings, SYSTEM, allow_jump=allow_jump
    )
