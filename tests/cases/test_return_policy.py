"""What a seller's adopted return policy decides about returns, field by field."""

from typing import Any, Final

import pytest

from consumers.ports import Outcome
from tests.cases.shop import O1, Shop, ordered

PAYER: Final = {"customer_fault": "customer", "seller_fault": "seller", "carrier_fault": "seller"}
ITALIAN: Final[dict[str, Any]] = {
    "kind": "return_policy",
    "id": "it",
    "version": 1,
    "valid_from": "2026-03-01",
    "region": "IT",
    "source": "the owner",
    "confidence": "high",
    "calendar": "weekdays",
    "window_days": 14,
    "window_starts_at": "last_item_delivered",
    "roll_to_next_business_day": True,
    "refund_trigger": "on_receipt",
    "refund_within_business_days": 3,
    "late_interest_apr": "0",
    "payer": PAYER,
}
FREE: Final[dict[str, Any]] = {**ITALIAN, "id": "us", "region": "US", "roll_to_next_business_day": False}
"""Terms in a region whose law is not checked."""
APPROVAL: Final = {"max_value_minor": 10_000, "currency": "KRW", "reasons": ["changed_mind"]}


def adopt(shop: Shop, policy: dict[str, Any], **changes: Any) -> Outcome:
    return shop.send("policy-adoption-requested", "2026-03-01T00:00", policy=policy | changes)


def delivered(policy: dict[str, Any], *days: str, **changes: Any) -> Shop:
    """An order of a piece per day, placed on 2 March; each piece arrives in its own parcel on its day."""
    shop = Shop()
    assert adopt(shop, policy, **changes).state == "accepted"
    shop.receive("CHAIR", 3)
    lines = [ordered(1, str(number)) for number in range(1, len(days) + 1)]
    shop.place(*lines, at="2026-03-02T10:00")
    for line, day in zip(lines, days, strict=True):
        parcel = {"shipment_id": f"s{line['line']}", "lines": [{"line": line["line"], "pieces": 1}]}
        shop.send("shipment-dispatched", "2026-03-03T12:00", **O1, **parcel)
        if day:
            arrived = {"shipment_id": parcel["shipment_id"], "status": "delivered"}
            shop.send("shipment-tracked", f"{day}T10:00", **O1, **arrived)
    return shop


def ask_back(shop: Shop, at: str, *lines: str, return_id: str = "r1", **fields: Any) -> Outcome:
    pieces = [{"line": line, "pieces": 1} for line in lines]
    values = {"return_id": return_id, "lines": pieces, "reason": "changed_mind", **fields}
    return shop.send("return-requested", at, **O1, **values)


def ends(shop: Shop) -> list[str | None]:
    """The first instant after the window of each return, in UTC."""
    windows = [event.window_ends_at for event in shop.events("ReturnOpened")]
    return [None if end is None else end.isoformat()[:16] for end in windows]


def test_an_italian_window_of_three_days_is_not_adopted() -> None:
    outcome = adopt(Shop(), ITALIAN, window_days=3)
    assert (outcome.state, outcome.rule) == ("refused", "policy_below_the_law")
    assert "at least 14 days, not 3" in str(outcome)


def test_what_nothing_carries_out_is_not_adopted() -> None:
    outcome = adopt(Shop(), ITALIAN, valid_to="2026-12-31")
    assert (outcome.state, outcome.rule) == ("refused", "policy_not_carried_out")
    assert "valid_to" in str(outcome)


def test_the_window_of_every_line_counts_from_the_last_item_and_rolls_to_monday() -> None:
    """14 March and 14 days is Saturday the 28th, so Monday the 30th counts."""
    shop = delivered(ITALIAN, "2026-03-07", "2026-03-14")
    assert ask_back(shop, "2026-03-23T10:00", "1").state == "accepted"
    assert ask_back(shop, "2026-03-30T23:59", "2", return_id="r2").state == "accepted"
    assert ends(shop) == ["2026-03-30T15:00"] * 2


def test_a_day_after_the_rolled_window_is_too_late() -> None:
    shop = delivered(ITALIAN, "2026-03-07", "2026-03-14")
    assert ask_back(shop, "2026-03-31T00:00", "1").rule == "return_window_closed"


def test_the_window_has_not_begun_while_an_item_is_on_its_way() -> None:
    shop = delivered(ITALIAN, "2026-03-07", "")
    assert ask_back(shop, "2026-05-20T10:00", "1").state == "accepted"
    assert ends(shop) == [None]


def test_a_calendar_of_every_day_rolls_past_the_weekend_too() -> None:
    shop = delivered(ITALIAN, "2026-03-14", calendar="every-day")
    ask_back(shop, "2026-03-15T10:00", "1")
    assert ends(shop) == ["2026-03-30T15:00"]


def test_without_rolling_the_window_ends_on_saturday() -> None:
    shop = delivered(FREE, "2026-03-14")
    ask_back(shop, "2026-03-15T10:00", "1")
    assert ends(shop) == ["2026-03-28T15:00"]


def test_a_window_that_starts_at_the_order_ends_whenever_the_goods_arrive() -> None:
    shop = delivered(FREE, "2026-03-14", window_starts_at="ordered")
    assert ask_back(shop, "2026-03-16T23:59", "1").state == "accepted"
    assert ends(shop) == ["2026-03-16T15:00"]
    assert ask_back(delivered(FREE, "2026-03-14", window_starts_at="ordered"), "2026-03-17T00:00", "1").rule


