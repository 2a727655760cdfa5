"""Handing over: a wish may be refused; a parcel that has left is a fact."""

from domain.order.dispatch import CancelPending, DispatchShipment, NothingPacked, Override, RecordDispatch
from domain.order.handover import InvoiceCorrected
from domain.order.pack import (
    RecordPacking,
)
from tests.domain.messages import (
    cancel_rejected,
    cancel_requested,
    contradiction,
    left,
    lines_cancelled,
    order,
    pieces_of,
    shipment_dispatched,
    shipment_packed,
    some,
)
from tests.domain.order.packed_orders import (
    allocated,
    dispatch,
    left_the_house,
    packed,
    placed,
)
from tests.given import happened

# The wish to dispatch.


def test_a_packed_shipment_is_handed_over() -> None:
    dispatched = shipment_dispatched(left("packed", 3), carrier="cj", tracking_number="6012", last=False)
    packed.when(dispatch).then(dispatched)


def test_the_last_shipment_of_an_order_says_so() -> None:
    rest = packed.given(lines_cancelled(left("allocated", 2, "2", "TABLE")))
    dispatched = shipment_dispatched(left("packed", 3), carrier="cj", tracking_number="6012", last=True)
    rest.when(dispatch).then(dispatched)


def test_nothing_packed_nothing_dispatched() -> None:
    allocated.when(dispatch).then_refused(NothingPacked, shipment_id="s1")


def test_a_shipment_whose_pieces_were_all_cancelled_is_not_dispatched() -> None:
    cancelled = packed.given(lines_cancelled(left("packed", 3)))
    cancelled.when(dispatch).then_refused(NothingPacked, shipment_id="s1")


def test_a_pending_cancel_blocks_dispatch() -> None:
    blocked = packed.given(cancel_requested(1))
    blocked.when(dispatch).then_refused(CancelPending, shipment_id="s1", requests=["q1"])


def test_every_request_in_the_way_is_named() -> None:
    blocked = packed.given(cancel_requested(1, request_id="q2"), cancel_requested(1))
    blocked.when(dispatch).then_refused(CancelPending, shipment_id="s1", requests=["q1", "q2"])


def test_a_request_on_another_line_is_not_in_the_way() -> None:
    other_line = cancel_requested(1, lines=pieces_of(1, "2"), pending=pieces_of(1, "2"))
    dispatched = shipment_dispatched(left("packed", 3), carrier="cj", tracking_number="6012", last=False)
    packed.given(other_line).when(dispatch).then(dispatched)


def test_pieces_that_stay_behind_can_wait_for_the_answer() -> None:
    half = allocated.given(shipment_packed(left("allocated", 2)), cancel_requested(1))
    dispatched = shipment_dispatched(left("packed", 2), carrier="cj", tracking_number="6012", last=False)
    half.when(dispatch).then(dispatched)


def test_an_operator_overrides_and_the_same_decision_says_who_and_why() -> None:
    override = Override(operator="kim", reason="the buyer called: send it")
    command = order(DispatchShipment, shipment_id="s1", override=override)
    rejected = cancel_rejected(by="kim", reason="the buyer called: send it")
    dispatched = shipment_dispatched(left("packed", 3), last=False)
    packed.given(cancel_requested(1)).when(command).then(rejected, dispatched)


def test_an_override_of_nothing_rejects_nothing() -> None:
    override = Override(operator="kim", reason="just in case")
    command = order(DispatchShipment, shipment_id="s1", override=override)
    packed.when(command).then(shipment_dispatched(left("packed", 3), last=False))


def test_a_request_decided_no_longer_blocks() -> None:
    dispatched = shipment_dispatched(left("packed", 3), carrier="cj", tracking_number="6012", last=False)
    packed.given(cancel_requested(1), cancel_rejected()).when(dispatch).then(dispatched)


