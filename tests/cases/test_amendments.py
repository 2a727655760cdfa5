"""An order that its channel amends, or reports again with other content."""

from itertools import permutations
from typing import Any

import pytest

from tests.cases.shop import DAY, O1, Shop, ordered

AMENDED_AT = {3: "10:30", 4: "10:40"}


def selling(stock: int = 9) -> Shop:
    """O1 has two chairs and is paid."""
    shop = Shop()
    shop.receive("CHAIR", stock)
    shop.place(ordered(2))
    return shop


def amend(shop: Shop, pieces: int, at: str = "10:30", **fields: Any) -> None:
    line = {"line": "1", "sku": "CHAIR", "pieces": pieces, **fields}
    shop.send("order-amended", f"{DAY}T{at}", **O1, amendment_id=f"a{pieces}", lines=[line])


def again(shop: Shop, *lines: dict[str, Any], **fields: Any) -> None:
    """The channel reports the order again; twice, to show that it is recorded once."""
    for _ in range(2):
        shop.send("order-placed", f"{DAY}T11:00", **O1, currency="KRW", lines=list(lines), **fields)


def test_a_line_with_more_pieces_grows_and_the_added_ones_are_reserved() -> None:
    shop = selling()
    amend(shop, 3)
    amend(shop, 3)
    assert (shop.units(), shop.stock("CHAIR").available) == ({"allocated": 3}, 6)
    (line,) = shop.rows("order_facts")
    assert (line.ordered, line.waiting, line.value_micros) == (3, 3, 30_000_000_000)
    assert (shop.discrepancies(), shop.broken_invariants()) == ([], [])


@pytest.mark.parametrize("amendments", list(permutations(AMENDED_AT)))
def test_amendments_in_any_order_end_alike(amendments: tuple[int, ...]) -> None:
    shop = selling()
    for pieces in (*amendments, *amendments):
        amend(shop, pieces, AMENDED_AT[pieces])
    assert (shop.units(), shop.discrepancies()) == ({"allocated": 4}, [])
    assert shop.broken_invariants() == []


def test_added_pieces_that_are_not_in_stock_are_backordered() -> None:
    shop = selling(2)
    amend(shop, 3)
    assert shop.units() == {"allocated": 2, "backordered": 1}
    amend(shop, 4, "10:40")
    assert shop.units() == {"allocated": 2, "backordered": 2}
    assert shop.broken_invariants() == []


@pytest.mark.parametrize(
    "other",
    [{"pieces": 1}, {"pieces": 2, "sku": "TABLE"}, {"pieces": 2, "unit_price": "9000"}],
    ids=["fewer pieces", "another option", "another price"],
)
def test_an_amendment_that_takes_something_away_is_a_discrepancy_once(other: dict[str, Any]) -> None:
    shop = selling()
    amend(shop, **other)
    amend(shop, **other)
    assert (shop.units(), shop.discrepancies()) == ({"allocated": 2}, ["amended_again_differently"])


def test_added_pieces_cost_what_the_others_do() -> None:
    shop = selling()
    amend(shop, 3, unit_price="9000")
    (line,) = shop.rows("order_facts")
    assert (line.ordered, line.value_micros) == (3, 30_000_000_000)
    assert shop.discrepancies() == ["amended_again_differently"]


def test_fewer_pieces_after_a_cancel_of_the_others_contradict_nothing() -> None:
    shop = selling()
    cancel = {"cancellation_id": "c1", "reason": "customer_request", "lines": [{"line": "1", "pieces": 1}]}
    shop.send("order-cancelled", **O1, **cancel)
    amend(shop, 1)
    again(shop, ordered(1))
    assert (shop.units(), shop.discrepancies()) == ({"allocated": 1, "cancelled": 1}, [])


def test_the_order_as_it_was_placed_is_a_repeat_after_an_amendment_too() -> None:
    shop = selling()
    amend(shop, 3)
    again(shop, ordered(2))
    assert shop.discrepancies() == []


@pytest.mark.parametrize(
    "lines",
    [
        (ordered(2, unit_price="9000"),),
        (ordered(1),),
        (ordered(2), ordered(1, "2", "TABLE")),
        (ordered(1, "2", "TABLE"),),
    ],
    ids=["another price", "fewer pieces", "one more line", "other lines"],
)
def test_an_order_reported_again_with_other_lines_is_a_discrepancy_once(lines: tuple[Any, ...]) -> None:
    shop = selling()
    again(shop, *lines)
    assert set(shop.discrepancies()) == {"placed_again_differently"}
    assert len(shop.discrepancies()) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_another_destination_is_a_discrepancy_of_its_own_once_a_piece_is_packed(packed: bool) -> None:
    shop = selling()
    if packed:
        shop.send("shipment-packed", **O1, shipment_id="s1", lines=[{"line": "1", "pieces": 1}])
    again(shop, ordered(2), destination={"country": "KR", "zone": "jeju"})
    kind = "address_changed_after_pack" if packed else "placed_again_differently"
    assert shop.discrepancies() == [kind]
