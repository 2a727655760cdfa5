"""Computes how many pieces of a SKU a channel may sell."""

from decimal import Decimal

from domain.policies.documents import StockPolicy, share_of


def sellable(available: int, policy: StockPolicy, channel: str, *, closed: bool) -> int:
    """The pieces that `channel` may offer: its share of the available pieces above the safety stock."""
    if closed:
        return 0
    return max(0, int(share_of(policy, channel) * Decimal(available - policy.safety_stock)))
