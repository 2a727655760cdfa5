"""The topics that a ledger tells, made anew: what they say is of a ledger that is no more."""

from collections.abc import Sequence

from infra.kafka import topics
from infra.kafka.ports import Cluster
from infra.settings import Settings


def recreate(cluster: Cluster, settings: Settings) -> Sequence[str]:
    """Deletes ledger, outcomes and set-aside with all they hold, and makes them again; their names.

    Never inbound: what was decided after the backup is decided again from it.

    Raises: TooFewBrokers, Unreachable.
    """
    inbound = settings.topic("inbound")
    wanted = [topic for topic in topics.wanted(settings, cluster.brokers()) if topic.name != inbound]
    for topic in wanted:
        cluster.delete(topic.name)
        cluster.create(*topic)
    return [topic.name for topic in wanted]
