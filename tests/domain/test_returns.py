"""The steps of a return: granted, collected, received, inspected piece by piece, refunded."""

from dataclasses import replace

import pytest

from domain.policies.defaults import DEFAULTS, KR_DEFAULT
from domain.policies.documents import adopt
from domain.returns import RETURN
from domain.returns.receive import (
    AdmitPieces,
    InspectedUnits,
    PiecesAdmitted,
    RecordCollection,
    RecordInspection,
    RecordReceipt,
    ReturnCollected,
    ReturnedLine,
    ReturnInspected,
    ReturnReceived,
    UnitsInspected,
)
from domain.returns.refund import MirrorRefund, PassRefundDue, RefundOverdue, ReturnRefunded
from domain.returns.request import (
    DecideReturn,
    OpenReturn,
    RecordReturn,
    RecordReturnDecision,
    ReturnApproved,
    ReturnRecorded,
    ReturnRejected,
    ReturnWithdrawn,
)
from domain.returns.state import NotInState, Piece, ReturnCommand, ReturnDiscrepancyDetected
from tests.domain.messages import ORDER_1001, REFUND_DUE, back, piece, return_requested
from tests.given import Given, at, happened

a_return = Given(RETURN)
requested = a_return.given(return_requested(piece(3), piece(1, "2", "TABLE")))
approved = happened(ReturnApproved, by="operator:kim")
collected = happened(ReturnCollected, carrier="cj", tracking_number="77")
rejected = happened(
    ReturnRejected, by="operator:kim", order=ORDER_1001, lines=[piece(3), piece(1, "2", "TABLE")]
)


def arrived(*pieces: object, **values: object) -> ReturnReceived:
    facts = {
        "order": ORDER_1001,
        "location": "main",
        "refund_due_at": REFUND_DUE,
        "policy": "kr-default@1",
        "calendar": "kr-public@2026a",
    }
    return happened(ReturnReceived, lines=list(pieces), **{**facts, **values})


def differs(kind: str, subject: str, expected: int, observed: int) -> ReturnDiscrepancyDetected:
    return happened(
        ReturnDiscrepancyDetected, kind=kind, subject=subject, expected=expected, observed=observed
    )


all_back = arrived(piece(3), piece(1, "2", "TABLE"))
received = requested.given(approved, all_back)


def finding(
    pieces: int, disposition: str = "restock", condition: str = "new", line: str = "1"
) -> InspectedUnits:
    values = {"line": line, "pieces": pieces, "condition": condition, "disposition": disposition}
    return InspectedUnits.model_validate(values)


def inspect(*units: InspectedUnits, named: str = "1") -> RecordInspection:
    return back(RecordInspection, inspection_id=named, units=units)


def inspected(*units: InspectedUnits, named: str = "1") -> ReturnInspected:
    sku = {"1": "CHAIR", "2": "TABLE"}
    inspected_units = [UnitsInspected(sku=sku[unit.line], **unit.model_dump()) for unit in units]
    return happened(
        ReturnInspected, inspection_id=named, order=ORDER_1001, location="main", units=inspected_units
    )


def receive(*lines: tuple[str, int]) -> RecordReceipt:
    return back(RecordReceipt, lines=tuple(ReturnedLine(line=line, pieces=pieces) for line, pieces in lines))


approve = back(DecideReturn, approve=True)
reject = back(DecideReturn, approve=False)


# Opening.


def test_what_the_order_granted_is_requested() -> None:
    lines = (("1", "CHAIR", 3, None), ("2", "TABLE", 1, None))
    step = OpenReturn(ORDER_1001, lines, "changed_mind", "customer", "customer", "customer", "kr-default@1")
    a_return.when(step).then_once_by_inbox(return_requested(piece(3), piece(1, "2", "TABLE")))


@pytest.mark.parametrize(
    "command",
    [approve, back(RecordCollection), back(RecordReceipt), inspect(finding(1))],
    ids=lambda command: type(command).__name__,
)
def test_whatever_comes_before_its_return_waits_for_it(command: ReturnCommand) -> None:
    a_return.when(command).then_too_early("return r1")


def test_pieces_of_which_no_order_is_known_are_recorded_as_they_came() -> None:
    values = {"channel": "shop", "unit_price": "2.55", "currency": "GBP", "reference": "C536379"}
    command = back(RecordReturn, sku="CHAIR", pieces=2, **values)
    event = happened(ReturnRecorded, lines=[piece(2)], location="main", **values)
    a_return.when(command).then(event)


def test_what_came_back_without_an_order_can_be_inspected_at_once() -> None:
    values = {"channel": "shop", "unit_price": "2.55", "currency": "GBP"}
    event = happened(ReturnRecorded, lines=[piece(2)], location="busan", **values)
    without = replace(inspected(finding(2)), order=None, location="busan")
    a_return.given(event).when(inspect(finding(2))).then(without)


# Deciding.


def test_a_return_is_approved_by_somebody_for_a_reason() -> None:
    command = back(DecideReturn, approve=True, reason="photo shows it")
    event = happened(ReturnApproved, by="operator:lee", reason="photo shows it")
    requested.when(command, by="operator:lee").then(event)


