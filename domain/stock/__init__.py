"""A seller's SKU: what is there per location, what is promised of it, and who waits for it.

available = on hand - reserved.  A cancel releases a reservation and never adds stock; only a receipt, a
count, an adjustment or an inspected return does.  Once closed for sale, only a count or a receipt opens it.
"""

from typing import Any

from domain.decider import Decider, MessageContext, Rules
from domain.message import Event
from domain.stock import book, close_sale, evolve, reservations
from domain.stock.alerts import alerts
from domain.stock.book import CountStock, ReceiveStock
from domain.stock.reservations import allot_next
from domain.stock.state import SaleResumed, StockItem

RULES = Rules(book.rules, reservations.rules, close_sale.rules, evolve.rules)


def decide(item: StockItem, command: Any, context: MessageContext) -> list[Event]:
    """The events that `command` causes, and after them: reopening, who waits, and the alerts."""
    return [event for event, _ in tell(item, command, context)]


def tell(item: StockItem, command: Any, context: MessageContext) -> list[tuple[Event, StockItem]]:
    """The events that `command` causes, each with the item as it leaves it."""
    story = _Story(item)
    story.tell(RULES.decide(item, command, context))
    enough = story.item.available > context.policies.stock.safety_stock
    if item.closed and enough and isinstance(command, CountStock | ReceiveStock):
        story.tell([SaleResumed(at=context.at, cause=type(command).__name__)])
    if not story.events:
        return []
    while (allotted := allot_next(story.item, context)) is not None:
        story.tell([allotted])
    story.tell(alerts(story.item, context))
    return story.events


class _Story:
    """Events told so far, and the item as they leave it: what follows depends on what came before."""

    def __init__(self, item: StockItem) -> None:
        self.item = item
        self.events: list[tuple[Event, StockItem]] = []

    def tell(self, events: list[Event]) -> None:
        for event in events:
            self.item = RULES.evolve(self.item, event)
            self.events.append((event, self.item))


STOCK = Decider(start=StockItem(), rules=RULES, decide=decide, evolve=RULES.evolve, story=tell)