SECOND: Final = {"reasons": ["defect"], "days_from_delivery": 90, "days_from_knowing": 30}


@pytest.mark.parametrize("start", ["ordered", "last_item_delivered"])
def test_a_defect_counts_from_the_delivery_and_from_when_it_was_noticed(start: str) -> None:
    shop = delivered(FREE, "2026-03-14", window_starts_at=start, second_window=SECOND)
    noticed = {"reason": "defect", "noticed_on": "2026-03-20"}
    assert ask_back(shop, "2026-04-20T00:00", "1", **noticed).rule == "return_window_closed"
    assert ask_back(shop, "2026-04-19T23:59", "1", **noticed).state == "accepted"
    assert ends(shop) == ["2026-04-19T15:00"]


def test_a_defect_without_that_day_has_the_whole_second_window() -> None:
    shop = delivered(FREE, "2026-03-14", second_window=SECOND)
    ask_back(shop, "2026-06-01T10:00", "1", reason="defect")
    assert ends(shop) == ["2026-06-12T15:00"]


FRESH: Final = [{"category": "fresh", "needs": "notice", "skus": ["CHAIR"]}]
CUSTOM: Final = [{"category": "custom_made", "needs": "written_consent"}]


@pytest.mark.parametrize("proof", ["notice", "written_consent"])
def test_goods_that_the_policy_excludes_are_refused_with_the_proof(proof: str) -> None:
    shop = delivered(ITALIAN, "2026-03-07", non_returnable=FRESH)
    outcome = ask_back(shop, "2026-03-08T10:00", "1", proof=proof)
    assert (outcome.state, outcome.rule) == ("refused", "not_returnable")


@pytest.mark.parametrize("proof", [None, "notice"])
def test_without_the_proof_that_is_needed_the_goods_come_back_and_the_return_says_why(
    proof: str | None,
) -> None:
    shop = delivered(ITALIAN, "2026-03-07", non_returnable=CUSTOM)
    assert ask_back(shop, "2026-03-08T10:00", "1", category="custom_made", proof=proof).state == "accepted"
    assert [event.unproven for event in shop.events("ReturnOpened")] == ["custom_made"]


@pytest.mark.parametrize("fields", [{"reason": "defect"}, {"origin": "seller"}, {"fault": "seller"}])
def test_an_excluded_piece_comes_back_if_the_buyer_is_not_at_fault(fields: dict[str, str]) -> None:
    shop = delivered(ITALIAN, "2026-03-07", non_returnable=FRESH)
    assert ask_back(shop, "2026-03-08T10:00", "1", proof="notice", **fields).state == "accepted"
    assert [event.unproven for event in shop.events("ReturnOpened")] == [None]


def test_a_resolution_that_the_policy_does_not_offer_is_refused() -> None:
    shop = delivered(ITALIAN, "2026-03-07")
    outcome = ask_back(shop, "2026-03-08T10:00", "1", resolution="exchange")
    assert (outcome.state, outcome.rule) == ("refused", "resolution_not_offered")


def test_no_refund_is_due_for_an_exchange() -> None:
    shop = delivered(ITALIAN, "2026-03-07", "2026-03-07", resolutions=["refund", "exchange"])
    for line, resolution in (("1", "exchange"), ("2", "refund")):
        assert (
            ask_back(shop, "2026-03-08T10:00", line, return_id=resolution, resolution=resolution).rule is None
        )
        shop.send("return-received", "2026-03-10T10:00", return_id=resolution)
    assert [event.refund_due_at is None for event in shop.events("ReturnReceived")] == [True, False]
    assert shop.order().returns_to_refund == ("refund",)
    shop.pass_time("2026-05-01T10:00")
    assert [row.return_id for row in shop.rows("return_status") if row.overdue] == ["refund"]


def test_a_return_within_the_limits_is_approved_when_it_is_requested() -> None:
    shop = delivered(ITALIAN, "2026-03-07", auto_approve=APPROVAL)
    ask_back(shop, "2026-03-08T10:00", "1")
    ask_back(shop, "2026-03-08T10:00", "1")
    assert [event.by for event in shop.events("ReturnApproved")] == ["policy:it@1"]
    assert [row.state for row in shop.rows("return_status")] == ["approved"]


@pytest.mark.parametrize(
    ("lines", "fields", "limits"),
    [
        (("1", "2"), {}, {}),  # 20,000 won
        (("1",), {"reason": "defect"}, {}),
        (("1",), {"origin": "channel"}, {}),
        (("1",), {}, {"currency": "USD"}),
        (("1",), {}, {"max_value_minor": 9_999}),
    ],
)
def test_a_return_beyond_a_limit_waits_for_a_person(
    lines: tuple[str, ...], fields: dict[str, str], limits: dict[str, Any]
) -> None:
    shop = delivered(ITALIAN, "2026-03-07", "2026-03-07", auto_approve=APPROVAL | limits)
    ask_back(shop, "2026-03-08T10:00", *lines, **fields)
    assert [row.state for row in shop.rows("return_status")] == ["requested"]
