"""The buyer's cancel requests: the seller decides them, or the channel settles them by itself."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from tests.cases.shop import DAY, O1, Shop, ordered

CHECKED: dict[str, Any] = {"quality_check": {"passed": True, "by": "choi"}}
ELEVEN = f"{DAY}T11:10"


def pieces(count: int, line: str = "1") -> list[dict[str, Any]]:
    return [{"line": line, "pieces": count}]


def selling(count: int, stock: int | None = None) -> Shop:
    """O1 has so many chairs and is paid."""
    shop = Shop()
    shop.receive("CHAIR", count if stock is None else stock)
    shop.place(ordered(count))
    return shop


def request(shop: Shop, count: int, request_id: str = "r1", at: str = ELEVEN) -> Any:
    return shop.send("cancel-requested", at, **O1, request_id=request_id, lines=pieces(count))


def cancelled(shop: Shop, count: int, at: str = f"{DAY}T11:20", **fields: Any) -> Any:
    """The channel reports a cancel, by default one of the buyer."""
    facts: dict[str, Any] = {"cancellation_id": "k9", "reason": "customer_request", "initiator": "customer"}
    return shop.send("order-cancelled", at, **O1, **{**facts, "lines": pieces(count), **fields})


def decide(shop: Shop, *, approve: bool, request_id: str = "r1", **fields: Any) -> Any:
    wish = {"request_id": request_id, "approve": approve, **fields}
    return shop.send("cancel-decision-requested", f"{DAY}T12:10", **O1, **wish)


def pack(shop: Shop, count: int) -> Any:
    return shop.send("pack-requested", f"{DAY}T12:00", **O1, **CHECKED, shipment_id="s1", lines=pieces(count))


def states(shop: Shop) -> dict[str, str]:
    """The state of each request."""
    return {row.request_id: row.state for row in shop.rows("cancel_inbox")}


def pending(shop: Shop) -> int:
    """Pieces with a pending request, as the order and its row agree."""
    (row,) = shop.rows("order_status")
    assert row.cancel_pending == sum(line.cancel_pending for line in shop.order().lines.values())
    return int(row.cancel_pending)


# The channel settles the request.


@pytest.mark.parametrize("initiator", ["customer", "channel", "seller"])
def test_the_channels_cancel_of_the_requested_pieces_settles_the_request(initiator: str) -> None:
    shop = selling(5)
    request(shop, 2)
    cancelled(shop, 2, initiator=initiator)
    assert (pending(shop), states(shop)) == (0, {"r1": "settled"})
    assert pack(shop, 3).state == "accepted"
    for approve in (True, False):
        refused = decide(shop, approve=approve)
        assert (refused.state, refused.rule) == ("refused", "request_answered")
        assert refused.data["answer"] == "settled"
    assert shop.units() == {"packed": 3, "cancelled": 2}
    assert shop.broken_invariants() == []


def test_a_request_that_is_reported_late_settles_by_the_earliest_cancel_after_it() -> None:
    shop = selling(5)
    cancelled(shop, 1, f"{DAY}T11:15", cancellation_id="k2")
    cancelled(shop, 1, f"{DAY}T11:30", cancellation_id="k1")
    request(shop, 1, "r1", f"{DAY}T11:10")
    request(shop, 1, "r2", f"{DAY}T11:20")
    assert (pending(shop), states(shop)) == (0, {"r1": "settled", "r2": "settled"})


def test_a_request_reported_after_the_cancel_that_settled_it_is_settled() -> None:
    shop = selling(5)
    cancelled(shop, 2)
    request(shop, 2)
    assert (pending(shop), states(shop)) == (0, {"r1": "settled"})
    assert decide(shop, approve=True).rule == "request_answered"
    assert shop.units() == {"allocated": 3, "cancelled": 2}


def test_a_request_filed_after_a_cancel_is_another_wish() -> None:
    steps: list[Callable[[Shop], Any]] = [
        lambda s: cancelled(s, 2),
        lambda s: request(s, 2, at=f"{DAY}T11:30"),
    ]
    for order in permutations(steps):
        shop = selling(5)
        for step in order:
            step(shop)
        assert (pending(shop), states(shop)) == (2, {"r1": "waiting"})


def test_a_cancel_of_a_part_leaves_the_request_the_rest() -> None:
    steps: list[Callable[[Shop], Any]] = [lambda s: cancelled(s, 1), lambda s: request(s, 3)]
    for order in permutations(steps):
        shop = selling(5)
        for step in order:
            step(shop)
        assert (pending(shop), states(shop)) == (2, {"r1": "waiting"})
        assert decide(shop, approve=True).state == "accepted"
        assert (shop.units(), states(shop)) == ({"allocated": 2, "cancelled": 3}, {"r1": "approved"})


def test_a_cancel_told_line_by_line_settles_the_request_line_by_line() -> None:
    shop = Shop()
    shop.receive("CHAIR", 4)
    shop.place(ordered(2), ordered(2, "2"))
    both = pieces(1) + pieces(1, "2")
    shop.send("cancel-requested", ELEVEN, **O1, request_id="r1", lines=both)
    cancelled(shop, 1)
    assert (pending(shop), states(shop)) == (1, {"r1": "waiting"})
    cancelled(shop, 1, lines=both)
    cancelled(shop, 1, lines=both)
    assert (pending(shop), states(shop)) == (0, {"r1": "settled"})
    assert (shop.units("1"), shop.units("2")) == ({"allocated": 1, "cancelled": 1},) * 2
    assert shop.discrepancies() == []


def test_of_two_requests_the_cancel_settles_the_one_that_it_names() -> None:
    shop = selling(5)
    request(shop, 1, "r1")
    request(shop, 1, "r2")
    cancelled(shop, 1, request_id="r2")
    assert (pending(shop), states(shop)) == (1, {"r1": "waiting", "r2": "settled"})


def test_a_cancel_may_name_a_request_that_is_reported_later() -> None:
    shop = selling(5)
    cancelled(shop, 1, request_id="r2")
    request(shop, 1, "r1")
    request(shop, 1, "r2")
    assert (pending(shop), states(shop)) == (1, {"r1": "waiting", "r2": "settled"})


def test_a_cancel_of_all_that_is_left_leaves_nothing_to_decide() -> None:
    shop = selling(5)
    request(shop, 2)
    cancelled(shop, 0, lines=[], initiator="seller", reason="price_error")
    assert (pending(shop), states(shop), shop.units()) == (0, {"r1": "settled"}, {"cancelled": 5})


def test_the_sellers_own_cancel_of_other_pieces_leaves_the_request_open() -> None:
    shop = selling(5)
    request(shop, 2)
    cancelled(shop, 1, initiator="seller", reason="price_error")
    assert (pending(shop), states(shop)) == (2, {"r1": "waiting"})


def test_packed_pieces_of_a_settled_request_leave_the_parcel() -> None:
    shop = selling(5)
    pack(shop, 5)
    request(shop, 2)
    cancelled(shop, 2)
    sent = shop.send("dispatch-requested", f"{DAY}T13:00", **O1, shipment_id="s1")
    assert (sent.state, shop.units()) == ("accepted", {"in_transit": 3, "cancelled": 2})
    assert (shop.on_hand("CHAIR"), shop.stock("CHAIR").available) == (2, 2)


@pytest.mark.parametrize("named", [{}, {"request_id": "r1"}], ids=["by its pieces", "by its id"])
def test_the_channels_report_of_an_approved_cancel_cancels_nothing_again(named: dict[str, str]) -> None:
    shop = selling(5)
    request(shop, 2)
    decide(shop, approve=True)
    cancelled(shop, 2, f"{DAY}T12:20", **named)
    cancelled(shop, 2, f"{DAY}T12:20", **named)
    assert (shop.units(), shop.discrepancies()) == ({"allocated": 3, "cancelled": 2}, [])
    assert decide(shop, approve=True).state == "accepted"
    cancelled(shop, 1, f"{DAY}T12:30", cancellation_id="k10")
    assert shop.units() == {"allocated": 2, "cancelled": 3}


# The channel rejects the request, or the buyer withdraws it.


@pytest.mark.parametrize("answer", ["rejected", "withdrawn"])
def test_a_request_closed_without_a_cancel_keeps_nothing_back(answer: str) -> None:
    steps: list[Callable[[Shop], Any]] = [
        lambda s: request(s, 2),
        lambda s: s.send("cancel-request-closed", f"{DAY}T11:30", **O1, request_id="r1", answer=answer),
    ]
    for order in permutations(steps):
        shop = selling(5)
        for step in (*order, steps[1]):
            step(shop)
        assert (pending(shop), states(shop)) == (0, {"r1": answer})
        assert pack(shop, 5).state == "accepted"
        refused = decide(shop, approve=True)
        assert (refused.rule, refused.data["answer"]) == ("request_answered", answer)


# The true reason.


def test_a_request_may_be_approved_for_want_of_stock() -> None:
    shop = selling(1)
    request(shop, 1)
    decide(shop, approve=True, true_reason="out_of_stock")
    sold_out(shop)
    assert decide(shop, approve=True).state == "accepted"


def test_a_cancel_for_want_of_stock_decides_the_buyers_request_of_these_pieces() -> None:
    shop = selling(1)
    shop.place(ordered(1), order_id="O2")
    request(shop, 1)
    wish = {"cancellation_id": "k1", "reason": "out_of_stock", "lines": pieces(1)}
    assert shop.send("cancellation-requested", f"{DAY}T11:20", **O1, **wish).state == "accepted"
    sold_out(shop)
    assert decide(shop, approve=True, reason="out of stock").state == "accepted"
    assert decide(shop, approve=False).rule == "request_answered"
    assert shop.send("cancellation-requested", f"{DAY}T11:20", **O1, **wish).state == "accepted"
    sold_out(shop)


def sold_out(shop: Shop) -> None:
    """The chair of O1 is cancelled, counts as out of stock, and is sold to nobody else."""
    assert (states(shop), shop.units()) == ({"r1": "approved"}, {"cancelled": 1})
    assert shop.stock("CHAIR").closed
    assert [row.order_id for row in shop.rows("penalty_risk") if row.kind == "oos_cancel"] == ["O1"]
    (line,) = (row for row in shop.rows("order_facts") if row.order_id == "O1")
    assert (line.out_of_stock, line.cancelled_seller, line.cancelled_customer) == (1, 1, 0)


def test_a_rejection_has_no_true_reason() -> None:
    shop = selling(1)
    request(shop, 1)
    assert decide(shop, approve=False, true_reason="out_of_stock").state == "set_aside"


def test_a_request_of_which_nothing_is_left_needs_no_decision() -> None:
    shop = selling(5)
    request(shop, 3, "r1")
    request(shop, 1, "r2")
    shop.send("shipment-dispatched", f"{DAY}T11:30", **O1, shipment_id="s1", lines=pieces(4))
    assert decide(shop, approve=True).state == "accepted"
    assert decide(shop, approve=True, request_id="r2").rule == "request_answered"
    assert shop.units() == {"in_transit": 4, "cancelled": 1}


@pytest.mark.parametrize("first", [True, False])
def test_further_pieces_of_an_answered_request_may_be_answered_otherwise_and_again(first: bool) -> None:
    shop = selling(3)
    request(shop, 1)
    decide(shop, approve=first)
    request(shop, 2)
    for _ in range(2):
        assert decide(shop, approve=not first).state == "accepted"
    assert (shop.units().get("cancelled", 0), pending(shop)) == (1, 0)