def test_a_return_is_rejected_and_names_the_pieces_the_order_gets_back() -> None:
    requested.when(reject).then(rejected)


def test_an_approved_return_may_still_be_rejected() -> None:
    requested.given(approved).when(reject).then(rejected)


def test_a_rejected_return_stays_rejected() -> None:
    requested.given(rejected).when(approve).then_refused(
        NotInState, return_id="r1", state="rejected", wanted="requested"
    )


def test_pieces_on_their_way_may_still_be_rejected() -> None:
    requested.given(approved, collected).when(reject).then(rejected)


def test_pieces_that_are_back_are_rejected_but_wait_for_their_inspection() -> None:
    requested.given(arrived(piece(3))).when(reject).then(replace(rejected, lines=[piece(1, "2", "TABLE")]))


def test_inspected_pieces_can_no_longer_be_rejected() -> None:
    received.given(inspected(finding(1))).when(reject).then_refused(
        NotInState, return_id="r1", state="inspected", wanted="not inspected"
    )


@pytest.mark.parametrize(("decision", "kind"), [("rejected", ReturnRejected), ("withdrawn", ReturnWithdrawn)])
def test_what_was_decided_elsewhere_is_a_fact(
    decision: str, kind: type[ReturnRejected | ReturnWithdrawn]
) -> None:
    command = back(RecordReturnDecision, decision=decision)
    event = happened(kind, by="channel", order=ORDER_1001, lines=[piece(3), piece(1, "2", "TABLE")])
    requested.given(collected).when(command, by="channel").then(event)


def test_a_withdrawal_after_the_inspection_is_a_discrepancy() -> None:
    done = received.given(inspected(finding(3), finding(1, line="2")))
    event = happened(ReturnWithdrawn, by="channel", order=ORDER_1001, lines=[])
    done.when(back(RecordReturnDecision, decision="withdrawn"), by="channel").then(
        event, differs("withdrawn_after_inspection", "r1", 0, 1)
    )


def test_approving_what_has_come_back_already_changes_nothing() -> None:
    received.when(approve).then()


# Collecting.


def test_the_carrier_collects() -> None:
    command = back(RecordCollection, carrier="cj", tracking_number="77")
    requested.given(approved).when(command).then(collected)


def test_a_carrier_who_comes_before_the_decision_is_a_fact_too() -> None:
    requested.when(back(RecordCollection, carrier="cj", tracking_number="77")).then(collected)


def test_a_collection_told_after_the_receipt_is_recorded_and_leads_not_back() -> None:
    received.when(back(RecordCollection, carrier="cj", tracking_number="77")).then(collected)
    assert received.given(collected).state.state == "received"


# Receiving.


def test_without_lines_all_that_was_asked_back_came() -> None:
    requested.given(approved).when(back(RecordReceipt)).then(all_back)


def test_the_receipt_starts_the_clock_of_the_refund_by_policy_and_calendar() -> None:
    sooner = KR_DEFAULT.model_copy(update={"version": 2, "refund_within_business_days": 1})
    due = at(days=1, hours=12)
    event = replace(all_back, refund_due_at=due, policy="kr-default@2")
    requested.under(adopt(DEFAULTS, sooner)).when(back(RecordReceipt)).then(event)


def test_fewer_pieces_than_were_asked_back_are_received_and_said() -> None:
    requested.when(receive(("1", 2), ("2", 1))).then(
        arrived(piece(2), piece(1, "2", "TABLE")), differs("receipt_differs", "1", 3, 2)
    )


def test_more_pieces_than_were_asked_back_are_received_and_said() -> None:
    requested.when(receive(("1", 4), ("2", 1))).then(
        arrived(piece(3), piece(1, "2", "TABLE"), unexpected=[piece(1)]),
        differs("receipt_differs", "1", 3, 4),
    )


def test_a_foreign_line_in_the_box_is_said() -> None:
    requested.when(receive(("1", 3), ("2", 1), ("9", 1))).then(
        arrived(piece(3), piece(1, "2", "TABLE"), unexpected=[piece(1, "9", "")]),
        differs("receipt_differs", "9", 0, 1),
    )


def test_a_line_missing_from_the_box_is_said() -> None:
    requested.when(receive(("1", 3))).then(arrived(piece(3)), differs("receipt_differs", "2", 1, 0))


def test_a_box_of_foreign_things_only_is_said_once() -> None:
    box = arrived(unexpected=[piece(1, "9", "")])
    foreign = requested.given(box, differs("receipt_differs", "9", 0, 1))
    foreign.when(receive(("9", 1))).then()


def test_a_line_named_twice_in_a_receipt_counts_twice() -> None:
    requested.when(receive(("1", 1), ("1", 2), ("2", 1))).then(arrived(piece(3), piece(1, "2", "TABLE")))


def test_the_location_is_where_the_pieces_are() -> None:
    command = back(RecordReceipt, location="busan")
    requested.when(command).then(replace(all_back, location="busan"))


