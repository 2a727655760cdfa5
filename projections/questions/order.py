"""Question `order`: one order with its lines, parcels and cancel requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from domain.values import Text
from projections.orders.rows import (
    CANCEL_INBOX,
    ORDER_FACTS,
    ORDER_STATUS,
    PARCELS,
    CancelAsked,
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
    """One order of a seller with all its rows."""

    order: OrderStatus
    lines: list[OrderFact]
    parcels: list[Parcel]
    cancel_requests: list[CancelAsked]


def order(
    rows: RowReader, seller: str, channel: str, order_id: str, account: str = "main"
) -> OrderAnswer | None:
    """The order with this id; None if there is none."""
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
    """All orders with this id, of one seller or of all: several channels or sellers may use the same id."""
    for head in rows.select(ORDER_STATUS, equal(order_id=order_id, seller_id=seller)):
        answer = order(rows, head.seller_id, head.channel, order_id, head.account)
        if answer is not None:
            yield answer


class OrderParameters(Parameters):
    order_id: Annotated[Text, Option("Id of the order on its channel.", argument="order_id")]


QUESTION: Final = Question(
    name="order",
    help="One order: the states of its pieces, and all its events, each with its cause.",
    example="jumun order N-000042",
    parameters=OrderParameters,
    answer=OrderAnswer,
    scope="all sellers",
    ask=lambda rows, seller, parameters: orders_named(rows, parameters.order_id, seller),
    published=False,  # its route and its command also show its events, which are not in the rows
)
