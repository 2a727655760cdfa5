"""Rule for closing the sale of a SKU after an out-of-stock cancel, and requesting a count."""

from itertools import islice
from typing import Final, NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.stock.state import KEY_SEPARATOR, CountRequested, OrderAtRisk, SaleClosed, StockItem

rules = Rules[StockItem]()
AT_RISK_LISTED: Final = 100


class CloseSale(NamedTuple):
    """An order was cancelled because the SKU was out of stock.  `cause`: the order."""

    cause: str


@rules.on_command
def close_sale(item: StockItem, command: CloseSale, context: MessageContext) -> list[Event]:
    if item.uncounted:
        return []
    order = command.cause
    others = [
        OrderAtRisk(
            order=key.partition(KEY_SEPARATOR)[0],
            line=key.partition(KEY_SEPARATOR)[2],
            pieces=reservation.pieces,
            ship_by=reservation.ship_by,
        )
        for key, reservation in item.reservations.items()
        if not key.startswith(f"{order}{KEY_SEPARATOR}")
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
