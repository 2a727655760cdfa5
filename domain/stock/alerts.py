"""When a SKU runs low, is sold out, or has recovered: once per crossing, by the seller's stock policy."""

from domain.decider import MessageContext
from domain.message import Event
from domain.policies.documents import StockPolicy, ref
from domain.stock.state import Level, LowStockDetected, SoldOutDetected, StockItem, StockRecovered


def alerts(item: StockItem, context: MessageContext) -> list[Event]:
    """Low stock and sold out, once per crossing; recovered only well above the threshold."""
    policy = context.policies.stock
    level = _level(item, policy)
    if level == item.level or policy.low_stock is None:
        return []
    left, name = item.available, ref(policy)
    match level:
        case "sold_out":
            return [
                SoldOutDetected(at=context.at, available=left, safety_stock=policy.safety_stock, policy=name)
            ]
        case "low":
            threshold = policy.low_stock.units
            return [LowStockDetected(at=context.at, available=left, threshold=threshold, policy=name)]
        case "ok":
            return [StockRecovered(at=context.at, available=left, policy=name)]


def _level(item: StockItem, policy: StockPolicy) -> Level:
    low = policy.low_stock
    if low is None:
        return "ok"
    if item.available <= policy.safety_stock:
        return "sold_out"
    enough = low.units if item.level == "ok" else low.clear_at - 1
    return "low" if item.available <= enough else "ok"
