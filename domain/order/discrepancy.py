"""Rules for facts that contradict earlier ones, or state something again under the same id.

Channels report one claim, payment or parcel several times, often line by line.  What is new is carried out,
what is equal is a repeat, and what contradicts is recorded as a discrepancy, once.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from domain.decider import MessageContext, Rules
from domain.discrepancies import registered
from domain.future_claim import FROM_THE_FUTURE, FlagFutureClaim
from domain.message import Event
from domain.order.state import Move, Order, total
from domain.values import sums

rules = Rules[Order]()

AGAIN: Final = "_again_differently"
"""Ends the kinds that contradict what was stated before under the same id."""
TRACKED: Final = "tracked_without_dispatch"
ONCE: Final = (AGAIN, TRACKED, FROM_THE_FUTURE, "address_changed_after_pack")
"""End the kinds that a repeated message must not record again."""


class OrderDiscrepancyDetected(Event):
    """A recorded fact contradicts the earlier events of this order."""

    kind: str
    subject: str
    expected: str
    observed: str


def discrepancy(
    *, at: datetime, kind: str, subject: str, expected: str, observed: str
) -> OrderDiscrepancyDetected:
    """A discrepancy of a registered kind."""
    return OrderDiscrepancyDetected(
        at=at, kind=registered(kind), subject=subject, expected=expected, observed=observed
    )


class Repeat(NamedTuple):
    """Pieces by line of a fact, compared with those stated before."""

    new: list[tuple[str, int]]
    """(line, pieces) beyond those stated before."""
    fewer: dict[str, int]
    """Lines with fewer pieces than stated before."""


def compare(order: Order, key: str, requested: list[tuple[str, int]]) -> Repeat:
    """Compares the pieces of a fact with what was stated under `key` before."""
    before = order.contents.get(key, {})
    new = [(line, pieces - before.get(line, 0)) for line, pieces in requested]
    return Repeat(
        [(line, pieces) for line, pieces in new if pieces > 0],
        {line: pieces for line, pieces in requested if pieces < before.get(line, 0)},
    )


def stated_again(order: Order, context: MessageContext, key: str, stated: Mapping[str, int]) -> list[Event]:
    """A discrepancy if `stated` contradicts the contents under `key`, unless it was recorded already."""
    kind, _, subject = key.partition(":")
    before = order.contents.get(key, {})
    differing = {name: value for name, value in stated.items() if before.get(name) != value}
    if not differing:
        return []
    event = discrepancy(
        at=context.at,
        kind=kind + AGAIN,
        subject=subject,
        expected=contents_text({name: before.get(name, 0) for name in differing}),
        observed=contents_text(differing),
    )
    return not_recorded(order, [event])


def location_stated_again(
    order: Order, context: MessageContext, key: str, before: str | None, stated: str | None
) -> list[Event]:
    """A discrepancy if a parcel with the contents under `key` is stated at another location than before."""
    if stated is None or stated == (before or "main") or key not in order.contents:
        return []
    kind, _, subject = key.partition(":")
    event = discrepancy(
        at=context.at,
        kind=kind + AGAIN,
        subject=subject,
        expected=f"location: {before or 'not stated'}",
        observed=f"location: {stated}",
    )
    return not_recorded(order, [event])


def with_contents(order: Order, key: str, stated: Mapping[str, int]) -> dict[str, Mapping[str, int]]:
    """`order.contents` with the pieces or amounts `stated` added under `key`."""
    before = order.contents.get(key, {})
    return {**order.contents, key: sums((*before.items(), *stated.items()))}


def shortfall(
    context: MessageContext, kind: str, shipment_id: str, requested: list[tuple[str, int]], moves: list[Move]
) -> list[Event]:
    requested_total = sum(pieces for _, pieces in requested)
    if total(moves) == requested_total:
        return []
    observed = f"{requested_total} pieces, {total(moves)} of them known"
    return [
        discrepancy(
            at=context.at, kind=kind, subject=shipment_id, expected="pieces of the order", observed=observed
        )
    ]


def contents_text(values: Mapping[str, int] | Mapping[str, str]) -> str:
    """For people, for example `1: 2, 2: 1` or `1: out_of_stock`."""
    return ", ".join(f"{name}: {value}" for name, value in sorted(values.items()))


def not_recorded(order: Order, events: Iterable[OrderDiscrepancyDetected]) -> list[Event]:
    """Those of the discrepancies that were not recorded before."""
    return [event for event in events if _key(event) not in order.seen_keys]


def _key(event: OrderDiscrepancyDetected) -> str:
    """The seen key by which the same contradiction is recorded once."""
    return f"discrepancy:{event.kind}:{event.subject}:{event.observed}"


@rules.on_command
def flag_future_claim(order: Order, command: FlagFutureClaim, context: MessageContext) -> list[Event]:
    event = discrepancy(
        at=context.at,
        kind=FROM_THE_FUTURE,
        subject=context.by,
        expected="a time that has come",
        observed=command.claimed.isoformat(),
    )
    return not_recorded(order, [event])


@rules.on_event
def contradicted(order: Order, event: OrderDiscrepancyDetected) -> Order:
    if not event.kind.endswith(ONCE):
        return order
    return order._replace(seen_keys=order.seen_keys | {_key(event)})
