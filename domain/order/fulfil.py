"""Rules for pieces that reach the buyer without a parcel: digital goods, services, and goods picked up."""

from typing import NamedTuple

from domain.decider import MessageContext, Rules
from domain.message import Event
from domain.order.cancel import InputLines
from domain.order.discrepancy import compare, shortfall, stated_again, with_contents
from domain.order.state import (
    NEAREST_TO_HANDOVER,
    LinePieces,
    Move,
    Order,
    OrderCommand,
    more_than_moved,
    moved,
    pieces_by_line,
    require_lines,
    stated_pieces,
    take,
)
from domain.values import Text

rules = Rules[Order]()


class RecordFulfilment(OrderCommand):
    """Fact: the buyer has these pieces, without a parcel: picked up, sent as data, or done as a service."""

    fulfilment_id: Text
    lines: InputLines


class HandOverDigital(NamedTuple):
    """The order is to be fulfilled: its digital lines need nothing else."""


class LinesFulfilled(Event):
    """The buyer has these pieces, without a parcel.  `fulfilment_id`: None for digital lines, at payment."""

    fulfilment_id: str | None
    moves: list[Move]
    requested: list[LinePieces] | None = None
    """What the message stated, if that is more than could be moved."""


@rules.on_command
def fulfil(order: Order, command: RecordFulfilment, context: MessageContext) -> list[Event]:
    require_lines(order, command.lines)
    key = f"fulfilment:{command.fulfilment_id}"
    requested, fewer = compare(order, key, pieces_by_line(command.lines))
    differing = stated_again(order, context, key, fewer)
    if not requested:
        return differing
    moves = take(order, requested, NEAREST_TO_HANDOVER)
    fulfilled = LinesFulfilled(
        at=context.at,
        fulfilment_id=command.fulfilment_id,
        moves=moves,
        requested=more_than_moved(requested, moves),
    )
    short = shortfall(context, "fulfilled_more_than_open", command.fulfilment_id, requested, moves)
    return [fulfilled, *short, *differing]


@rules.on_command
def hand_over_digital(order: Order, _: HandOverDigital, context: MessageContext) -> list[Event]:
    moves = take(order, open_digital(order), ("open",))
    return [LinesFulfilled(at=context.at, fulfilment_id=None, moves=moves)] if moves else []


def open_digital(order: Order) -> list[tuple[str, int]]:
    """(line, pieces) of the digital lines that the buyer does not have yet."""
    return [
        (name, line.units["open"])
        for name, line in order.lines.items()
        if line.delivery == "digital" and "open" in line.units
    ]


@rules.on_event
def fulfilled(order: Order, event: LinesFulfilled) -> Order:
    after = moved(order, event.moves, "delivered")
    if event.fulfilment_id is None:
        return after
    stated = stated_pieces(event.requested, event.moves)
    return after._replace(contents=with_contents(order, f"fulfilment:{event.fulfilment_id}", stated))
