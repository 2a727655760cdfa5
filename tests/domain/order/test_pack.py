"""Packing: a wish may be refused; what a warehouse has packed is a fact."""

from domain.order.cancel import NothingOrdered
from domain.order.pack import (
    MoreThanAllocated,
    PackedDifferently,
    QualityCheck,
    QualityCheckFailed,
    RecordPacking,
)
from tests.domain.messages import (
    cancel_requested,
    contradiction,
    left,
    order,
    pieces_of,
    shipment_dispatched,
    shipment_packed,
    shipment_tracked,
    some,
)
from tests.domain.order.packed_orders import (
    allocated,
    chairs_packed,
    pack,
    packed,
    placed,
)


def test_packing_names_who_checked_and_brings_the_buyers_notes_on_each_line() -> None:
    allocated.when(pack(3)).then(chairs_packed)


def test_a_line_without_a_note_brings_none() -> None:
    allocated.when(pack(2, "2")).then(shipment_packed(left("allocated", 2, "2", "TABLE")))


def test_pieces_that_fail_their_check_are_not_packed() -> None:
    bad = QualityCheck(passed=False, by="lee", remark="scratched")
    allocated.when(pack(3, check=bad)).then_refused(QualityCheckFailed, shipment_id="s1", by="lee")


def test_only_allocated_pieces_are_packed() -> None:
    placed.when(pack(1)).then_refused(MoreThanAllocated, line="1", asked=1, allocated=0, pending=0)


def test_more_than_is_allocated_is_refused() -> None:
    allocated.when(pack(4)).then_refused(MoreThanAllocated, line="1", asked=4, allocated=3, pending=0)


def test_pieces_that_wait_for_a_cancel_decision_are_not_packed() -> None:
    waiting = allocated.given(cancel_requested(2))
    waiting.when(pack(2)).then_refused(MoreThanAllocated, line="1", asked=2, allocated=1, pending=2)
    waiting.when(pack(1)).then(shipment_packed(left("allocated", 1), notes={"1": "tok-9"}))


def test_packed_pieces_do_not_stand_in_for_those_that_wait() -> None:
    one_packed = allocated.given(cancel_requested(2), shipment_packed(left("allocated", 1), shipment_id="s0"))
    one_packed.when(pack(1)).then_refused(MoreThanAllocated, line="1", asked=1, allocated=0, pending=2)


def test_a_line_not_ordered_cannot_be_packed() -> None:
    allocated.when(pack(1, "9")).then_refused(NothingOrdered, line="9")


def test_a_shipment_of_that_name_is_packed_once() -> None:
    packed.when(pack(3)).then()


def test_another_line_packed_into_the_same_shipment_goes_in_as_well() -> None:
    more = shipment_packed(left("allocated", 1, "2", "TABLE"), notes={}, checked_by="lee")
    packed.when(pack(1, "2")).then(more)
    assert dict(packed.given(more).state.shipments["s1"].moves) == {"1": 3, "2": 1}


def test_a_shipment_that_holds_more_cannot_be_packed_with_less() -> None:
    packed.when(pack(2)).then_refused(PackedDifferently, shipment_id="s1", dispatched=False)


def test_nothing_can_be_packed_into_a_shipment_that_has_left() -> None:
    away = packed.given(shipment_dispatched(left("packed", 3), last=False))
    away.when(pack(1, "2")).then_refused(PackedDifferently, shipment_id="s1", dispatched=True)


def test_a_label_seen_by_the_carrier_first_does_not_keep_a_shipment_from_being_packed() -> None:
    labelled = allocated.given(shipment_tracked("label_created"))
    labelled.when(pack(3)).then(chairs_packed)


def test_a_warehouse_that_packs_by_itself_is_never_refused() -> None:
    fact = order(RecordPacking, shipment_id="s1", lines=some(3))
    placed.when(fact).then(shipment_packed(left("open", 3), notes={"1": "tok-9"}, checked_by=None))


def test_more_packed_than_is_known_is_said() -> None:
    fact = order(RecordPacking, shipment_id="s1", lines=some(4))
    taken = shipment_packed(
        left("allocated", 3), notes={"1": "tok-9"}, checked_by=None, requested=pieces_of(4)
    )
    discrepancy = contradiction(
        "packed_more_than_open", "s1", "pieces of the order", "4 pieces, 3 of them known"
    )
    allocated.when(fact).then(taken, discrepancy)


def test_the_packing_of_a_line_not_known_yet_waits_for_it() -> None:
    placed.when(order(RecordPacking, shipment_id="s1", lines=some(1, "9"))).then_too_early("line 9")


def test_packing_told_after_the_label_is_recorded_all_the_same() -> None:
    fact = order(RecordPacking, shipment_id="s1", lines=some(3))
    taken = shipment_packed(left("allocated", 3), notes={"1": "tok-9"}, checked_by=None)
    allocated.given(shipment_tracked("label_created")).when(fact).then(taken)
