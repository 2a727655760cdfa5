"""Who may cancel how many pieces, by which route, and who pays for it."""

import pytest
from pydantic import ValidationError

from domain.order import ORDER
from domain.order.allocate import LineAllocated
from domain.order.cancel import (
    CancelLines,
    DecideCancel,
    LinesCancelled,
    MoreThanCancellable,
    NoSuchRequest,
    NothingOrdered,
    RecordCancellation,
    RequestAnswered,
    RequestCancel,
)
from domain.order.fault import FAULT_OF
from domain.order.place import OrderAcknowledged
from domain.policies.defaults import DEFAULTS, KR_DEFAULT
from domain.policies.documents import adopt
from domain.values import CancelReason, Initiator
from tests.domain.messages import (
    REFUND_DUE,
    cancel_rejected,
    cancel_requested,
    contradiction,
    left,
    lines_cancelled,
    order,
    order_paid,
    order_placed,
    ordered,
    pieces_of,
    shipment_dispatched,
    shipment_packed,
    some,
)
from tests.given import Given, at, happened

an_order = Given(ORDER)
placed = an_order.given(order_placed(ordered(5)))
acknowledged = placed.given(happened(OrderAcknowledged, by="operator:kim"))
packed = placed.given(happened(LineAllocated, moves=[left("open", 5)]), shipment_packed(left("allocated", 5)))
two_sent = placed.given(shipment_dispatched(left("open", 2), last=False))
all_sent = placed.given(shipment_dispatched(left("open", 5)))


def cancel(pieces: int, reason: CancelReason = "customer_request", line: str = "1") -> CancelLines:
    return order(CancelLines, cancellation_id="c1", lines=some(pieces, line), reason=reason)


def request(pieces: int, request_id: str = "q1") -> RequestCancel:
    return order(RequestCancel, request_id=request_id, lines=some(pieces))


def record(*, pieces: int | None = None, reason: CancelReason = "customer_request") -> RecordCancellation:
    lines = () if pieces is None else some(pieces)
    return order(RecordCancellation, cancellation_id="c1", lines=lines, reason=reason)


approve = order(DecideCancel, request_id="q1", approve=True)
reject = order(DecideCancel, request_id="q1", approve=False, reason="already on the truck")


# The seller cancels.


def test_the_seller_cancels_part_of_a_line() -> None:
    placed.when(cancel(2)).then(lines_cancelled(left("open", 2)))


def test_pieces_are_cancelled_before_they_are_taken_out_of_a_parcel() -> None:
    allocated = happened(LineAllocated, moves=[left("open", 3)])
    half = placed.given(allocated, shipment_packed(left("allocated", 1)))
    moves = left("open", 2), left("allocated", 2), left("packed", 1)
    half.when(cancel(5)).then(lines_cancelled(*moves, route="stop_shipment"))


def test_ordered_5_shipped_2_pending_1_cancel_3_is_refused() -> None:
    two_sent.given(cancel_requested(1)).when(cancel(3)).then_refused(
        MoreThanCancellable, line="1", asked=3, cancellable=2, pending=1, handed_over=2, route="return"
    )


def test_ordered_5_shipped_2_pending_1_cancel_2_is_done() -> None:
    two_sent.given(cancel_requested(1)).when(cancel(2)).then(lines_cancelled(left("open", 2)))


def test_what_was_handed_over_goes_the_way_of_a_return() -> None:
    all_sent.when(cancel(1)).then_refused(
        MoreThanCancellable, line="1", asked=1, cancellable=0, pending=0, handed_over=5, route="return"
    )


def test_more_than_was_ordered_is_refused() -> None:
    placed.when(cancel(6)).then_refused(
        MoreThanCancellable, line="1", asked=6, cancellable=5, pending=0, handed_over=0, route="none"
    )


def test_a_line_named_twice_counts_twice() -> None:
    twice = order(CancelLines, cancellation_id="c1", lines=some(3) + some(3), reason="other")
    placed.when(twice).then_refused(
        MoreThanCancellable, line="1", asked=6, cancellable=5, pending=0, handed_over=0, route="none"
    )


def test_a_line_that_was_not_ordered_cannot_be_cancelled() -> None:
    placed.when(cancel(1, line="9")).then_refused(NothingOrdered, line="9")


def test_one_impossible_line_refuses_the_whole_wish() -> None:
    both = order(CancelLines, cancellation_id="c1", lines=some(1) + some(1, "9"), reason="other")
    placed.when(both).then_refused(NothingOrdered, line="9")


def test_a_wish_to_cancel_names_lines_and_a_true_reason() -> None:
    with pytest.raises(ValidationError):
        order(CancelLines, cancellation_id="c1", lines=(), reason="other")
    with pytest.raises(ValidationError):
        order(CancelLines, cancellation_id="c1", lines=some(1), reason="cheaper points")


