"""The questions of the command line: stock, penalty, kpi, orders, returns, activity."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

import sqlalchemy as sa
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
from infra.read_models import queries
from infra.read_models.schema import SQL

ANSWERS: Final = {**documented(401, 403, 404, 422, 500, 503, 504), **CSV_ANSWER}
Ask = Callable[[sa.Connection, str | None], Iterable[Any]]

router = APIRouter()


async def _answered(  # noqa: PLR0913, PLR0917  who asks what, of whom
    request: Request, served: Services, token: Token, asked: Asked, scope: Scope, ask: Ask
) -> Response:
    """A page of the answers, seller by seller; once the read models have come to `min_position`."""
    if asked.min_position is not None:
        await served.reads.folded(asked.seller or token.only, asked.min_position)

    def work() -> tuple[list[dict[str, Any]], str | None, queries.AsOf]:
        with served.reads.read_models.reading() as connection:
            names = scope(connection, token, asked.seller, asked.cursor)
            rows, following = paged(names, lambda name: _rows(ask(connection, name), name), asked)
            at = getattr(asked, "as_of", None)
            return rows, following, queries.as_of_now(connection, asked.seller or token.only, at)

    rows, following, as_of = await served.reads.ask(work)
    return page(request, (as_of.as_of_position, as_of.as_of), rows, following)


def _rows(answers: Iterable[Any], seller: str | None) -> list[dict[str, Any]]:
    """As the command line prints them, each with its seller."""
    return [row if "seller_id" in row else {**row, "seller_id": seller} for row in queries.as_rows(answers)]


@router.get("/stock", response_model=models.Page[queries.StockAnswer], responses=ANSWERS)
async def stock(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedStock, Query()]
) -> Response:
    """What is there, what is promised, and what each channel may sell."""
    channels = (asked.channel,) if asked.channel else ()

    def ask(connection: sa.Connection, seller: str | None) -> Iterable[Any]:
        return queries.stock(connection, seller or "", asked.sku, channels)

    return await _answered(request, served, token, asked, each_seller, ask)


@router.get("/penalty", response_model=models.Page[queries.PenaltyAnswer], responses=ANSWERS)
async def penalty(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedPenalty, Query()]
) -> Response:
    """How near each seller is to a penalty, and what the points are made of."""

    def ask(connection: sa.Connection, seller: str | None) -> Iterable[Any]:
        return [queries.penalty(connection, seller or "", asked.channel, asked.as_of)]

    return await _answered(request, served, token, asked, each_seller, ask)


@router.get("/kpi", response_model=models.Page[models.KpiRow], responses=ANSWERS)
async def kpi(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedKpi, Query()]
) -> Response:
    """Fulfilment KPIs, each with its numerator and denominator.  `name`: which; default: all."""

    def ask(connection: sa.Connection, seller: str | None) -> Iterable[Any]:
        return [
            queries.kpi(
                connection, name, seller=seller, channel=asked.channel, since=asked.since, until=asked.until
            )
            for name in asked.name or _known_kpis(connection)
        ]

    return await _answered(request, served, token, asked, totals, ask)


def _known_kpis(connection: sa.Connection) -> list[str]:
    named = SQL["fulfilment_kpis"].c.kpi
    return list(connection.execute(sa.select(named).distinct().order_by(named)).scalars())


@router.get("/orders", response_model=models.Page[models.OrdersRow], responses=ANSWERS)
async def orders(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedOrders, Query()]
) -> Response:
    """What became of the orders: counts by status, lateness, durations."""

    def ask(connection: sa.Connection, seller: str | None) -> Iterable[Any]:
        return [
            queries.orders(
                connection,
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

    def ask(connection: sa.Connection, seller: str | None) -> Iterable[Any]:
        return queries.returns(connection, seller or "", channel=asked.channel, state=asked.state)

    return await _answered(request, served, token, asked, each_seller, ask)


@router.get("/activity", response_model=models.Page[models.ActivityRow], responses=ANSWERS)
async def activity(
    request: Request, served: Served, token: Reader, asked: Annotated[AskedActivity, Query()]
) -> Response:
    """Everything that happened, by kind: facts told, pieces, value."""

    def ask(connection: sa.Connection, seller: str | None) -> Iterable[Any]:
        return queries.activity(
            connection,
            seller,
            since=asked.since,
            until=asked.until,
            kind=asked.kind,
            by_reason=asked.by_reason,
        )

    return await _answered(request, served, token, asked, totals, ask)