def test_a_request_that_waits_blocks_even_when_another_on_the_line_was_rejected() -> None:
    """Two of three pieces were dispatched despite both requests; q1 is rejected, q2 waits for the last."""
    both = allocated.given(cancel_requested(2), cancel_requested(1, request_id="q2"))
    sent = both.given(
        shipment_dispatched(left("allocated", 2), shipment_id="s0", last=False),
        cancel_rejected(),
        shipment_packed(left("allocated", 1)),
    )
    sent.when(dispatch).then_refused(CancelPending, shipment_id="s1", requests=["q2"])


# The fact of a dispatch.


def test_a_parcel_that_left_is_recorded_whether_it_was_packed_or_not() -> None:
    fact = order(RecordDispatch, shipment_id="s1", lines=some(3), carrier="cj", tracking_number="6012")
    dispatched = shipment_dispatched(left("open", 3), carrier="cj", tracking_number="6012", last=False)
    placed.when(fact).then(dispatched)


def test_without_lines_the_packed_shipment_left() -> None:
    packed.when(left_the_house).then(shipment_dispatched(left("packed", 3), last=False))


def test_without_lines_and_packing_all_that_was_here_left() -> None:
    dispatched = shipment_dispatched(left("open", 3), left("open", 2, "2", "TABLE"), last=True)
    placed.when(left_the_house).then(dispatched)


def test_a_dispatch_against_a_pending_cancel_is_recorded_with_its_discrepancy() -> None:
    dispatched = shipment_dispatched(left("packed", 3), last=False)
    discrepancy = contradiction("dispatched_with_cancel_pending", "q1", "no dispatch", "the parcel has left")
    packed.given(cancel_requested(1)).when(left_the_house).then(dispatched, discrepancy)


def test_after_that_the_request_can_no_longer_be_approved() -> None:
    dispatched = packed.given(cancel_requested(1), shipment_dispatched(left("packed", 3), last=False))
    assert not dispatched.state.requests
    assert dispatched.state.lines["1"].cancel_pending == 0


def test_what_left_after_it_was_cancelled_is_recorded_with_its_discrepancy() -> None:
    dispatched = shipment_dispatched(left("cancelled", 3), last=False)
    discrepancy = contradiction("dispatched_after_cancel", "s1", "no dispatch", "the parcel has left")
    fact = order(RecordDispatch, shipment_id="s1", lines=some(3))
    placed.given(lines_cancelled(left("open", 3))).when(fact).then(dispatched, discrepancy)


def test_more_left_than_was_ordered_is_said() -> None:
    fact = order(RecordDispatch, shipment_id="s1", lines=some(4))
    dispatched = shipment_dispatched(left("open", 3), last=False, requested=pieces_of(4))
    discrepancy = contradiction(
        "dispatched_more_than_ordered", "s1", "pieces of the order", "4 pieces, 3 of them known"
    )
    placed.when(fact).then(dispatched, discrepancy)


def test_the_dispatch_of_a_line_not_known_yet_waits_for_it() -> None:
    placed.when(order(RecordDispatch, shipment_id="s1", lines=some(1, "9"))).then_too_early("line 9")


def test_packing_told_after_the_dispatch_is_recorded_and_moves_nothing() -> None:
    dispatched = placed.given(shipment_dispatched(left("open", 3), last=False))
    late_packing = shipment_packed(notes={}, checked_by=None)
    dispatched.when(order(RecordPacking, shipment_id="s1", lines=some(3))).then(late_packing)


def test_a_dispatch_told_by_operator_and_by_carrier_happened_once() -> None:
    invoice = {"carrier": "cj", "tracking_number": "6012"}
    sent = packed.given(shipment_dispatched(left("packed", 3), last=False, **invoice))
    sent.when(dispatch).then()
    sent.when(left_the_house).then()


def test_a_dispatch_told_again_with_a_number_completes_the_invoice() -> None:
    sent = packed.given(shipment_dispatched(left("packed", 3), last=False))
    completed = happened(InvoiceCorrected, shipment_id="s1", carrier="cj", tracking_number="6012")
    sent.when(dispatch).then(completed)
