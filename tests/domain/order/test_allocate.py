"""The order mirrors the decisions of stock, and records when its ship-by instant has passed."""

from domain.order import ORDER
from domain.order.allocate import (
    LineAllocated,
    LineBackordered,
    LineDeallocated,
    MirrorAllocation,
    MirrorBackorder,
    MirrorRelease,
    PassShipBy,
    ShipByMissed,
)
from tests.domain.messages import SHIP_BY, left, order_paid, order_placed, ordered, shipment_dispatched
from tests.given import Given, at, happened

an_order = Given(ORDER)
paid = an_order.given(order_placed(ordered(3)), order_paid())
allocated = happened(LineAllocated, moves=[left("open", 3)])
backordered = happened(LineBackordered, moves=[left("open", 3)])


def test_what_stock_reserved_is_allocated() -> None:
    paid.when(MirrorAllocation("1", 3)).then(allocated)


def test_what_stock_lacks_is_backordered() -> None:
    paid.when(MirrorBackorder("1", 3)).then(backordered)


def test_a_line_may_be_allocated_in_part_and_wait_in_part() -> None:
    half = happened(LineAllocated, moves=[left("open", 1)])
    rest = happened(LineBackordered, moves=[left("open", 2)])
    paid.when(MirrorAllocation("1", 1)).then_once_by_inbox(half)
    paid.given(half).when(MirrorBackorder("1", 2)).then(rest)
    assert paid.given(half, rest).state.lines["1"].units == {"allocated": 1, "backordered": 2}


def test_pieces_that_waited_are_allocated_before_open_ones() -> None:
    waiting = happened(LineBackordered, moves=[left("open", 1)])
    moves = [left("backordered", 1), left("open", 2)]
    paid.given(waiting).when(MirrorAllocation("1", 3)).then(happened(LineAllocated, moves=moves))


def test_pieces_that_have_left_are_not_allocated_any_more() -> None:
    paid.given(shipment_dispatched(left("open", 3))).when(MirrorAllocation("1", 3)).then()


def test_when_the_hold_of_an_unpaid_order_ends_its_pieces_are_open_again() -> None:
    released = happened(LineDeallocated, moves=[left("allocated", 3)], reason="hold_expired")
    paid.given(allocated).when(MirrorRelease("1", 3)).then(released)
    assert paid.given(allocated, released).state.lines["1"].units == {"open": 3}


def test_the_ship_by_instant_passes_with_pieces_still_here() -> None:
    missed = happened(ShipByMissed, at=SHIP_BY, ship_by=SHIP_BY, lines=["1"], pieces=3)
    paid.given(allocated).when(PassShipBy(SHIP_BY), at=SHIP_BY).then(missed)


def test_only_what_was_not_handed_over_is_late() -> None:
    sent = shipment_dispatched(left("open", 2), last=False)
    missed = happened(ShipByMissed, at=SHIP_BY, ship_by=SHIP_BY, lines=["1"], pieces=1)
    paid.given(sent).when(PassShipBy(SHIP_BY), at=SHIP_BY).then(missed)


def test_an_order_that_left_in_time_misses_nothing() -> None:
    paid.given(shipment_dispatched(left("open", 3))).when(PassShipBy(SHIP_BY), at=SHIP_BY).then()


def test_a_line_with_a_date_of_its_own_is_late_by_that_date() -> None:
    own = at(days=1)
    two_lines = an_order.given(order_placed(ordered(1), ordered(2, "2", "TABLE", ship_by=own)), order_paid())
    two_lines.when(PassShipBy(own), at=own).then(
        happened(ShipByMissed, at=own, ship_by=own, lines=["2"], pieces=2)
    )
    two_lines.when(PassShipBy(SHIP_BY), at=SHIP_BY).then(
        happened(ShipByMissed, at=SHIP_BY, ship_by=SHIP_BY, lines=["1"], pieces=1)
    )


def test_an_instant_that_is_no_longer_the_deadline_passes_unnoticed() -> None:
    paid.when(PassShipBy(at(days=1)), at=at(days=1)).then()
