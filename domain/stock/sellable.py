"""Computes how many pieces of a SKU a shop, an account on a channel, may sell."""

from decimal import Decimal

from domain.policies.documents import StockPolicy


def sellable(available: int, policy: StockPolicy, channel: str, account: str = "", *, closed: bool) -> int:
    """The pieces that it may offer: its share of the available pieces above the safety stock."""
    if closed:
        return 0
    return max(0, int(policy.share_of(channel, account) * Decimal(available - policy.safety_stock)))
