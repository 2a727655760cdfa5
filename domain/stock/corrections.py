"""Corrections of the book: when more is taken than it has, and when facts are reported late (ADR 28)."""

from datetime import datetime
from typing import NamedTuple

from domain.decider import MessageContext
from domain.message import Event
from domain.stock.past import Past
from domain.stock.state import (
    CORRECTION,
    COUNTED_SINCE,
    SETTLED,
    Balance,
    StockAdjusted,
    StockItem,
    discrepancy,
)


class Move(NamedTuple):
    """Pieces that come to a location or leave it.  `subject`: the fact that moves them."""

    location: str
    pieces: int
    subject: str


def before_take(item: StockItem, take: Move, context: MessageContext) -> list[Event]:
    """What is corrected before pieces are taken, so that on hand never becomes negative."""
    past = item.past.get(take.location, Past())
    if past.counted_at is not None and context.at < past.counted_at:
        return [counted_since(past.counted_at, take._replace(pieces=-take.pieces))]
    on_hand = item.balances.get(take.location, Balance()).on_hand
    missing = take.pieces - max(0, on_hand)
    if missing <= 0:
        return []
    return [
        discrepancy(context, "less_on_hand_than_taken", take.subject, max(0, on_hand), take.pieces),
        correction(context.at, take._replace(pieces=missing)),
    ]


def after_inflow(
    item: StockItem, inflow: Move, context: MessageContext, *, is_receipt: bool = False
) -> list[Event]:
    """What is corrected after pieces came: a count has seen them already, or they have left already.

    A receipt is often dated when it is reported, so it explains pieces that left before its date, too.
    """
    past = item.past.get(inflow.location, Past())
    if past.counted_at is not None and context.at < past.counted_at:
        return [counted_since(past.counted_at, inflow)]
    return [*settlements(past, None if is_receipt else context.at, inflow)]


def correction(at: datetime, missing: Move) -> StockAdjusted:
    """Adds pieces that left although the book had none."""
    return StockAdjusted(
        at=at,
        adjustment_id=f"{missing.subject}/correction",
        location=missing.location,
        delta=missing.pieces,
        reason=CORRECTION,
        missing=missing.pieces,
    )


def settlements(past: Past, since: datetime | None, explained: Move) -> list[StockAdjusted]:
    """Takes corrections back that were made at `since` or later, as many as are explained."""
    events: list[StockAdjusted] = []
    left = explained.pieces
    for at, missing in past.missing:
        pieces = min(left, missing)
        if pieces and (since is None or since <= at):
            left -= pieces
            settled = StockAdjusted(
                at=at,
                adjustment_id=f"{explained.subject}/settled",
                location=explained.location,
                delta=-pieces,
                reason=SETTLED,
                missing=-pieces,
            )
            events.append(settled)
    return events


def counted_since(counted_at: datetime, move: Move) -> StockAdjusted:
    """Takes a move back, because a later count has seen it: the count's difference becomes another."""
    return StockAdjusted(
        at=counted_at,
        adjustment_id=f"{move.subject}/counted",
        location=move.location,
        delta=-move.pieces,
        reason=COUNTED_SINCE,
    )
