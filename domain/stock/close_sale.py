"""A SKU that turned out to be short is off sale on every channel, and is to be counted."""

from itertools import islice
from typing import Final, NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.stock.state import BETWEEN, CountRequested, OrderAtRisk, SaleClosed, StockItem

rules = Rules[StockItem]()
AT_RISK_LISTED: Final = 100


class CloseSale(NamedTuple):
    """A seller cancelled for want of stock."""

    cause: str


@rules.on_command
def close_sale(item: StockItem, command: CloseSale, context: MessageContext) -> list[Event]:
    if item.closed:
        return []
    order = command.cause
    others = [
        OrderAtRisk(
            order=key.partition(BETWEEN)[0],
            line=key.partition(BETWEEN)[2],
            pieces=held.pieces,
            ship_by=held.ship_by,
        )
        for key, held in item.reservations.items()
        if not key.startswith(f"{order}{BETWEEN}")
    ] + [
        OrderAtRisk(order=waiting.order, line=waiting.line, pieces=waiting.pieces, ship_by=waiting.ship_by)
        for waiting in item.queue.values()
        if waiting.order != order
    ]
    others.sort(key=lambda risk: (risk.ship_by is None, risk.ship_by, risk.order, risk.line))
    return [
        SaleClosed(
            at=context.at,
            cause=command.cause,
            at_risk=list(islice(others, AT_RISK_LISTED)),
            at_risk_lines=len(others),
        ),
        CountRequested(at=context.at, cause=command.cause),
    ]
