"""Milestones arrive late, twice, out of order or before the dispatch: the latest by carrier time holds."""

import pytest

from domain.order import ORDER
from domain.order.track import RANK, STATUSES, RecordTracking
from domain.values import TrackingStatus, UnitState
from tests.domain.messages import left, order, order_placed, ordered, shipment_dispatched, shipment_tracked
from tests.given import Given, at

an_order = Given(ORDER)
placed = an_order.given(order_placed(ordered(2)))
sent = placed.given(shipment_dispatched(left("open", 2)))
delivered = shipment_tracked("delivered", left("in_transit", 2), to="delivered", at=at(days=2))


def seen(status: TrackingStatus, shipment_id: str = "s1") -> RecordTracking:
    return order(RecordTracking, shipment_id=shipment_id, status=status)


@pytest.mark.parametrize(
    ("status", "to"),
    [("delivered", "delivered"), ("lost", "lost"), ("return_to_sender", "returned_to_sender")],
)
def test_three_milestones_say_where_the_pieces_are(status: TrackingStatus, to: UnitState) -> None:
    sent.when(seen(status)).then(shipment_tracked(status, left("in_transit", 2), to=to))


@pytest.mark.parametrize(
    "status", [status for status in STATUSES if status not in {"delivered", "lost", "return_to_sender"}]
)
def test_any_other_milestone_means_in_transit(status: TrackingStatus) -> None:
    sent.when(seen(status)).then(shipment_tracked(status))


def test_the_carriers_own_code_and_when_it_wrote_it_are_kept_beside_our_word() -> None:
    scan = order(RecordTracking, shipment_id="s1", status="unknown", raw_code="ZZ9")
    kept = shipment_tracked("unknown", raw_code="ZZ9", reported_at=at(hours=1))
    sent.when(scan, reported_at=at(hours=1)).then(kept)


def test_a_milestone_told_twice_is_recorded_once() -> None:
    sent.given(delivered).when(seen("delivered"), at=at(days=2)).then()


def test_a_late_milestone_is_kept_and_moves_nothing() -> None:
    late = shipment_tracked("out_for_delivery", late=True, at=at(days=1))
    sent.given(delivered).when(seen("out_for_delivery"), at=at(days=1)).then(late)
    assert sent.given(delivered, late).state.lines["1"].units == {"delivered": 2}


def test_at_the_same_instant_the_milestone_further_on_holds() -> None:
    late = shipment_tracked("in_transit", late=True, at=at(days=2))
    sent.given(delivered).when(seen("in_transit"), at=at(days=2)).then(late)


def test_a_milestone_backwards_corrects_the_one_before() -> None:
    moves = left("delivered", 2)
    corrected = shipment_tracked("in_transit", moves, corrects=True, at=at(days=3))
    sent.given(delivered).when(seen("in_transit"), at=at(days=3)).then(corrected)


def test_a_lost_parcel_may_turn_up() -> None:
    lost = shipment_tracked("lost", left("in_transit", 2), to="lost", at=at(days=2))
    turned_up = shipment_tracked("delivered", left("lost", 2), to="delivered", at=at(days=9))
    sent.given(lost).when(seen("delivered"), at=at(days=9)).then(turned_up)


def test_a_milestone_before_the_dispatch_is_kept_and_moves_nothing_yet() -> None:
    placed.when(seen("delivered"), at=at(days=2)).then(
        shipment_tracked("delivered", to="delivered", at=at(days=2))
    )


def test_the_dispatch_told_after_it_puts_the_pieces_where_the_parcel_is() -> None:
    early = shipment_tracked("delivered", to="delivered", at=at(days=2))
    after = placed.given(early, shipment_dispatched(left("open", 2)))
    assert after.state.lines["1"].units == {"delivered": 2}


def test_each_parcel_goes_its_own_way() -> None:
    two = placed.given(
        shipment_dispatched(left("open", 1), last=False),
        shipment_dispatched(left("open", 1), shipment_id="s2"),
    )
    arrived = shipment_tracked("delivered", left("in_transit", 1), to="delivered", shipment_id="s2")
    two.when(seen("delivered", "s2")).then(arrived)
    assert two.given(arrived).state.lines["1"].units == {"in_transit": 1, "delivered": 1}


def test_every_milestone_has_a_rank_of_its_own() -> None:
    assert sorted(RANK.values()) == list(range(len(STATUSES)))