# Whose fault, and who pays.


@pytest.mark.parametrize("initiator", ["seller", "customer", "channel", "operator"])
def test_out_of_stock_is_the_sellers_fault_whoever_presses_cancel(initiator: Initiator) -> None:
    values = {"initiator": initiator, "fault": "customer", "shipping_fee_payer": "customer"}
    command = order(CancelLines, cancellation_id="c1", lines=some(2), reason="out_of_stock", **values)
    at_fault = {"reason": "out_of_stock", "fault": "seller", "shipping_fee_payer": "seller"}
    placed.when(command).then(lines_cancelled(left("open", 2), initiator=initiator, **at_fault))


def test_out_of_stock_told_by_the_channel_is_the_sellers_fault_too() -> None:
    at_fault = {"reason": "out_of_stock", "fault": "seller", "shipping_fee_payer": "seller"}
    cancelled = lines_cancelled(left("open", 2), initiator="channel", settles={}, **at_fault)
    placed.when(record(pieces=2, reason="out_of_stock")).then(cancelled)


def test_a_buyers_request_for_want_of_stock_is_the_sellers_fault_too() -> None:
    at_fault = {"reason": "out_of_stock", "fault": "seller", "shipping_fee_payer": "seller"}
    named = {"cancellation_id": "q1", "request_id": "q1", "initiator": "customer"}
    cancelled = lines_cancelled(left("open", 1), **named, **at_fault)
    placed.given(cancel_requested(1, reason="out_of_stock")).when(approve).then(cancelled)


@pytest.mark.parametrize("reason", sorted(FAULT_OF))
def test_each_reason_has_its_usual_fault_and_who_is_at_fault_pays(reason: CancelReason) -> None:
    at_fault = {"fault": FAULT_OF[reason], "shipping_fee_payer": FAULT_OF[reason]}
    placed.when(cancel(1, reason)).then(lines_cancelled(left("open", 1), reason=reason, **at_fault))


def test_the_channels_word_on_fault_and_payer_wins_where_it_is_sent() -> None:
    values = {"fault": "platform", "shipping_fee_payer": "customer", "channel_reason_code": "CHANGEMIND"}
    command = order(RecordCancellation, cancellation_id="c1", lines=some(1), reason="other", **values)
    cancelled = lines_cancelled(left("open", 1), reason="other", initiator="channel", settles={}, **values)
    placed.when(command).then(cancelled)


# Which way it goes.


def test_before_the_seller_acknowledged_a_cancel_is_instant() -> None:
    placed.when(cancel(1)).then(lines_cancelled(left("open", 1), route="instant"))


def test_after_that_it_stops_the_shipment() -> None:
    acknowledged.when(cancel(1)).then(lines_cancelled(left("open", 1), route="stop_shipment"))


def test_a_packed_parcel_is_stopped_even_if_nobody_acknowledged() -> None:
    packed.when(cancel(1)).then(lines_cancelled(left("packed", 1), route="stop_shipment"))


def test_after_hand_over_a_request_to_cancel_is_a_return() -> None:
    all_sent.when(request(1)).then(cancel_requested(1, waits=0, route="return"))


# What a cancel owes.


def test_nothing_captured_nothing_to_refund() -> None:
    placed.when(cancel(1)).then(lines_cancelled(left("open", 1), refund_due_at=None))


def test_what_was_paid_is_due_back_by_the_sellers_policy_and_its_calendar() -> None:
    cancelled = lines_cancelled(left("open", 1), refund_due_at=REFUND_DUE)
    placed.given(order_paid()).when(cancel(1)).then(cancelled)


def test_each_cancel_names_the_version_of_the_policy_it_followed() -> None:
    sooner = KR_DEFAULT.model_copy(update={"version": 2, "refund_within_business_days": 1})
    due = at(days=1, hours=12)
    cancelled = lines_cancelled(left("open", 1), refund_due_at=due, policy="kr-default@2")
    placed.given(order_paid()).under(adopt(DEFAULTS, sooner)).when(cancel(1)).then(cancelled)


# The buyer asks.


def test_a_request_makes_pieces_wait() -> None:
    placed.when(request(2)).then(cancel_requested(2))
    assert placed.given(cancel_requested(2)).state.lines["1"].cancellable == 3


def test_a_request_is_a_fact_and_recorded_even_for_more_than_is_left() -> None:
    two_sent.when(request(5)).then(cancel_requested(5, waits=3, route="return"))


def test_two_requests_never_wait_on_the_same_piece() -> None:
    second = cancel_requested(3, waits=1, request_id="q2")
    placed.given(cancel_requested(4)).when(request(3, "q2")).then(second)


def test_a_request_for_a_line_not_known_yet_waits_for_it() -> None:
    placed.when(order(RequestCancel, request_id="q1", lines=some(1, "9"))).then_too_early("line 9")


