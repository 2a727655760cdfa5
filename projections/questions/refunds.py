"""Question `refunds`: the money that is owed to buyers, and until when it is to be refunded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.punctuality import has_passed
from projections.instants import instant, micros_of
from projections.orders.rows import ORDER_STATUS
from projections.orders.view import earliest
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.question import Account, Channel, Parameters, Question
from projections.questions.rows import AtLeast, Conditions, IsNone, IsNotNone, RowReader, equal
from projections.returns import RETURN_STATUS, ReturnStatus

Key = tuple[str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class RefundAnswer(AsOf):
    """What is owed for one order.  `due_at`: None while nothing says until when."""

    channel: str
    account: str | None
    order_id: str | None
    returns: str
    """Ids of its returns that are due a refund, separated by spaces."""
    amount: int | None
    """What is owed, in minor units; None for a return that was not inspected yet, or has no order."""
    currency: str
    due_at: datetime | None
    overdue: bool


def refunds(
    rows: RowReader,
    seller: str,
    *,
    channel: str | None = None,
    account: str | None = None,
    as_of: datetime | None = None,
) -> list[RefundAnswer]:
    """One answer per order, the most urgent first; those without a due instant come last."""
    when = as_of_now(rows, seller, as_of)
    where = equal(seller_id=seller, channel=channel, account=account)
    unpaid = [*where, IsNone("refunded_at"), IsNotNone("refund_due_at")]
    of_order: dict[Key, list[ReturnStatus]] = {}
    for row in rows.select(RETURN_STATUS, unpaid):
        of_order.setdefault((row.channel, row.account, row.order_id), []).append(row)
    answers = list(_of_orders(rows, [*where, AtLeast("refund_due", 1)], of_order, when))
    for (of_channel, of_account, order_id), returned in of_order.items():
        due, names = _of_returns(returned)
        owed = (None, returned[0].currency)
        answers.append(_answer(when, (of_channel, of_account, order_id), names, owed, due))
    return sorted(
        answers,
        key=lambda one: (one.due_at is None, one.due_at or one.as_of, one.channel, one.order_id or ""),
    )


def _of_orders(
    rows: RowReader, where: Conditions, of_order: dict[Key, list[ReturnStatus]], when: AsOf
) -> Iterator[RefundAnswer]:
    """The orders that owe money.  Takes their returns out of `of_order`."""
    for row in rows.select(ORDER_STATUS, where):
        key = row.channel, row.account, row.order_id
        due, names = _of_returns(of_order.pop(key, []))
        if row.refund_due_at is not None:
            due = earliest(due, row.refund_due_at)
        yield _answer(when, key, names, (row.refund_due, row.currency), due)


def _of_returns(returned: list[ReturnStatus]) -> tuple[int | None, str]:
    due = min((row.refund_due_at for row in returned if row.refund_due_at is not None), default=None)
    return due, " ".join(sorted(row.return_id for row in returned))


def _answer(
    when: AsOf, key: Key, returns: str, owed: tuple[int | None, str], due: int | None
) -> RefundAnswer:
    overdue = due is not None and has_passed(due, micros_of(when.as_of))
    due_at = None if due is None else instant(due)
    return RefundAnswer(when.as_of_position, when.as_of, *key, returns, *owed, due_at, overdue)


class RefundsParameters(Parameters):
    channel: Channel = None
    account: Account = None


QUESTION: Final = Question(
    name="refunds",
    help="Money that is owed to buyers, and until when it is to be refunded.",
    example="jumun refunds --channel coupang",
    parameters=RefundsParameters,
    answer=RefundAnswer,
    row_help="What one seller owes for one order.",
    scope="each seller",
    ask=lambda rows, seller, parameters: refunds(
        rows, seller or "", channel=parameters.channel, account=parameters.account
    ),
)
