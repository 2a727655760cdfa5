"""Lists the order lines that are at risk when promised pieces turn out not to be there."""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

from domain.stock.state import KEY_SEPARATOR, OrderAtRisk, StockItem

LISTED: Final = 100


class AtRisk(NamedTuple):
    """`listed`: the most urgent of so many `lines`."""

    listed: list[OrderAtRisk]
    lines: int


def without(item: StockItem, order: str) -> AtRisk:
    """All lines that are promised pieces or wait for them, except those of `order`."""
    promised = (_risk(key, held.pieces, held.ship_by) for key, held in item.reservations.items())
    waiting = (
        OrderAtRisk(order=one.order, line=one.line, pieces=one.pieces, ship_by=one.ship_by)
        for one in item.queue.values()
    )
    return _most_urgent(risk for risk in chain(promised, waiting) if risk.order != order)


def at_location(item: StockItem, location: str) -> AtRisk:
    """The lines that are promised pieces at `location`, with these pieces."""
    there = ((key, held, dict(held.at).get(location, 0)) for key, held in item.reservations.items())
    return _most_urgent(_risk(key, pieces, held.ship_by) for key, held, pieces in there if pieces)


def _risk(key: str, pieces: int, ship_by: datetime | None) -> OrderAtRisk:
    order, line = key.split(KEY_SEPARATOR)
    return OrderAtRisk(order=order, line=line, pieces=pieces, ship_by=ship_by)


def _most_urgent(risks: Iterable[OrderAtRisk]) -> AtRisk:
    by_due = sorted(risks, key=lambda risk: (risk.ship_by is None, risk.ship_by, risk.order, risk.line))
    return AtRisk(by_due[:LISTED], len(by_due))
