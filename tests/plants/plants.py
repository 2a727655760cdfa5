"""Mistakes to plant into the code, one at a time: each must be noticed by the tests of whole sellers.

Each stands for a kind of mistake that was once real.  `test_plants` says which tests must notice it.
"""

from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]


class Plant(NamedTuple):
    """A mistake.  `old` occurs exactly once in `file`, and is replaced by `new`."""

    sentence: str
    file: str
    old: str
    new: str

    @property
    def path(self) -> Path:
        return ROOT / self.file


def planted(plant: Plant, source: str) -> str:
    assert source.count(plant.old) == 1, f"{plant.file}: {plant.old!r} occurs {source.count(plant.old)} times"
    return source.replace(plant.old, plant.new)


ORDERS: Final = (
    Plant(
        "a fact that is stated again with other content is silent",
        "domain/order/discrepancy.py",
        "    if not differing:\n        return []",
        "    if differing:\n        return []",
    ),
    Plant(
        "a claim that grows line by line is taken for a repeat",
        "domain/order/discrepancy.py",
        "[(line, pieces) for line, pieces in new if pieces > 0],",
        "[(line, pieces) for line, pieces in new if pieces > 0 and not before],",
    ),
    Plant(
        "the pieces of a parcel whose label was voided are lost",
        "domain/order/dispatch.py",
        'parcel.holds in FAILED if failed else parcel.status == "cancelled"',
        "parcel.holds in FAILED",
    ),
    Plant(
        "a refund of more than was captured is silent",
        "domain/order/refund.py",
        "    if command.amount > left:",
        "    if left < 0:",
    ),
    Plant(
        "an order that is not paid is sent if an operator wishes it",
        "domain/order/dispatch.py",
        "    if lacks_payment(order):",
        "    if order.reversed and lacks_payment(order):",
    ),
    Plant(
        "a parcel leaves although its buyer waits for the answer to a cancel",
        "domain/order/dispatch.py",
        "if blocked and command.override is None:",
        "if not moves and command.override is None:",
    ),
    Plant(
        "a payment that does not cover the price makes the order paid",
        "domain/order/money.py",
        "        if in_full or beyond >= 0:",
        "        if captured:",
    ),
    Plant(
        "a scan without meaning undoes a delivery",
        "domain/order/track.py",
        'if not (scan.status == "unknown" or unclear',
        "if not (unclear",
    ),
    Plant(
        "a repeated scan of a delivery moves the delivery",
        "domain/order/track.py",
        "or unclear or repeated or on_the_way_back",
        "or unclear or on_the_way_back",
    ),
    Plant(
        "what arrived first holds, not what happened last",
        "domain/order/track.py",
        "shipment.dispatched and (not late or not simple) and to",
        "shipment.dispatched and to",
    ),
    Plant(
        "a cancel after the hand-over takes pieces back from the carrier",
        "domain/order/cancel.py",
        "    moves = take(order, rest.items(), BEFORE_HANDOVER)",
        "    moves = take(order, rest.items(), BEFORE_HANDOVER + HANDED_OVER)",
    ),
    Plant(
        "the money of a cancel is not recorded as owed",
        "domain/fulfilment_process.py",
        '    step = WorkOutRefund("cancel", event.cancellation_id, lines, fault)\n    yield from',
        '    step = WorkOutRefund("cancel", event.cancellation_id, lines, fault)\n    if not fault:\n'
        "        yield from",
    ),
    Plant(
        "a refund is due a business day too late",
        "domain/policies/refunds.py",
        "days.local_day(from_at), policy.refund_within_business_days)",
        "days.local_day(from_at), policy.refund_within_business_days + 1)",
    ),
    Plant(
        "a buyer's cancel of what is out of stock is no fault of the seller",
        "domain/order/fault.py",
        '        return "seller"\n    return stated or FAULT_OF',
        '        return stated or "seller"\n    return stated or FAULT_OF',
    ),
    Plant(
        "a time in the future is believed",
        "consumers/credible.py",
        "        if not self._is_ahead(seller, claimed):",
        "        if claimed:",
    ),
    Plant(
        "a message that is sent twice takes effect twice",
        "consumers/engine.py",
        "elif (repeat := self._inbox.repeat(message)) is not None:",
        "elif (repeat := self._inbox.repeat(message)) is not None and not message.command.opens "
        'and "receipt" not in str(message.command):',
    ),
)

