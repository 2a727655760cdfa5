"""Converts Olist rows to messages, with every trap of the data that its description names."""

from collections.abc import Sequence
from pathlib import Path

from consumers.imports.messages import Message, Row
from infra.settings import Settings
from infra.wiring.embedded import writing
from projections.questions.order import order
from projections.questions.orders import orders as orders_summary
from tests.consumers.imports.hand import converted, data_of, kinds, of_kind, rows
from tests.consumers.imports.running import facts, ingested

ORDERS = (
    "order_id|customer_id|order_status|order_purchase_timestamp|order_approved_at|"
    "order_delivered_carrier_date|order_delivered_customer_date|order_estimated_delivery_date"
)
ITEMS = "order_id|order_item_id|product_id|seller_id|shipping_limit_date|price|freight_value"
PAYMENTS = "order_id|payment_sequential|payment_type|payment_value"
REVIEWS = (
    "review_id|order_id|review_score|review_comment_title|review_comment_message|"
    "review_creation_date|review_answer_timestamp"
)
DAYS = "2017-03-01 10:00:00|2017-03-01 12:00:00|2017-03-03 09:00:00|2017-03-09 18:00:00|2017-03-09 00:00:00"
DELIVERED = f"o1|c1|delivered|{DAYS}"
ITEM = "o1|1|chair|anna|2017-03-02 00:00:00|10.10|1.50"


def messages_of(
    orders: Sequence[str],
    items: Sequence[str] = (ITEM,),
    payments: Sequence[str] = ("o1|1|boleto|11.60",),
    reviews: Sequence[str] = (),
    customers: Sequence[Row] = (),
) -> list[Message]:
    return converted(
        "olist",
        orders=rows(ORDERS, *orders),
        order_items=rows(ITEMS, *items),
        order_payments=rows(PAYMENTS, *payments),
        order_reviews=rows(REVIEWS, *reviews),
        customers=customers,
    )


def test_an_order_becomes_messages_from_its_purchase_to_its_delivery() -> None:
    messages = messages_of([DELIVERED])
    assert kinds(messages) == [
        "order-placed",
        "order-paid",
        "shipment-dispatched",
        "shipment-tracked",
        "order-status-claimed",
    ]
    assert data_of(messages, "order-placed") == [
        {
            "channel": "olist",
            "order_id": "o1",
            "currency": "BRL",
            "lines": [
                {
                    "line": "1",
                    "sku": "chair",
                    "pieces": 1,
                    "unit_price": "10.10",
                    "ship_by": "2017-03-02T00:00:01-03:00",
                }
            ],
            "shipping_fee": 150,
            "destination": {"country": "BR"},
            "promise_at": "2017-03-09T00:00:00-03:00",
        }
    ]
    assert of_kind(messages, "shipment-tracked")[0]["time"] == "2017-03-09T18:00:00-03:00"


def test_the_destination_has_the_known_parts_of_the_buyers_address() -> None:
    lives = rows("customer_id|customer_zip_code_prefix|customer_state", "c1|02983|SP")
    destination = data_of(messages_of([DELIVERED], customers=lives), "order-placed")[0]["destination"]
    assert destination == {"country": "BR", "zone": "SP", "postcode_area": "02983"}


def test_an_order_of_two_sellers_is_one_fact_in_two_parts_and_its_money_is_shared() -> None:
    items = [ITEM, "o1|2|table|bert|2017-03-04 00:00:00|20.00|3.20"]
    messages = messages_of([DELIVERED], items, ["o1|1|card|30.01", "o1|2|voucher|4.79"])
    placed = of_kind(messages, "order-placed")
    assert [(one["sellerid"], one["part"], one["of"]) for one in placed] == [("anna", 1, 2), ("bert", 2, 2)]
    assert {one["data"]["order_id"] for one in placed} == {"o1"}
    paid = [(one["data"]["payment_id"], one["data"]["amount"]) for one in of_kind(messages, "order-paid")]
    assert paid == [("1", 1000), ("1", 2001), ("2", 159), ("2", 320)]


def test_an_order_without_items_has_no_seller_and_still_counts() -> None:
    messages = messages_of(["o1|c1|canceled|2017-03-01 10:00:00||||2017-03-09"], items=())
    assert {message["sellerid"] for message in messages} == {"unassigned:olist"}
    assert data_of(messages, "order-placed")[0]["lines"] == []
    assert kinds(messages) == ["order-placed", "order-status-claimed", "order-cancelled"]


def test_a_payment_that_was_never_approved_is_no_payment() -> None:
    assert not data_of(messages_of(["o1|c1|canceled|2017-03-01 10:00:00||||2017-03-09"]), "order-paid")


def test_an_approval_without_a_payment_row_is_a_payment_of_nothing() -> None:
    assert [one["amount"] for one in data_of(messages_of([DELIVERED], payments=()), "order-paid")] == [0]


def test_a_delivery_without_a_hand_over_has_its_dispatch_inferred() -> None:
    order = DELIVERED.replace("2017-03-03 09:00:00", "")
    dispatch = of_kind(messages_of([order]), "shipment-dispatched")[0]
    assert (dispatch["inferred"], dispatch["time"]) == (True, "2017-03-09T18:00:00-03:00")
    assert "inferred" not in of_kind(messages_of([DELIVERED]), "shipment-dispatched")[0]


