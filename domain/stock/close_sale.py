"""Rule for closing the sale of a SKU after an out-of-stock cancel, and requesting a count."""

from typing import NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.stock import at_risk
from domain.stock.state import CountRequested, SaleClosed, StockItem

rules = Rules[StockItem]()


class CloseSale(NamedTuple):
    """An order was cancelled because the SKU was out of stock.  `cause`: the order."""

    cause: str


@rules.on_command
def close_sale(item: StockItem, command: CloseSale, context: MessageContext) -> list[Event]:
    if item.uncounted:
        return []
    risk = at_risk.without(item, command.cause)
    closed = SaleClosed(at=context.at, cause=command.cause, at_risk=risk.listed, at_risk_lines=risk.lines)
    if item.is_counted_after(context.at):
        return [closed]
    return [closed, CountRequested(at=context.at, cause=command.cause)]
