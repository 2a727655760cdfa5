"""The questions of the command line: stock, penalty, kpi, orders, returns, activity."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from infra.access.tokens import Token
from infra.http import models
from infra.http.asking.paging import Scope, each_seller, paged, totals
from infra.http.asking.parameters import (
    Asked,
    AskedActivity,
    AskedKpi,
    AskedOrders,
    AskedPenalty,
    AskedReturns,
    AskedStock,
    midnight,
)
from infra.http.forms import CSV_ANSWER, page
from infra.http.problems import documented
from infra.http.services import Reader, Served, Services
from projections.questions.activity import activity as activity_question
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.kpi import known_kpis
from projections.questions.kpi import kpi as kpi_question
from projections.questions.orders import orders as orders_question
from projections.questions.penalty import PenaltyAnswer
from projections.questions.penalty import penalty as penalty_question
from projections.questions.plain_rows import as_rows
from projections.questions.returns import returns as returns_question
from projections.questions.rows import RowReader
from projections.questions.stock import StockAnswer
from projections.questions.stock import stock as stock_question

ANSWERS: Final = {**documented(401, 403, 404, 422, 500, 503, 504), **CSV_ANSWER}
Ask = Callable[[RowReader, str | None], Iterable[Any]]

router = APIRouter()


async def _answered(  # noqa: PLR0913, PLR0917  who asks what, of whom
    request: Request, served: Services, token: Token, asked: Asked, scope: Scope, ask: Ask
) -> Response:
    """A page of the answers, seller by seller; once the read models have come to `min_position`."""
    if asked.min_position is not None:
        await served.reads.folded(asked.seller or token.only, asked.min_position)

    def work() -> tuple[list[dict[str, Any]], str | None, AsOf]:
        with served.reads.read_models.snapshot() as rows:
            names = scope(rows, token, asked.seller, asked.cursor)
            page_rows, following = paged(names, lambda name: _rows(ask(rows, name), name), asked)
            at = getattr(asked, "as_of", None)
            return page_rows, following, as_of_now(rows, asked.seller or token.only, at)

    rows, following, as_of = await served.reads.ask(work)
    return page(request, (as_of.as_of_position, as_of.as_of), rows, following)


def _rows(answers: Iterable[Any], seller: str | None) -> list[dict[str, Any]]:
    """As the command line prints them, each with its seller."""
    return [row if "seller_id" in row else {**row, "seller_id": seller} for row in as_rows(answers)]


@router.get("/stock", response_model=models.Page[StockAnswer], responses=ANSWERS)
async def stock(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedStock, Query()]
) -> Response:
    """What is there, what is promised, and what each channel may sell."""
    channels = (asked.channel,) if asked.channel else ()

    def ask(rows: RowReader, seller: str | None) -> Iterable[Any]:
        return stock_question(rows, seller or "", asked.sku, channels)

    return await _answered(request, served, token, asked, each_seller, ask)


@router.get("/penalty", response_model=models.Page[PenaltyAnswer], responses=ANSWERS)
async def penalty(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedPenalty, Query()]
) -> Response:
    """How near each seller is to a penalty, and what the points are made of."""

    def ask(rows: RowReader, seller: str | None) -> Iterable[Any]:
        return [penalty_question(rows, seller or "", asked.channel, asked.as_of)]

    return await _answered(request, served, token, asked, each_seller, ask)


@router.get("/kpi", response_model=models.Page[models.KpiRow], responses=ANSWERS)
async def kpi(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedKpi, Query()]
) -> Response:
    """Fulfilment KPIs, each with its numerator and denominator.  `name`: which; default: all."""

    def ask(rows: RowReader, seller: str | None) -> Iterable[Any]:
        return [
            kpi_question(
                rows, name, seller=seller, channel=asked.channel, since=asked.since, until=asked.until
            )
            for name in asked.name or known_kpis(rows)
        ]

    return await _answered(request, served, token, asked, totals, ask)


@router.get("/orders", response_model=models.Page[models.OrdersRow], responses=ANSWERS)
async def orders(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedOrders, Query()]
) -> Response:
    """What became of the orders: counts by status, lateness, durations."""

    def ask(rows: RowReader, seller: str | None) -> Iterable[Any]:
        return [
            orders_question(
                rows,
                seller=seller,
                channel=asked.channel,
                claimed_status=asked.claimed,
                status=asked.status,
                since=midnight(asked.since),
                until=midnight(asked.until),
            )
        ]

    return await _answered(request, served, token, asked, totals, ask)


@router.get("/returns", response_model=models.Page[models.ReturnsRow], responses=ANSWERS)
async def returns(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedReturns, Query()]
) -> Response:
    """Returns by state and reason, and refunds that are overdue."""

    def ask(rows: RowReader, seller: str | None) -> Iterable[Any]:
        return returns_question(rows, seller or "", channel=asked.channel, state=asked.state)

    return await _answered(request, served, token, asked, each_seller, ask)


@router.get("/activity", response_model=models.Page[models.ActivityRow], responses=ANSWERS)
async def activity(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedActivity, Query()]
) -> Response:
    """Everything that happened, by kind: facts told, pieces, value."""

    def ask(rows: RowReader, seller: str | None) -> Iterable[Any]:
        return activity_question(
            rows,
            seller,
            since=asked.since,
            until=asked.until,
            kind=asked.kind,
            by_reason=asked.by_reason,
        )

    return await _answered(request, served, token, asked, totals, ask)
