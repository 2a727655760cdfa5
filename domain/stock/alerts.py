"""Detects low stock, sold out and recovery of a SKU by the thresholds of the seller's stock policy."""

from domain.decider import MessageContext
from domain.message import Event
from domain.policies.documents import StockPolicy, ref
from domain.stock.state import Level, LowStockDetected, SoldOutDetected, StockItem, StockRecovered


def alerts(item: StockItem, context: MessageContext) -> list[Event]:
    """An event each time the level changes.  `clear_at` above `units` avoids frequent changes."""
    policy = context.policies.stock
    level = _level(item, policy)
    if level == item.level:
        return []
    available, name = item.available, ref(policy)
    match level:
        case "sold_out":
            return [
                SoldOutDetected(
                    at=context.at, available=available, safety_stock=policy.safety_stock, policy=name
                )
            ]
        case "low":
            threshold = policy.low_stock.units if policy.low_stock else 0
            return [LowStockDetected(at=context.at, available=available, threshold=threshold, policy=name)]
        case "ok":
            return [StockRecovered(at=context.at, available=available, policy=name)]


def _level(item: StockItem, policy: StockPolicy) -> Level:
    if not policy.alerts:
        return item.level
    if item.available <= policy.safety_stock:
        return "sold_out"
    low = policy.low_stock
    if low is None:
        return "ok"
    threshold = low.units if item.level == "ok" else low.clear_at - 1
    return "low" if item.available <= threshold else "ok"
