"""The stock aggregate: one SKU of one seller, with balances per location, reservations and backorders.

available = on hand - reserved.  A cancel releases a reservation and never adds stock; only a receipt, a
count, an adjustment or an inspected return does.  Each counts at the time when it happened, whenever it is
reported (`past`).  A SKU closed for sale is reopened only by a count or a
receipt; a count also lets pieces that fall free go to orders that wait, though the sale stays closed.
"""

from typing import Any

from domain.decider import Decider, MessageContext, Rules
from domain.message import Event
from domain.stock import book, close_sale, evolve, reservations
from domain.stock.alerts import alerts
from domain.stock.book import CountStock, ReceiveStock
from domain.stock.close_sale import CloseSale
from domain.stock.reservations import allot_next
from domain.stock.state import SaleResumed, StockItem

RULES = Rules(book.rules, reservations.rules, close_sale.rules, evolve.rules)


def decide(item: StockItem, command: Any, context: MessageContext) -> list[Event]:
    """The events that `command` causes, followed by reopening, allotment to backorders, and alerts."""
    return [event for event, _ in decide_with_states(item, command, context)]


def decide_with_states(
    item: StockItem, command: Any, context: MessageContext
) -> list[tuple[Event, StockItem]]:
    """The same events as `decide`, each with the state of the item after it."""
    decision = _Decision(item)
    decision.add(RULES.decide(item, command, context))
    enough = decision.item.available > context.policies.stock.safety_stock
    if decision.item.closed and enough and _settles_doubt(decision.item, command):
        decision.add([SaleResumed(at=context.at, cause=type(command).__name__)])
    if not decision.events:
        return []
    while (allotted := allot_next(decision.item, context)) is not None:
        decision.add([allotted])
    decision.add(alerts(decision.item, context))
    return decision.events


def _settles_doubt(item: StockItem, command: Any) -> bool:
    """Whether it is certain again what is there.  A closing may be reported after a count that was later."""
    return isinstance(command, ReceiveStock) or (
        isinstance(command, CountStock | CloseSale) and not item.uncounted
    )


class _Decision:
    """The events decided so far and the item after them, on which the next events depend."""

    def __init__(self, item: StockItem) -> None:
        self.item = item
        self.events: list[tuple[Event, StockItem]] = []

    def add(self, events: list[Event]) -> None:
        for event in events:
            self.item = RULES.evolve(self.item, event)
            self.events.append((event, self.item))


STOCK = Decider(
    start=StockItem(),
    rules=RULES,
    decide=decide,
    evolve=RULES.evolve,
    evolves=4,
    decide_with_states=decide_with_states,
)
