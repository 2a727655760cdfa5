"""After delivery: which pieces may be returned, refunds, and reviews."""

import pytest
from pydantic import ValidationError

from domain.order import ORDER
from domain.order.fault import RETURN_FAULT, ReturnReason
from domain.order.refund import RecordRefund, RefundRecorded
from domain.order.returns import (
    CloseReturn,
    LinesReturned,
    MirrorReturned,
    MoreThanReturnable,
    RequestReturn,
    ReturnClosed,
    ReturnWindowClosed,
)
from domain.order.review import PostReview, ReviewPosted
from domain.policies.defaults import DEFAULTS, KR_DEFAULT
from domain.policies.documents import adopt
from domain.values import Fault
from tests.domain.messages import (
    contradiction,
    left,
    order,
    order_paid,
    order_placed,
    ordered,
    pieces_of,
    return_opened,
    shipment_dispatched,
    shipment_tracked,
    some,
)
from tests.given import Given, at, happened

an_order = Given(ORDER)
placed = an_order.given(order_placed(ordered(3)), order_paid(3_000))
sent = placed.given(shipment_dispatched(left("open", 3)))
delivered = sent.given(shipment_tracked("delivered", left("in_transit", 3), to="delivered"))
WINDOW_ENDS = at(days=7, hours=12)
"""Delivered on Wednesday noon: the seventh day after it ends at 24:00 in Seoul."""

changed_mind = order(RequestReturn, return_id="r1", lines=some(2), reason="changed_mind")


def refund(amount: int, refund_id: str = "f1") -> RecordRefund:
    return order(RecordRefund, refund_id=refund_id, amount=amount, cause="return", return_id="r1")


def refunded(amount: int, refund_id: str = "f1", late_interest: int = 0) -> RefundRecorded:
    values = {"refund_id": refund_id, "cause": "return", "return_id": "r1", "late_interest": late_interest}
    return happened(RefundRecorded, amount=amount, **values)


# What may come back, and until when.


def test_delivered_pieces_may_come_back_until_the_window_ends() -> None:
    delivered.when(changed_mind).then(return_opened(2, window_ends_at=WINDOW_ENDS))


def test_the_last_moment_of_the_window_is_in_time() -> None:
    last = at(days=7, hours=12, minutes=-1)
    opened = return_opened(2, window_ends_at=WINDOW_ENDS, at=last)
    delivered.when(changed_mind, at=last).then(opened)


def test_after_the_window_a_change_of_mind_is_too_late() -> None:
    delivered.when(changed_mind, at=WINDOW_ENDS).then_refused(
        ReturnWindowClosed,
        return_id="r1",
        lines=["1"],
        ended_at=WINDOW_ENDS.isoformat(),
        policy="kr-default@1",
    )


def test_the_window_is_that_of_the_adopted_policy() -> None:
    longer = adopt(DEFAULTS, KR_DEFAULT.model_copy(update={"version": 2, "window_days": 30}))
    opened = return_opened(2, window_ends_at=at(days=30, hours=12), policy="kr-default@2")
    delivered.under(longer).when(changed_mind).then(opened)


def test_the_window_of_two_parcels_ends_with_the_later_one() -> None:
    both = placed.given(
        shipment_dispatched(left("open", 1), last=False),
        shipment_tracked("delivered", left("in_transit", 1), to="delivered"),
        shipment_dispatched(left("open", 2), shipment_id="s2"),
        shipment_tracked("delivered", left("in_transit", 2), to="delivered", shipment_id="s2", at=at(days=3)),
    )
    opened = return_opened(2, window_ends_at=at(days=10, hours=12))
    both.when(changed_mind).then(opened)


DIFFERENT_GOODS = ["defect", "not_as_described", "damaged", "wrong_item", "parts_missing"]


