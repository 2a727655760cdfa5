"""How much of a SKU a channel may sell."""

from decimal import Decimal

from domain.policies.documents import StockPolicy, share_of


def sellable(available: int, policy: StockPolicy, channel: str, *, closed: bool) -> int:
    """Pieces that `channel` may show for sale: its share of what is left above the safety stock."""
    if closed:
        return 0
    return max(0, int(share_of(policy, channel) * Decimal(available - policy.safety_stock)))
