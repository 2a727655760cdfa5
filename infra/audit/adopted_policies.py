"""The policies that apply to a seller now, and since when."""

from datetime import datetime
from typing import NamedTuple

from domain.policies.documents import Policy
from domain.seller import SELLER, PolicyAdopted, documents
from domain.streams import seller_stream
from infra.event_store.reader import LedgerReader
from infra.event_store.reading.events import stream_events
from infra.wire.stored_events import decode


class AdoptedPolicy(NamedTuple):
    """`by`: who adopted it; None for the policies that a seller begins with."""

    policy: Policy
    since: datetime
    by: str | None


def adopted_policies(ledger: LedgerReader, seller_id: str) -> list[AdoptedPolicy]:
    """Promise policies by channel, then the stock and the return policy, then score marks by channel."""
    seller = SELLER.start
    adopted: list[AdoptedPolicy] = []
    for stored in stream_events(ledger, seller_stream(seller_id)):
        event = decode(stored.topic, stored.state)
        seller = SELLER.evolve(seller, event)
        by = event.by if isinstance(event, PolicyAdopted) else None
        before = {one.policy.model_dump_json(): one for one in adopted}
        adopted = [
            before.get(policy.model_dump_json(), AdoptedPolicy(policy, event.at, by))
            for policy in documents(seller.policies)
        ]
    return adopted