STOCK: Final = (
    Plant(
        "a hold that expires frees pieces that are packed",
        "domain/stock/reservations.py",
        "reservation.expires_at, reservation.pieces - reservation.firm)",
        "reservation.expires_at, reservation.pieces)",
    ),
    Plant(
        "two buyers get the same piece",
        "domain/stock/reservations.py",
        "    free = 0 if item.uncounted or queued else max(0, item.available)",
        "    free = 0 if item.uncounted or queued else sum(one.on_hand for one in item.balances.values())",
    ),
    Plant(
        "the reserved pieces are not the sum of the reservations",
        "domain/stock/evolve.py",
        "balances=_change_reserved(item.balances, event.locations, reserved=-1),",
        "balances=item.balances,",
    ),
    Plant(
        "a piece that leaves stays on hand",
        "domain/stock/evolve.py",
        "Balance(-part.pieces, -part.reserved)",
        "Balance(0, -part.reserved)",
    ),
    Plant(
        "a returned piece is sold before its inspection",
        "domain/stock/evolve.py",
        "return _moved(item, event.location, event.at, Balance(quarantine=event.pieces))",
        "return _moved(item, event.location, event.at, Balance(event.pieces))",
    ),
    Plant(
        "a SKU stays on sale after an order was cancelled for want of it",
        "domain/fulfilment_process.py",
        '    if event.reason == "out_of_stock":',
        '    if event.reason == "out_of_stock" and event.initiator == "customer":',
    ),
    Plant(
        "a write-off of promised pieces is silent",
        "domain/stock/book.py",
        "    if left >= promised:",
        "    if left >= 0:",
    ),
    Plant(
        "a missing piece makes the stock negative",
        "domain/stock/corrections.py",
        "    missing = take.pieces - max(0, on_hand)",
        "    missing = 0",
    ),
    Plant(
        "pieces that are released wait although a buyer waits for them",
        "domain/stock/reservations.py",
        "    if item.uncounted or item.head == item.tail or item.available <= 0:",
        "    if item.uncounted or item.head == item.tail or item.available <= 1:",
    ),
)

RETURNS: Final = (
    Plant(
        "a returned piece is restocked twice",
        "domain/returns/receive.py",
        "    left = {name: line.received - line.inspected for name, line in ret.lines.items()}",
        "    left = {name: line.received for name, line in ret.lines.items()}",
    ),
    Plant(
        "returns of two accounts with the same id are mixed",
        "domain/returns/namesakes.py",
        "    if owner is None or (ret.order is not None and owner_of(ret.order) == owner):",
        "    if owner is None or ret.order is not None:",
    ),
    Plant(
        "a damaged piece is restocked",
        "domain/returns/receive.py",
        'if allowed == "restock" and unit.condition in NOT_SELLABLE:',
        'if allowed == "restock" and not unit.condition:',
    ),
)

ANSWERS: Final = (
    Plant(
        "a limit may still be met at its instant",
        "domain/punctuality.py",
        "    return now >= limit",
        "    return now > limit",
    ),
    Plant(
        "a holiday is a business day",
        "domain/policies/calendar.py",
        "day.weekday() not in self.days_off and day not in self.holidays",
        "day.weekday() not in self.days_off",
    ),
    Plant(
        "points are given on the day itself",
        "domain/policies/penalty_points.py",
        "    on = days.add_business_days(due_on, grace + 1)",
        "    on = days.add_business_days(due_on, max(grace, 1))",
    ),
    Plant(
        "points count for a day too long",
        "domain/policies/penalty_points.py",
        "    return accrued_on + timedelta(days=rules.trigger.window_days)",
        "    return accrued_on + timedelta(days=rules.trigger.window_days + 1)",
    ),
    Plant(
        "the points of Naver are given to Coupang",
        "projections/questions/penalty.py",
        "    rules = RULES.get(channel)",
        '    rules = RULES.get("naver")',
    ),
    Plant(
        "the points of two accounts are mixed",
        "projections/questions/penalty.py",
        '        *equal(seller_id=seller, channel=channel, account=account),\n        *between("occurred_at"',
        '        *equal(seller_id=seller, channel=channel),\n        *between("occurred_at"',
    ),
    Plant(
        "the paid orders of two accounts are mixed",
        "projections/questions/penalty.py",
        "        *equal(seller_id=seller, channel=rules.channel, account=account),",
        "        *equal(seller_id=seller, channel=rules.channel),",
    ),
    Plant(
        "a line that is not due yet counts as late",
        "projections/questions/kpi.py",
        "    denominator -= not_due",
        "    denominator -= 0",
    ),
    Plant(
        "what the buyer cancelled counts as not filled",
        "projections/kpis.py",
        "        requested = line.ordered - line.cancelled_customer",
        "        requested = line.ordered",
    ),
    Plant(
        "a parcel with a part of an order delivers the order",
        "projections/kpis.py",
        "    return order.delivered > 0 and order.delivered + order.cancelled == order.ordered",
        "    return order.delivered > 0",
    ),
    Plant(
        "an order that its buyer cancelled is one that the seller failed to fulfil",
        "projections/kpis.py",
        "all(not line.cancelled_seller for line in view.lines.values())",
        "all(not line.cancelled for line in view.lines.values())",
    ),
    Plant(
        "a cancel after the limit makes up for it",
        "projections/kpis.py",
        "line.cancelled == line.ordered and is_on_time(done, limit or 0)",
        "line.cancelled == line.ordered",
    ),
    Plant(
        "pieces that a carrier sent back are returns of the buyer",
        "projections/orders/view.py",
        "    return max(0, line.returned - line.returned_to_sender)",
        "    return line.returned",
    ),
    Plant(
        "a line counts as done when its first parcel has left",
        "projections/orders/view.py",
        "    if line.waiting or line.packed:\n        return None",
        "    if not line.last_dispatched_at and (line.waiting or line.packed):\n        return None",
    ),
    Plant(
        "an order without a payment is in the rates",
        "projections/kpis.py",
        "    if order.paid_at is None and order.first_dispatched_at is None:",
        "    if not view.lines:",
    ),
    Plant(
        "a channel may sell more than its share",
        "domain/stock/sellable.py",
        "int(policy.share_of(channel, account) * Decimal(",
        "int(max(policy.share_of(channel, account), 1) * Decimal(",
    ),
)

PLANTS: Final = (*ORDERS, *STOCK, *RETURNS, *ANSWERS)
