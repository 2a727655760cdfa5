"""What a message means, however its sender writes it."""

import unicodedata

import pytest

from tests.cases.shop import DAY, O1, Shop, ordered
from tests.messages import message

RED_CHAIR = "의자-빨강"


@pytest.mark.parametrize(
    "instant",
    ["20260312", "1741744800", "2026-03-12", "2026-03-12T10:00:00", "2026-03-12T10:00+09:00", "10:00"],
)
def test_an_instant_that_is_not_rfc_3339_is_set_aside(instant: str) -> None:
    shop = Shop()
    outcome = shop.send("order-placed", **O1, currency="KRW", lines=[ordered(1, ship_by=instant)])
    assert outcome.state == "set_aside"
    assert "ship_by" in str(outcome.data["field"])


@pytest.mark.parametrize(
    "instant", ["2026-03-12T10:00:00+09:00", "2026-03-12T01:00:00Z", "2026-03-12T01:00:00.5Z"]
)
def test_an_instant_of_rfc_3339_is_taken(instant: str) -> None:
    shop = Shop()
    assert (
        shop.send("order-placed", **O1, currency="KRW", lines=[ordered(1, ship_by=instant)]).state
        == "accepted"
    )


@pytest.mark.parametrize(
    "sku",
    [unicodedata.normalize("NFD", RED_CHAIR), RED_CHAIR + " ", "\u200b" + RED_CHAIR, "\u202a" + RED_CHAIR],
    ids=["in parts", "blank", "zero width", "direction"],
)
def test_a_sku_is_the_same_in_whichever_form_it_is_written(sku: str) -> None:
    shop = Shop()
    shop.send("stock-received", receipt_id="in-1", sku=RED_CHAIR, pieces=1)
    shop.place(ordered(1, sku=sku))
    assert shop.units() == {"allocated": 1}


def test_a_message_sent_again_with_its_id_in_parts_is_a_duplicate() -> None:
    shop = Shop()
    data = {"receipt_id": "입고-1", "sku": "CHAIR", "pieces": 1}
    shop.send_raw(message("stock-received", data, id="입고-1"))
    again = unicodedata.normalize("NFD", "입고-1")
    assert (
        shop.send_raw(message("stock-received", {**data, "receipt_id": again}, id=again)).state != "accepted"
    )
    assert shop.on_hand("CHAIR") == 1


def test_a_text_of_nothing_visible_is_set_aside() -> None:
    assert Shop().send("stock-received", receipt_id="in-1", sku="\u200b ", pieces=1).state == "set_aside"


def test_a_line_of_no_pieces_is_a_line_that_is_gone() -> None:
    shop = Shop()
    shop.send("stock-received", receipt_id="in-1", sku="CHAIR", pieces=2)
    placed = shop.send(
        "order-placed", f"{DAY}T10:00", **O1, currency="KRW", lines=[ordered(1), ordered(0, "2")]
    )
    assert placed.state == "accepted"
    assert list(shop.order().lines) == ["1"]
