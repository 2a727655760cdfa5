"""Makes a GET route for each question of the catalogue."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import fields, make_dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import create_model
from starlette.responses import Response

from infra.access.tokens import Token
from infra.http.asking.paging import each_seller, paged, totals
from infra.http.asking.parameters import QuestionParameters
from infra.http.forms import CSV_ANSWER, page
from infra.http.models import Page
from infra.http.problems import documented
from infra.http.services import Reader, Served, Services
from projections.questions.as_of import AsOf, as_of_now
from projections.questions.plain_rows import as_rows
from projections.questions.question import Question

ANSWERS: Final = {**documented(401, 403, 404, 422, 500, 503, 504), **CSV_ANSWER}
SELLER: Final = "seller_id"


def routes(questions: Iterable[Question[Any]]) -> APIRouter:
    """A router with GET /NAME for each question."""
    router = APIRouter()
    for question in questions:
        router.add_api_route(
            f"/{question.name}",
            _handler(question),
            name=question.name,
            description=question.http_help or question.help,
            response_model=Page[_row(question)],  # type: ignore[misc]
            responses=ANSWERS,
        )
    return router


def _handler(question: Question[Any]) -> Callable[..., Awaitable[Response]]:
    async def handle(request: Request, served: Served, token: Reader, parameters: Any) -> Response:
        return await _answer_page(question, request, served, token, parameters)

    model = create_model(
        f"Asked{question.name.capitalize()}", __base__=(question.parameters, QuestionParameters)
    )
    handle.__annotations__["parameters"] = Annotated[model, Query()]
    return handle


def _row(question: Question[Any]) -> type[Any]:
    """The type of an answer's row in OpenAPI: the question's answer type, with the seller."""
    if any(field.name == SELLER for field in fields(question.answer)):
        return question.answer
    seller = str if question.scope == "each seller" else str | None
    row = make_dataclass(
        f"{question.name.capitalize()}Row",
        [(SELLER, seller)],
        bases=(question.answer,),
        frozen=True,
        slots=True,
    )
    row.__doc__ = question.row_help
    return row


async def _answer_page(
    question: Question[Any], request: Request, served: Services, token: Token, parameters: Any
) -> Response:
    """One page of the answers, seller by seller.  Waits until the read models include `min_position`."""
    if parameters.min_position is not None:
        await served.reads.folded(parameters.seller or token.only, parameters.min_position)
    sellers_of = each_seller if question.scope == "each seller" else totals

    def work() -> tuple[list[dict[str, Any]], str | None, AsOf]:
        with served.reads.read_models.snapshot() as rows:
            sellers = sellers_of(rows, token, parameters.seller, parameters.cursor)
            answers, following = paged(
                sellers, lambda seller: _rows(question.ask(rows, seller, parameters), seller), parameters
            )
            as_of = as_of_now(rows, parameters.seller or token.only, getattr(parameters, "as_of", None))
            return answers, following, as_of

    answers, following, as_of = await served.reads.ask(work)
    return page(request, (as_of.as_of_position, as_of.as_of), answers, following)


def _rows(answers: Iterable[Any], seller: str | None) -> list[dict[str, Any]]:
    """The same rows as the command line prints, each with its seller."""
    return [row if SELLER in row else {**row, SELLER: seller} for row in as_rows(answers)]