def test_a_delivered_order_without_a_date_of_delivery_is_only_claimed_to_be_delivered() -> None:
    messages = messages_of([DELIVERED.replace("2017-03-09 18:00:00", "")])
    assert not of_kind(messages, "shipment-tracked")
    claim = of_kind(messages, "order-status-claimed")[0]
    assert (claim["data"]["status"], claim["inferred"]) == ("delivered", True)
    assert claim["time"] == "2017-03-03T09:00:00-03:00"


def test_a_cancel_has_no_cause_and_blames_neither_side() -> None:
    cancel = of_kind(messages_of([DELIVERED.replace("delivered", "canceled")]), "order-cancelled")[0]
    assert (cancel["time"], cancel["inferred"]) == ("2017-03-09T18:00:00-03:00", True)
    assert (cancel["data"]["reason"], cancel["data"]["fault"]) == ("other", "platform")


def test_reviews_have_the_time_of_the_answer_and_an_id_each() -> None:
    reviews = [
        "r1|o1|2|Ruim|atrasado\nmuito|2017-03-10 00:00:00|2017-03-11 08:00:00",
        "r2|o1|5|||2017-02-01 00:00:00|2017-02-02 08:00:00",
    ]
    messages = messages_of([DELIVERED], reviews=reviews)
    assert [one["review_id"] for one in data_of(messages, "review-posted")] == ["r2", "r1"]
    assert data_of(messages, "review-posted")[1]["text"] == "Ruim\natrasado\nmuito"
    assert "text" not in data_of(messages, "review-posted")[0]
    assert of_kind(messages, "review-posted")[0]["time"] == "2017-02-02T08:00:00-03:00"


def test_a_limit_years_ahead_is_kept() -> None:
    line = data_of(messages_of([DELIVERED], [ITEM.replace("2017-03-02", "2020-02-05")]), "order-placed")[0][
        "lines"
    ][0]
    assert line["ship_by"] == "2020-02-05T00:00:01-03:00"


def test_repeated_rows_are_one_order_but_separate_items_payments_and_reviews() -> None:
    review = "r1|o1|2||||2017-03-11 08:00:00"
    payment = "o1|1|card|5.80"
    messages = messages_of([DELIVERED, DELIVERED], [ITEM, ITEM], [payment, payment], [review, review])
    assert [line["line"] for one in data_of(messages, "order-placed") for line in one["lines"]] == [
        "1",
        "1~2",
    ]
    assert [one["payment_id"] for one in data_of(messages, "order-paid")] == ["1", "1~2"]
    assert [one["review_id"] for one in data_of(messages, "review-posted")] == ["r1", "r1~2"]


def an_order(
    name: str, status: str, *times: str, placed: str = "01 10:00", promised: str = "09 00:00"
) -> str:
    """A row of an order: approved, handed over and delivered at these times in March; empty is unknown."""
    at = [f"2017-03-{time}:00" if time else "" for time in (placed, *times, promised)]
    return "|".join((name, "c", status, *at))


def test_unusual_orders_through_the_engine(tmp_path: Path) -> None:
    """Orders sent before approval, delivered before dispatch, cancelled but delivered, or without dates."""
    orders = [
        an_order("early", "delivered", "04 12:00", "02 09:00", "09 00:01"),
        an_order("crossed", "delivered", "01 12:00", "08 09:00", "07 18:00"),
        an_order("cancelled", "canceled", "01 12:00", "02 09:00", "09 18:00"),
        an_order("undated", "delivered", "", "", ""),
        an_order("unsent", "delivered", "01 12:00", "", "05 18:00", promised="04 00:00"),
    ]
    items = [ITEM.replace("o1", order.split("|")[0]) for order in orders]
    with writing(Settings(home=tmp_path)) as embedded:
        ingested(embedded, messages_of(orders, items, ()))
        with embedded.read_models.snapshot() as reader:
            answer = orders_summary(reader, channel="olist", claimed_status="delivered")
            everything = orders_summary(reader, channel="olist")
    assert everything.by_status == {"delivered": 4, "pending_payment": 1}
    assert everything.by_claimed_status == {"canceled": 1, "delivered": 4}
    assert (answer.delivered, answer.late_by_timestamp, answer.late_by_calendar_day) == (3, 2, 1)
    assert answer.approval_hours is not None
    left = everything.lines
    assert (left.handed_over, left.handed_over_after_limit, left.handed_over_inferred) == (3, 3, 1)


def test_a_sku_that_was_sold_out_is_never_short_for_a_later_order(tmp_path: Path) -> None:
    orders = [
        an_order("gone", "unavailable", "01 12:00", "", ""),
        an_order("before", "shipped", "01 13:00", "02 09:00", "", placed="01 11:00"),
        an_order("after", "shipped", "05 13:00", "06 09:00", "", placed="05 11:00"),
    ]
    items = [ITEM.replace("o1", order.split("|")[0]) for order in orders]
    with writing(Settings(home=tmp_path)) as embedded:
        ingested(embedded, messages_of(orders, items, ()))
        with embedded.read_models.snapshot() as reader:
            activities = facts(reader)
            cancelled = order(reader, "anna", "olist", "gone")
    assert activities["order.line-backordered"].units == 1, "only the order of the unavailable item"
    assert cancelled is not None
    assert cancelled.order.status == "cancelled"
    assert "stock.discrepancy-detected:shipped_unreserved" not in activities
