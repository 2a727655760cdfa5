"""Recreates the topics that the relay writes; needed after a restore, when they hold records of a lost
ledger."""

from collections.abc import Sequence

from infra.kafka import topics
from infra.kafka.ports import Cluster
from infra.settings import Settings


def recreate(cluster: Cluster, settings: Settings) -> Sequence[str]:
    """Deletes the topics ledger, outcomes and set-aside with all records, and creates them.  Returns their
    names.

    It keeps the topic inbound: the engine reads it to decide again what was decided after the backup.

    Raises: TooFewBrokers, Unreachable.
    """
    inbound = settings.topic("inbound")
    wanted = [topic for topic in topics.wanted(settings, cluster.brokers()) if topic.name != inbound]
    for topic in wanted:
        cluster.delete(topic.name)
        cluster.create(*topic)
    return [topic.name for topic in wanted]
