"""The order aggregate: one order of one channel, with each ordered piece in exactly one state.

placed -> paid -> acknowledged -> allocated | backordered -> packed -> dispatched -> tracked -> delivered,
and besides it cancels, returns, refunds and reviews.  Each family of rules has its own module.
"""

from typing import Any

from domain.decider import Decider, MessageContext, Rules
from domain.errors import TooEarly
from domain.message import Event
from domain.order import (
    allocate,
    cancel,
    check,
    discrepancy,
    dispatch,
    fulfil,
    handover,
    pack,
    payment,
    place,
    refund,
    returns,
    review,
    stopped,
    track,
)
from domain.order.place import PlaceOrder
from domain.order.state import Order, OrderCommand

RULES = Rules(
    place.rules,
    payment.rules,
    discrepancy.rules,
    allocate.rules,
    cancel.rules,
    pack.rules,
    dispatch.rules,
    handover.rules,
    fulfil.rules,
    track.rules,
    returns.rules,
    refund.rules,
    review.rules,
    stopped.rules,
    check.rules,
)


def decide(order: Order, command: Any, context: MessageContext) -> list[Event]:
    """The events that `command` causes now; none if it has been carried out before.

    Raises: Refused, if a rule forbids a wish; TooEarly, if the order has not been placed yet.
    """
    if order.placed_at is None and not isinstance(command, PlaceOrder):
        waits_for = f"order {command.order_id}" if isinstance(command, OrderCommand) else "its order"
        raise TooEarly(waits_for)
    return RULES.decide(order, command, context)


ORDER = Decider(start=Order(), rules=RULES, decide=decide, evolve=RULES.evolve, evolves=6)
