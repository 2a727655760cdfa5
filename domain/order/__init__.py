"""An order of one channel: each ordered piece is in exactly one state, and this is how it moves.

placed -> paid -> acknowledged -> allocated | backordered -> packed -> dispatched -> tracked -> delivered,
with cancels, returns, refunds and reviews beside it.  The families of rules stand in files of their own.
"""

from typing import Any

from domain.decider import Decider, MessageContext, Rules
from domain.errors import TooEarly
from domain.message import Event
from domain.order import allocate, cancel, place, refund, returns, review, ship, track
from domain.order.place import PlaceOrder
from domain.order.state import Order, OrderCommand

RULES = Rules(
    place.rules,
    allocate.rules,
    cancel.rules,
    ship.rules,
    track.rules,
    returns.rules,
    refund.rules,
    review.rules,
)


def decide(order: Order, command: Any, context: MessageContext) -> list[Event]:
    """The events that `command` causes now; none if it has been carried out before.

    Raises: Refused, when a rule forbids a wish; TooEarly, when the order is not known yet.
    """
    if order.placed_at is None and not isinstance(command, PlaceOrder):
        waits_for = f"order {command.order_id}" if isinstance(command, OrderCommand) else "its order"
        raise TooEarly(waits_for)
    return RULES.decide(order, command, context)


ORDER = Decider(start=Order(), rules=RULES, decide=decide, evolve=RULES.evolve)