@pytest.mark.parametrize("reason", DIFFERENT_GOODS)
def test_a_defect_may_come_back_after_the_first_window(reason: ReturnReason) -> None:
    command = order(RequestReturn, return_id="r1", lines=some(2), reason=reason)
    after = delivered.when(command, at=at(days=80)).after()
    assert after.lines["1"].return_open == 2


@pytest.mark.parametrize("reason", ["late_delivery", "cheaper_elsewhere", "other"])
def test_goods_as_in_the_contract_come_back_in_the_first_window_only(reason: ReturnReason) -> None:
    command = order(RequestReturn, return_id="r1", lines=some(2), reason=reason)
    with pytest.raises(ReturnWindowClosed):
        delivered.when(command, at=at(days=10)).after()


def test_outside_korea_the_policy_alone_says_which_reasons_have_the_second_window() -> None:
    abroad = adopt(DEFAULTS, KR_DEFAULT.model_copy(update={"version": 2, "region": "EU"}))
    wrong = order(RequestReturn, return_id="r1", lines=some(2), reason="wrong_item")
    with pytest.raises(ReturnWindowClosed):
        delivered.under(abroad).when(wrong, at=at(days=10)).after()


@pytest.mark.parametrize("reason", DIFFERENT_GOODS)
def test_after_the_second_window_not_even_a_defect_comes_back(reason: ReturnReason) -> None:
    """Three months from the delivery in March: the 92nd day is the last one."""
    command = order(RequestReturn, return_id="r1", lines=some(2), reason=reason)
    assert delivered.when(command, at=at(days=92)).after().lines["1"].return_open == 2
    with pytest.raises(ReturnWindowClosed):
        delivered.when(command, at=at(days=93)).after()


@pytest.mark.parametrize("origin", ["seller", "channel", "carrier"])
def test_the_window_binds_the_customer_only(origin: str) -> None:
    command = order(RequestReturn, return_id="r1", lines=some(2), reason="changed_mind", origin=origin)
    opened = return_opened(2, origin=origin, window_ends_at=WINDOW_ENDS, at=at(days=30))
    delivered.when(command, at=at(days=30)).then(opened)


def test_a_parcel_on_its_way_may_be_sent_back_and_has_no_window_yet() -> None:
    sent.when(changed_mind).then(return_opened(2))


def test_what_has_not_left_cannot_come_back() -> None:
    placed.when(changed_mind).then_refused(MoreThanReturnable, line="1", asked=2, returnable=0)


def test_a_lost_parcel_cannot_come_back() -> None:
    lost = sent.given(shipment_tracked("lost", left("in_transit", 3), to="lost"))
    lost.when(changed_mind).then_refused(MoreThanReturnable, line="1", asked=2, returnable=0)


def test_a_parcel_sent_back_by_the_carrier_is_a_return_at_the_carriers_fault() -> None:
    home = shipment_tracked("return_to_sender", left("in_transit", 3), to="returned_to_sender")
    values = {"reason": "never_delivered", "origin": "carrier"}
    command = order(RequestReturn, return_id="r1", lines=some(3), **values)
    sent.given(home).when(command).then(return_opened(3, fault="carrier", payer="seller", **values))


def test_pieces_on_their_way_back_cannot_come_back_twice() -> None:
    again = order(RequestReturn, return_id="r2", lines=some(2), reason="changed_mind")
    open_return = delivered.given(return_opened(2))
    open_return.when(again).then_refused(MoreThanReturnable, line="1", asked=2, returnable=1)


def test_pieces_that_came_back_cannot_come_back_again() -> None:
    came = happened(LinesReturned, return_id="r1", lines=pieces_of(2))
    again = order(RequestReturn, return_id="r2", lines=some(2), reason="changed_mind")
    returned = delivered.given(return_opened(2), came)
    returned.when(again).then_refused(MoreThanReturnable, line="1", asked=2, returnable=1)


