"""The application: its routes, its refusals, and OpenAPI that tells both truly."""

from collections.abc import Iterable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from infra.build import build
from infra.http import health
from infra.http.asking import message_outcomes as tracing
from infra.http.asking import order
from infra.http.asking import parked as waiting
from infra.http.asking.questions import routes
from infra.http.problems import Problem, Wrong
from infra.http.publishing import endpoint as publishing
from infra.http.publishing.message_schemas import components
from infra.http.request_limits import RequestLimiter, failed
from infra.http.services import Services
from projections.questions.catalogue import PUBLISHED
from projections.questions.question import Question

_ABOUT: Final = """
Messages in, what became of them, and the questions of the command line. Every answer says by `as_of_position`
and `as_of` what it knows; reads of the read models take `min_position`, to know what you have just sent.
Refusals are problem details (RFC 9457): `detail` says what happened, `kept` what was kept, `next` what to do.
"""


def application(services: Services, questions: Iterable[Question[Any]] = PUBLISHED) -> ASGIApp:
    """Ready to be served."""
    app = FastAPI(
        title="Jumun",
        version=build(),
        description=_ABOUT,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    routers = (
        publishing.router,
        tracing.router,
        routes(questions),
        order.router,
        waiting.router,
        health.router,
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)
    said = _documented(app)
    app.openapi = lambda: said  # type: ignore[method-assign]
    return RequestLimiter(app, services.limits, services.clock)


async def _problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: list[Any] = list(error.errors())
    wrong = [
        Wrong(rule=one["type"], field=".".join(map(str, one["loc"][1:]))[:200], error=one["msg"][:300])
        for one in errors[:20]
    ]
    said = "A parameter is not one that can be asked for."
    return Problem(422, said, "Correct what is named under `wrong`.", wrong=wrong).response()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = "There is no such path." if error.status_code == 404 else "This path does not do that."  # noqa: PLR2004
    del request
    response = Problem(error.status_code, said, "GET /openapi.json tells all there is.").response()
    response.headers.update(error.headers or {})
    return response


async def _failed(_: Request, __: Exception) -> Response:
    return failed().response()


def _documented(app: FastAPI) -> dict[str, Any]:
    """What FastAPI tells, with the contract of messages."""
    said: dict[str, Any] = FastAPI.openapi(app)
    known: dict[str, Any] = said["components"]["schemas"]
    known.pop("HTTPValidationError", None)
    known.pop("ValidationError", None)
    added = components()
    assert not known.keys() & added.keys()
    known |= added
    return said