def test_what_arrives_after_it_was_rejected_is_a_fact_too() -> None:
    requested.given(rejected).when(back(RecordReceipt)).then(
        arrived(unexpected=[piece(3), piece(1, "2", "TABLE")], refund_due_at=None),
        differs("received_after_closing", "1", 0, 3),
        differs("received_after_closing", "2", 0, 1),
    )


def test_pieces_that_the_order_admits_can_be_inspected() -> None:
    step = AdmitPieces(ORDER_1001, (("1", "CHAIR", 3, "busan"),))
    event = happened(PiecesAdmitted, lines=[Piece(line="1", sku="CHAIR", pieces=3, location="busan")])
    box = arrived(unexpected=[piece(3)], refund_due_at=None)
    back_again = requested.given(rejected, box)
    back_again.when(step).then_once_by_inbox(event)
    there = inspected(finding(3))
    there = replace(there, units=[replace(unit, location="busan") for unit in there.units])
    back_again.given(event).when(inspect(finding(3))).then(there)


def test_a_part_of_a_return_with_an_id_of_its_own_is_no_shortfall() -> None:
    parts = back(RecordReceipt, receipt_id="p1", lines=(ReturnedLine(line="1", pieces=2),))
    requested.when(parts).then(arrived(piece(2), receipt_id="p1"))


# Inspecting, unit by unit.


def test_each_piece_goes_back_on_sale_or_away() -> None:
    units = finding(1), finding(2, "scrap", "damaged"), finding(1, line="2")
    received.when(inspect(*units)).then(inspected(*units))


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_part_may_be_inspected_first_and_twice_told_counts_once(pieces: int) -> None:
    """The message is sent twice.  The pieces that are left would be enough for a second time."""
    received.when(inspect(finding(pieces))).then(inspected(finding(pieces)))


def test_the_rest_is_inspected_later() -> None:
    rest = finding(2, "scrap", "used"), finding(1, line="2")
    received.given(inspected(finding(1))).when(inspect(*rest, named="2")).then(inspected(*rest, named="2"))


def test_more_than_was_received_is_said_and_changes_no_stock() -> None:
    received.when(inspect(finding(4), finding(1, line="2"))).then(
        replace(
            inspected(finding(3), finding(1, line="2")),
            stated=inspected(finding(4), finding(1, line="2")).units,
        ),
        differs("inspected_more_than_received", "1", 3, 4),
    )


def test_two_findings_share_the_pieces_that_were_received() -> None:
    received.when(inspect(finding(2), finding(2, "scrap", "used"), finding(1, line="2"))).then(
        replace(
            inspected(finding(2), finding(1, "scrap", "used"), finding(1, line="2")),
            stated=inspected(finding(2), finding(2, "scrap", "used"), finding(1, line="2")).units,
        ),
        differs("inspected_more_than_received", "1", 1, 2),
    )


def test_a_piece_is_restocked_at_most_once() -> None:
    done = received.given(inspected(finding(3), finding(1, line="2")))
    done.when(inspect(finding(3), named="2")).then(
        replace(inspected(named="2"), stated=inspected(finding(3)).units),
        differs("inspected_more_than_received", "1", 0, 3),
    )


def test_an_inspection_before_the_receipt_waits_for_it() -> None:
    requested.when(inspect(finding(1))).then_too_early("receipt of return r1")


# Refunding.


def test_the_refund_that_the_order_recorded_is_mirrored() -> None:
    refunded = happened(ReturnRefunded, refund_id="f1", amount=2_000)
    received.when(MirrorRefund(ORDER_1001, "f1", 2_000)).then(refunded)


def test_a_second_refund_for_the_same_return_is_another_one() -> None:
    first = happened(ReturnRefunded, refund_id="f1", amount=2_000)
    second = happened(ReturnRefunded, refund_id="f2", amount=500)
    received.given(first).when(MirrorRefund(ORDER_1001, "f2", 500)).then(second)


def test_a_refund_not_made_in_time_is_overdue() -> None:
    overdue = happened(RefundOverdue, due_at=REFUND_DUE, at=REFUND_DUE)
    received.when(PassRefundDue(REFUND_DUE), at=REFUND_DUE).then(overdue)


def test_an_inspection_does_not_stop_the_clock() -> None:
    overdue = happened(RefundOverdue, due_at=REFUND_DUE, at=REFUND_DUE)
    done = received.given(inspected(finding(3), finding(1, line="2")))
    done.when(PassRefundDue(REFUND_DUE), at=REFUND_DUE).then(overdue)


def test_a_refund_made_in_time_is_not_overdue() -> None:
    refunded = happened(ReturnRefunded, refund_id="f1", amount=2_000)
    received.given(refunded).when(PassRefundDue(REFUND_DUE), at=REFUND_DUE).then()


def test_a_refund_made_before_the_inspection_is_not_overdue_after_it() -> None:
    refunded = happened(ReturnRefunded, refund_id="f1", amount=2_000)
    done = received.given(refunded, inspected(finding(3), finding(1, line="2")))
    done.when(PassRefundDue(REFUND_DUE), at=REFUND_DUE).then()