def test_a_request_keeps_whether_the_money_has_gone_back_already() -> None:
    command = order(RequestCancel, request_id="q1", lines=some(1), binding="refunded_already", words="tok-1")
    requested = cancel_requested(1, binding="refunded_already", words="tok-1", route="stop_shipment")
    acknowledged.when(command).then(requested)


def test_an_approved_request_cancels_its_pieces() -> None:
    named = {"cancellation_id": "q1", "request_id": "q1", "initiator": "customer"}
    placed.given(cancel_requested(2)).when(approve).then(lines_cancelled(left("open", 2), **named))


def test_a_rejected_request_frees_its_pieces_and_says_by_whom_and_why() -> None:
    rejected = cancel_rejected(reason="already on the truck")
    placed.given(cancel_requested(2)).when(reject).then(rejected)
    assert placed.given(cancel_requested(2), rejected).state.lines["1"].cancellable == 5


def test_an_answer_without_a_reason_still_says_no() -> None:
    no = order(DecideCancel, request_id="q1", approve=False)
    placed.given(cancel_requested(2)).when(no).then(cancel_rejected())


def test_an_answer_once_given_stays() -> None:
    answered = placed.given(cancel_requested(2), cancel_rejected())
    answered.when(reject).then()
    answered.when(approve).then_refused(RequestAnswered, request_id="q1", answer="rejected")


def test_a_request_that_grew_after_its_answer_is_answered_again_and_each_answer_may_repeat() -> None:
    approved = lines_cancelled(left("open", 1), cancellation_id="q1", request_id="q1", initiator="customer")
    both = placed.given(cancel_requested(1), approved, cancel_requested(2), cancel_rejected())
    both.when(approve).then()
    both.when(reject).then()


def test_what_nobody_asked_cannot_be_answered() -> None:
    placed.when(approve).then_refused(NoSuchRequest, request_id="q1")


def test_what_asks_for_nothing_cancellable_needs_no_answer() -> None:
    all_sent.given(cancel_requested(1, waits=0)).when(approve).then_refused(NoSuchRequest, request_id="q1")


def test_two_requests_on_a_line_are_answered_each_for_itself() -> None:
    both = placed.given(cancel_requested(2), cancel_requested(1, request_id="q2"))
    assert both.given(cancel_rejected()).state.lines["1"].cancel_pending == 1


def test_a_rejected_request_frees_none_of_another_ones_pieces() -> None:
    """Four of five pieces have been dispatched.  The last one is not, and q2 still waits for it."""
    both = placed.given(cancel_requested(2), cancel_requested(1, request_id="q2"))
    sent = both.given(shipment_dispatched(left("open", 4), last=False))
    assert sent.given(cancel_rejected()).state.lines["1"].cancel_pending == 1


# The channel has cancelled.


def test_the_channel_cancels_pieces() -> None:
    placed.when(record(pieces=2)).then(lines_cancelled(left("open", 2), initiator="channel", settles={}))


def test_the_channel_cancels_all_that_can_be() -> None:
    placed.when(record()).then(lines_cancelled(left("open", 5), initiator="channel", settles={}))


def test_the_channel_is_never_refused_but_contradicted() -> None:
    cancelled = lines_cancelled(left("open", 3), initiator="channel", settles={}, requested=pieces_of(4))
    discrepancy = contradiction(
        "cancelled_after_handover",
        "c1",
        "pieces not yet handed over",
        "3 of 4 pieces could be cancelled",
    )
    two_sent.when(record(pieces=4)).then(cancelled, discrepancy)


def test_cancelling_all_when_part_has_left_is_a_contradiction() -> None:
    cancelled = lines_cancelled(left("open", 3), initiator="channel", settles={})
    discrepancy = contradiction(
        "cancelled_after_handover",
        "c1",
        "pieces not yet handed over",
        "3 of 3 pieces could be cancelled",
    )
    two_sent.when(record()).then(cancelled, discrepancy)


def test_cancelling_the_rest_of_what_was_cancelled_in_part_is_no_contradiction() -> None:
    before = lines_cancelled(left("open", 1), cancellation_id="c0")
    placed.given(before).when(record()).then(
        lines_cancelled(left("open", 4), initiator="channel", settles={})
    )


def test_the_channel_may_cancel_pieces_that_wait_for_an_answer() -> None:
    after = placed.given(
        cancel_requested(5), lines_cancelled(left("open", 5), initiator="channel", settles={})
    )
    assert after.state.lines["1"].cancel_pending == 0


def test_a_cancel_knows_the_piece_it_took_and_never_more_than_there_was() -> None:
    cancelled: LinesCancelled = lines_cancelled(left("open", 5))
    assert placed.given(cancelled).state.lines["1"].units == {"cancelled": 5}
