"""Rules for stop requests that were not granted, although the channel had refunded the pieces to the buyer.

Coupang refunds the buyer when the stop is requested.  If the parcel leaves all the same, the pieces come back
as a return at the seller's cost, and nothing more is to be refunded for them.
"""

from typing import Final, NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.answers import answer_of
from domain.order.money import is_priced, return_value
from domain.order.returns import ReturnOpened, return_key, return_opened, returnable, returning_lines
from domain.order.state import Order
from domain.policies.documents import ref

rules = Rules[Order]()

NOT_STOPPED: Final = frozenset({None, "rejected", "overtaken"})
"""The answers after which the pieces travel; None if they had left before the request."""


class OpenStopped(NamedTuple):
    """Pieces of refunded stop requests may have been handed over."""


def may_be_open(order: Order) -> bool:
    return any(_travelling(order, name) for name in order.refunded_stops)


def _travelling(order: Order, request_id: str) -> dict[str, int]:
    """Pieces by line of the refunded request that were handed over, and are in no return yet.

    Of a line that leaves in parts, the pieces that the buyer keeps leave first.
    """
    if request_id not in _not_stopped(order):
        return {}
    pieces: dict[str, int] = {}
    for name, stopped in order.refunded_stops[request_id].items():
        line, opened = order.lines[name], 0
        keeps = line.ordered - line.units.get("cancelled", 0)
        for other in _not_stopped(order):
            keeps -= order.refunded_stops[other].get(name, 0)
            opened += _in_return(order, other, name)
        own = stopped - _in_return(order, request_id, name)
        count = min(own, line.handed_over - keeps - opened, returnable(order, name))
        if count > 0:
            pieces[name] = count
    return pieces


def _not_stopped(order: Order) -> list[str]:
    return [
        name
        for name in sorted(order.refunded_stops)
        if name not in order.requests and answer_of(order, name) in NOT_STOPPED
    ]


def _in_return(order: Order, request_id: str, line: str) -> int:
    return order.contents.get(return_key(request_id), {}).get(line, 0)


@rules.on_command
def open_stopped(order: Order, _: OpenStopped, context: MessageContext) -> list[Event]:
    """Channels number stop requests and returns alike: the return has the id of the request."""
    events: list[Event] = []
    for name in sorted(order.refunded_stops):
        if pieces := _travelling(order, name):
            event = _opened(order, name, list(pieces.items()), context)
            events.append(event)
            order = return_opened(order, event)
    return events


def _opened(
    order: Order, request_id: str, pieces: list[tuple[str, int]], context: MessageContext
) -> ReturnOpened:
    return ReturnOpened(
        at=context.at,
        return_id=request_id,
        lines=returning_lines(order, pieces),
        reason="other",
        origin="channel",
        fault="customer",
        payer="seller",
        channel_reason_code=None,
        words=None,
        window_ends_at=None,
        policy=ref(context.policies.returns),
        by=context.by,
        value=return_value(order, pieces, "customer") if is_priced(order) else None,
        refunded_already=True,
    )