def test_after_a_return_was_refused_a_new_one_may_be_opened_for_the_same_pieces() -> None:
    closed = happened(ReturnClosed, return_id="r1", lines=pieces_of(2))
    again = order(RequestReturn, return_id="r2", lines=some(2), reason="changed_mind")
    opened = return_opened(2, return_id="r2", window_ends_at=WINDOW_ENDS)
    delivered.given(return_opened(2), closed).when(again).then(opened)


def test_a_line_not_ordered_cannot_come_back() -> None:
    command = order(RequestReturn, return_id="r1", lines=some(1, "9"), reason="defect")
    delivered.when(command).then_refused(MoreThanReturnable, line="9", asked=1, returnable=0)


# Whose fault, and who pays.


@pytest.mark.parametrize("reason", sorted(RETURN_FAULT))
def test_who_is_at_fault_pays_for_the_way_back(reason: ReturnReason) -> None:
    fault = RETURN_FAULT[reason]
    payer = "customer" if fault == "customer" else "seller"
    command = order(RequestReturn, return_id="r1", lines=some(1), reason=reason)
    sent.when(command).then(return_opened(1, reason=reason, fault=fault, payer=payer))


@pytest.mark.parametrize(
    ("fault", "payer"),
    [("seller", "seller"), ("customer", "customer"), ("carrier", "seller"), ("platform", "seller")],
)
def test_the_channels_word_on_the_fault_wins(fault: Fault, payer: str) -> None:
    values = {"reason": "changed_mind", "fault": fault, "channel_reason_code": "INACCURATE", "words": "tok-2"}
    command = order(RequestReturn, return_id="r1", lines=some(1), **values)
    delivered.when(command).then(return_opened(1, payer=payer, window_ends_at=WINDOW_ENDS, **values))


# What becomes of it.


def test_inspected_pieces_are_back() -> None:
    came = happened(LinesReturned, return_id="r1", lines=pieces_of(2))
    opened = delivered.given(return_opened(2))
    opened.when(MirrorReturned("r1", (("1", 2),))).then_once_by_inbox(came)


def test_the_order_counts_only_what_it_gave_leave_for() -> None:
    came = happened(LinesReturned, return_id="r1", lines=pieces_of(2))
    opened = delivered.given(return_opened(2))
    opened.when(MirrorReturned("r1", (("1", 3),))).then_once_by_inbox(came)


def test_a_refused_return_gives_its_pieces_free() -> None:
    closed = happened(ReturnClosed, return_id="r1", lines=pieces_of(2))
    opened = delivered.given(return_opened(2))
    opened.when(CloseReturn("r1", (("1", 2),))).then_once_by_inbox(closed)
    assert opened.given(closed).state.lines["1"].return_open == 0


# Money back.


coming_back = delivered.given(return_opened(2))


def test_a_refund_is_recorded() -> None:
    coming_back.when(refund(1_000)).then(refunded(1_000))


def test_a_refund_up_to_what_was_captured_is_no_discrepancy() -> None:
    coming_back.given(refunded(1_000, "f0")).when(refund(2_000)).then(refunded(2_000))


def test_a_refund_beyond_what_was_captured_is_recorded_and_said() -> None:
    discrepancy = contradiction("refunded_more_than_captured", "f1", "at most 2000", "2001")
    coming_back.given(refunded(1_000, "f0")).when(refund(2_001)).then(refunded(2_001), discrepancy)


def test_late_interest_is_its_own_line_outside_the_cap() -> None:
    command = refund(3_000).model_copy(update={"late_interest": 12})
    coming_back.when(command).then(refunded(3_000, late_interest=12))


# What the buyer thought.


def test_a_review_is_kept() -> None:
    review = order(PostReview, review_id="v1", score=5, text="tok-3")
    delivered.when(review).then(happened(ReviewPosted, review_id="v1", score=5, text="tok-3"))


@pytest.mark.parametrize("score", [0, 6])
def test_a_score_is_between_one_and_five(score: int) -> None:
    with pytest.raises(ValidationError):
        order(PostReview, review_id="v1", score=score)
