"""GET /orders/{order_id}: one order with its timeline."""

from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from infra.access.tokens import ALL, Token
from infra.audit.timeline import story
from infra.http import models
from infra.http.asking.message_outcomes import PathText, decoded
from infra.http.asking.paging import check_seller
from infra.http.asking.parameters import OrderParameters
from infra.http.forms import CSV_ANSWER, page
from infra.http.problems import Problem, documented
from infra.http.reads import Reads
from infra.http.services import Reader, Served
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.order import QUESTION, orders_named
from projections.questions.plain_rows import as_rows

MOST_ORDERS: Final = 20
"""The most orders with the same order id: on different channels, or of different sellers."""
MOST_EVENTS: Final = 2_000

router = APIRouter()


@router.get(
    "/orders/{order_id}",
    response_model=models.Page[models.OrderRow],
    responses={**documented(401, 403, 404, 422, 500, 503, 504), **CSV_ANSWER},
    description=QUESTION.help,
)
async def order(
    request: Request,
    served: Served,
    token: Reader,
    order_id: PathText,
    parameters: Annotated[OrderParameters, Query()],
) -> Response:
    check_seller(token, parameters.seller)
    name, seller = decoded(order_id), parameters.seller or token.only
    if parameters.min_position is not None:
        await served.reads.folded(seller, parameters.min_position)
    rows, as_of = await served.reads.ask(lambda: _order_rows(served.reads, token, name, seller))
    if not rows:
        detail = "There is no order with this id (yet)."
        raise Problem(404, detail, "GET /parked lists the messages that wait for their order.")
    return page(request, (as_of.as_of_position, as_of.as_of), rows)


def _order_rows(
    reads: Reads, token: Token, name: str, seller: str | None
) -> tuple[list[dict[str, Any]], AsOf]:
    sellers = [seller] if seller is not None or token.sellers == ALL else list(token.sellers)
    with reads.read_models.snapshot() as rows:
        matches = (answer for one in sellers for answer in orders_named(rows, name, one))
        answers = list(islice(matches, MOST_ORDERS))
        as_of = as_of_now(rows, seller)
    stories = [story(reads.ledger, answer.order, MOST_EVENTS) for answer in answers]
    plain = zip(as_rows(answers), stories, strict=True)
    return [{**row, "timeline": events} for row, events in plain], as_of
