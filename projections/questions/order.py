"""One order with its lines, parcels and cancel requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from domain.values import Text
from projections.orders.rows import (
    CANCEL_INBOX,
    ORDER_FACTS,
    ORDER_STATUS,
    PARCELS,
    CancelRequestRow,
    OrderFact,
    OrderStatus,
    Parcel,
)
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.question import Option, Parameters, Question
from projections.questions.rows import RowReader, equal
from projections.tables import Table

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class OrderAnswer(AsOf):
    """One seller's order with everything known of it."""

    order: OrderStatus
    lines: list[OrderFact]
    parcels: list[Parcel]
    cancel_requests: list[CancelRequestRow]


def order(
    rows: RowReader, seller: str, channel: str, order_id: str, account: str = "main"
) -> OrderAnswer | None:
    """The order of that name; None, if there is none."""
    head = rows.get(ORDER_STATUS, (seller, channel, account, order_id))
    if head is None:
        return None
    when = as_of_now(rows, seller)

    def parts(table: Table[Row]) -> list[Row]:
        where = equal(seller_id=seller, channel=channel, account=account, order_id=order_id)
        return list(rows.select(table, where))

    details = parts(ORDER_FACTS), parts(PARCELS), parts(CANCEL_INBOX)
    return OrderAnswer(when.as_of_position, when.as_of, head, *details)


def orders_named(rows: RowReader, order_id: str, seller: str | None = None) -> Iterator[OrderAnswer]:
    """All orders of that name, of one seller or of any: on so many channels, or of so many sellers."""
    for head in rows.select(ORDER_STATUS, equal(order_id=order_id, seller_id=seller)):
        answer = order(rows, head.seller_id, head.channel, order_id, head.account)
        if answer is not None:
            yield answer


class OrderParameters(Parameters):
    order_id: Annotated[Text, Option("The channel's name for the order.", argument="order_id")]


QUESTION: Final = Question(
    name="order",
    help="One order: where its pieces are, and everything that happened to it, each with its cause.",
    example="jumun order N-000042",
    parameters=OrderParameters,
    answer=OrderAnswer,
    scope="all sellers",
    ask=lambda rows, seller, given: orders_named(rows, given.order_id, seller),
    published=False,  # route and command tell its story besides, which is in the ledger and not in rows
)
